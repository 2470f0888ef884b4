"""The stated power made true: the comparison is run again on answers with a planted error, and must fail on them.

One comparison is one element of one measured case, with everything that may acquit it: every family of steps that the
differences can try, and every other oracle. Planting is arithmetic; the code under test is not called for it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import compare, levels, lost_below
from gradlab.verify.oracles.estimate import preferred

# An error must be found in 99 of 100 runs, on cases drawn anew. Were they alike, five that see it on average would do
# (none does in one run of exp(5) = 148); six allow for the small sample. A short run has fewer cases: nearly all of
# them must see it then.
_CASES = 6.0
_SHARE = 0.9

_QUARTILE = 0.25

# An error and four times a scatter of its size.
_REFINED = 6.0

# The few probes of a short run may both have met hostile numbers.
_SEVERAL = 5


@dataclass(slots=True)
class Opinions:
    """What is known of one element, one entry per attempt of an oracle; filled while an oracle is asked."""

    value: list[float] = field(default_factory=list)
    error: list[float] = field(default_factory=list)
    magnitude: list[float] = field(default_factory=list)

    def hear(self, value: Array, error: Array, magnitude: Array, which: Array) -> Array:
        """A `Settled` that is content with nothing, so that an oracle tries all it can."""
        self.value.append(float(value[0]))
        self.error.append(float(error[0]))
        self.magnitude.append(float(magnitude[0]))
        return np.zeros(value.size)


@dataclass(frozen=True, slots=True)
class Probe:
    """One answer and all that it was judged by, one entry per opinion; the first `families` are the differences'."""

    dtype: str
    answer: float
    value: Array
    error: Array
    magnitude: Array
    tolerance: Array
    blur: float
    families: int

    def catches(self, relative: float) -> bool:
        """Whether the answer fails where it is wrong by this part of itself, in either direction."""
        return all(self._fails(self.answer * (1 + sign * relative)) for sign in (1.0, -1.0))

    def _fails(self, answer: float) -> bool:
        planted = np.full(self.value.shape, answer)
        bars = self.value, self.error, self.magnitude, self.tolerance
        found = compare(planted, *bars, dtype=self.dtype, blur=self.blur)
        ranks = levels(found)
        best, rank = -1, -1
        for k in range(self.families):
            value, error = (self.value[best], self.error[best]) if best >= 0 else (np.nan, np.inf)
            if preferred(self.value[k], self.error[k], ranks[k], value, error, rank):
                best, rank = k, int(ranks[k])
            if rank == 2:
                break
        if best < 0:
            return False
        # What is disputed is differenced again, and the scatter widens the bars.
        bars = self.value[best], _REFINED * self.error[best], self.magnitude[best], self.tolerance[best]
        disputed = compare(np.asarray(answer), *bars, dtype=self.dtype, blur=self.blur).differs
        # Any other oracle that covers an answer acquits it.
        return bool(disputed) and not (ranks[self.families :] > 0).any()


def stated_power(probes: Sequence[Probe], looked: float, powers: Array, company: int) -> float | None:
    """The smallest relative error p such that planted errors of 2 p are found; None where no size can be promised.

    `looked` is the number of cases in which a given element is verified; the share of probes that catch an error, times
    that, is the number of cases that will. `company` of them are needed before it counts (float32). `powers`, the
    errors that a first comparison would have caught, are tried from their lower quartile upward, by factors of 2.
    """
    wanted = min(_CASES + company - 1, max(float(company), _SHARE * looked))
    first = float(np.quantile(powers, _QUARTILE))
    steps = 1 + max(0, math.ceil(math.log2(1 / first))) if 0 < first < 1 else 0
    tried = [min(first * 2.0**k, 1.0) for k in range(steps)]

    def found(power: float) -> bool:
        return sum(probe.catches(2 * power) for probe in probes) * looked >= wanted * len(probes)

    # The larger an error, the more comparisons see it.
    place = bisect_left(tried, True, key=found)
    return tried[place] if place < steps else None


def faint(probes: Sequence[Probe]) -> bool:
    """True where every answer asked about is no larger than what may be rounding of larger terms."""
    return all(abs(probe.answer) <= max(lost_below(probe.dtype), probe.blur) for probe in probes)


def blind(probes: Sequence[Probe]) -> bool:
    """True where not one of several comparisons sees an answer that is three times too large."""
    return len(probes) >= _SEVERAL and not any(probe.catches(2.0) for probe in probes)
