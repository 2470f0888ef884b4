"""Logarithmic axes: decades to pixels."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gradlab.verify.html.numbers import power_of_ten


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, in pixels, with its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class LogAxis:
    """Decades `low` to `high`, drawn from pixel `start` to pixel `end`."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def around(cls, values: Iterable[float], start: float, end: float) -> LogAxis:
        """Whole decades around all positive values.

        >>> axis = LogAxis.around([3e-3, 2.0, 0.0], 0, 100)
        >>> (axis.low, axis.high), axis.at(1e-3), axis.at(0.0), axis.at(10.0)
        ((-3, 1), 0.0, 0.0, 100.0)
        """
        logs = [math.log10(value) for value in values if value > 0 and math.isfinite(value)]
        low, high = (math.floor(min(logs)), math.ceil(max(logs))) if logs else (-1, 0)
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """The pixel; what lies outside, 0 above all, goes to the nearer end."""
        decade = math.log10(value) if value > 0 else float(self.low)
        part = (min(max(decade, self.low), self.high) - self.low) / (self.high - self.low)
        return round(self.start + part * (self.end - self.start), 2)

    def ticks(self, most: int = 7) -> list[Tick]:
        """Labelled decades, evenly spaced, not more than `most` of them."""
        step = max(1, math.ceil((self.high - self.low) / (most - 1)))
        return [Tick(self.at(10.0**k), power_of_ten(k)) for k in range(self.low, self.high + 1) if k % step == 0]
