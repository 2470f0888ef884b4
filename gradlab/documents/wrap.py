"""Breaks a long formula in plain text at its operators: the outermost + and - first, products of sums last."""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPERATOR = re.compile(r" (?=[-+*/] )")
# Which operators a line may break at, tried in turn: their signs, and how deep in brackets they may stand.
_LEVELS = (("+-", 0), ("+-", 1), ("*/", 1), ("+-*/", 99))


def wrapped(formula: str, width: int) -> list[str]:
    """The lines of a formula, none longer than `width` where an operator allows it.

    >>> wrapped("a * b + c * (d - e)", 12)
    ['a * b', '+ c * (d', '    - e)']
    """
    return _fill(formula, width, 0)


def _fill(formula: str, width: int, level: int) -> list[str]:
    if len(formula) <= width or level == len(_LEVELS):
        return [formula]
    lines: list[str] = []
    for part in _split(formula, *_LEVELS[level]):
        if lines and len(lines[-1]) + 1 + len(part) <= width:
            lines[-1] += f" {part}"
            continue
        indent = " " * min(2 + 2 * level, 6) if lines and level else ""
        broken = _fill(part, width - len(indent), level + 1)
        lines += [indent + line for line in broken]
    return lines


def _split(formula: str, operators: str, depth: int) -> Iterator[str]:
    """The parts between these operators; each but the first begins with its operator."""
    start = 0
    for match in _OPERATOR.finditer(formula):
        position = match.start()
        before = formula[:position]
        if formula[position + 1] in operators and before.count("(") - before.count(")") <= depth:
            yield formula[start:position]
            start = position + 1
    yield formula[start:]
