"""Dual numbers over another ring: forward-mode differentiation that shares no rule with the engine's reverse mode."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.symbolic.rings.ring import Array, Ring


class Dual:
    """A value with its derivative in one direction."""

    def __init__(self, value: Array, slope: Array) -> None:
        self.value, self.slope = value, slope

    def __getitem__(self, key: Any) -> Dual:
        return Dual(np.asarray(self.value[key], dtype=object), np.asarray(self.slope[key], dtype=object))


class DualRing:
    """Pairs of a value and a slope."""

    def __init__(self, base: Ring) -> None:
        self.base = base

    def constant(self, value: Fraction) -> Dual:
        return self.dual(np.asarray(self.base.constant(value), dtype=object))

    def dual(self, value: Any) -> Dual:
        """A value that does not move."""
        value = np.asarray(value, dtype=object)
        return Dual(value, np.full(value.shape, self.base.constant(Fraction(0)), dtype=object))

    def add(self, left: Dual, right: Dual) -> Dual:
        return Dual(self.base.add(left.value, right.value), self.base.add(left.slope, right.slope))

    def multiply(self, left: Dual, right: Dual) -> Dual:
        times = self.base.multiply
        slope = self.base.add(times(left.slope, right.value), times(left.value, right.slope))
        return Dual(times(left.value, right.value), slope)

    def power(self, value: Dual, exponent: Fraction) -> Dual:
        times, power = self.base.multiply, self.base.power
        outer = times(self.base.constant(exponent), power(value.value, exponent - 1))
        return Dual(power(value.value, exponent), times(outer, value.slope))

    def function(self, name: str, value: Dual) -> Dual:
        outer = _SLOPES[name](self.base, value.value)
        return Dual(self.base.function(name, value.value), self.base.multiply(outer, value.slope))

    def indicator(self, value: Dual) -> Dual:
        return self.dual(self.base.indicator(value.value))

    def argmax(self, value: Dual, axes: int, inside: Any) -> Any:
        return self.base.argmax(value.value, axes, inside)

    def sum(self, value: Dual, axes: tuple[int, ...]) -> Dual:
        return Dual(self.base.sum(value.value, axes), self.base.sum(value.slope, axes))


_SLOPES: dict[str, Callable[[Ring, Any], Any]] = {
    "exp": lambda ring, u: ring.function("exp", u),
    "log": lambda ring, u: ring.power(u, Fraction(-1)),
    "positive_part": lambda ring, u: ring.indicator(u),
}
"""Written down a second time on purpose: what they check is `functions.ELEMENTARY`."""
