"""Where a failure begins: bisection between a case that passes and one that fails."""

from __future__ import annotations

import math
from collections.abc import Callable

Fails = Callable[[float], bool]


def threshold(passes: float, fails: float, failing: Fails, expired: Callable[[], bool], steps: int = 14) -> float:
    """A number between both at which the verdict changes, to about two digits; on a logarithmic scale above 0.

    >>> round(threshold(1.0, 1e4, lambda x: x > 710, lambda: False), -1)
    710.0
    """
    for _ in range(steps):
        if expired() or abs(passes - fails) <= 0.005 * max(abs(passes), abs(fails)):
            break
        middle = math.sqrt(passes * fails) if passes > 0 and fails > 0 else (passes + fails) / 2
        if failing(middle):
            fails = middle
        else:
            passes = middle
    return fails


def shown(value: float) -> str:
    """Two significant digits: `710`, `0.0001`, `3e+08`."""
    return f"{float(f'{value:.2g}'):g}"


def pattern(sizes: dict[int, bool], name: str) -> str:
    """How the failing sizes of a dimension can be said in words; "" where they follow no simple rule.

    >>> pattern({1: False, 2: False, 8: False, 9: True, 12: True}, "n")
    'n >= 9'
    >>> pattern({1: True, 2: False, 3: False}, "n")
    'n == 1'
    >>> pattern({1: False, 2: True, 3: False, 4: True, 5: False}, "n")
    'n is even'
    """
    bad, good = sorted(n for n in sizes if sizes[n]), sorted(n for n in sizes if not sizes[n])
    if not bad or not good:
        return ""
    if len(bad) == 1 and (bad[0] < max(good)):
        return f"{name} == {bad[0]}"
    if len(bad) >= 2 and len(good) >= 2:
        if all(n % 2 for n in bad) and not any(n % 2 for n in good):
            return f"{name} is odd"
        if not any(n % 2 for n in bad) and all(n % 2 for n in good):
            return f"{name} is even"
    if min(bad) > max(good):
        return f"{name} >= {min(bad)}" if min(bad) == max(good) + 1 else f"{name} > {max(good)}"
    if max(bad) < min(good):
        return f"{name} <= {max(bad)}"
    for block in (128, 64, 32, 16, 8, 4, 2):
        if (
            min(bad) > max(block, 2)
            and all(n % block for n in bad)
            and not any(n % block for n in good if n > min(bad))
        ):
            return f"{name} > {block} is no multiple of {block}"
    if min(bad) > min(good):
        return f"some {name} from {min(bad)} on"
    return ""
