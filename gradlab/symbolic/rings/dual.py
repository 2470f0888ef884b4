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

    def named(self, name: str) -> Dual:
        return self.dual(self.base.named(name))

    def function(self, name: str, value: Dual, *others: Dual) -> Dual:
        constants = tuple(other.value for other in others)
        outer = _SLOPES[name](self.base, value.value, *constants)
        return Dual(self.base.function(name, value.value, *constants), self.base.multiply(outer, value.slope))

    def indicator(self, value: Dual) -> Dual:
        return self.dual(self.base.indicator(value.value))

    def argmax(self, value: Dual, axes: int, inside: Any) -> Any:
        return self.base.argmax(value.value, axes, inside)

    def sum(self, value: Dual, axes: tuple[int, ...]) -> Dual:
        return Dual(self.base.sum(value.value, axes), self.base.sum(value.slope, axes))


def _minus(ring: Ring, left: Any, right: Any) -> Any:
    return ring.add(left, ring.multiply(ring.constant(Fraction(-1)), right))


def _one_minus(ring: Ring, value: Any) -> Any:
    return _minus(ring, ring.constant(Fraction(1)), value)


def _open(ring: Ring, u: Any, low: Any, high: Any) -> Any:
    return ring.multiply(ring.indicator(_minus(ring, u, low)), ring.indicator(_minus(ring, high, u)))


def _closed(ring: Ring, u: Any, low: Any, high: Any) -> Any:
    below, above = ring.indicator(_minus(ring, low, u)), ring.indicator(_minus(ring, u, high))
    return ring.multiply(_one_minus(ring, below), _one_minus(ring, above))


def _safe_rsqrt(ring: Ring, u: Any) -> Any:
    value = ring.function("safe_rsqrt", u)
    return ring.multiply(ring.constant(Fraction(-1, 2)), ring.multiply(value, ring.multiply(value, value)))


def _sigmoid(ring: Ring, u: Any) -> Any:
    value = ring.function("sigmoid", u)
    return ring.multiply(value, _one_minus(ring, value))


_SLOPES: dict[str, Callable[..., Any]] = {
    "abs": lambda ring, u: ring.function("sign", u),
    "clamp": _closed,
    "clip": _open,
    "cos": lambda ring, u: _minus(ring, ring.constant(Fraction(0)), ring.function("sin", u)),
    "exp": lambda ring, u: ring.function("exp", u),
    "expm1": lambda ring, u: ring.function("exp", u),
    "log": lambda ring, u: ring.power(u, Fraction(-1)),
    "log1p": lambda ring, u: ring.function("exp", _minus(ring, ring.constant(Fraction(0)), ring.function("log1p", u))),
    "negative_part": lambda ring, u: _one_minus(ring, ring.indicator(u)),
    "normal_cdf": lambda ring, u: ring.function("normal_pdf", u),
    "normal_pdf": lambda ring, u: _minus(
        ring, ring.constant(Fraction(0)), ring.multiply(u, ring.function("normal_pdf", u))
    ),
    "positive_part": lambda ring, u: ring.indicator(u),
    "power": lambda ring, u, a: ring.multiply(
        a, ring.multiply(ring.function("power", u, a), ring.power(u, Fraction(-1)))
    ),
    "safe_rsqrt": _safe_rsqrt,
    "safe_sqrt": lambda ring, u: ring.multiply(ring.constant(Fraction(1, 2)), ring.function("safe_rsqrt", u)),
    "sigmoid": _sigmoid,
    "sign": lambda ring, u: ring.multiply(ring.constant(Fraction(0)), u),
    "sin": lambda ring, u: ring.function("cos", u),
    "softplus": lambda ring, u: ring.function("sigmoid", u),
    "tanh": lambda ring, u: _one_minus(ring, ring.power(ring.function("tanh", u), Fraction(2))),
}
"""Written down a second time on purpose: what they check is `functions.ELEMENTARY`."""
