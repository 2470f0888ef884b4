"""What a count of rare events says about their rate."""

from __future__ import annotations

import math


def upper_bound(events: int, trials: int, confidence: float = 0.95) -> float:
    """The one-sided Clopper-Pearson bound: a higher rate would have given more events, with this confidence.

    With no event at all it is the rule of three, about 3 / trials. Equivalent to
    `scipy.stats.binomtest(events, trials).proportion_ci(...).high` of one side.

    >>> f"{upper_bound(0, 10_000):.2e}", f"{upper_bound(1, 10_000):.2e}", upper_bound(5, 5)
    ('3.00e-04', '4.74e-04', 1.0)
    """
    if events >= trials:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(80):
        rate = (low + high) / 2
        if _at_most(events, trials, rate) > 1 - confidence:
            low = rate
        else:
            high = rate
    return high


def _at_most(events: int, trials: int, rate: float) -> float:
    """The probability of so few events at this rate."""
    return math.fsum(
        math.exp(
            math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
            + k * math.log(rate) + (trials - k) * math.log1p(-rate)
        )
        for k in range(events + 1)
    )  # fmt: skip
