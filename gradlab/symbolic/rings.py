"""Arithmetics in which index expressions are evaluated: a prime field (exact), 50 digits, and dual numbers over either.

Values are NumPy object arrays. Every ring has the same methods in the same order.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, Protocol

import mpmath
import numpy as np

Array = np.ndarray[Any, np.dtype[np.object_]]

PRIME = 2**61 - 1
"""p - 1 has only small prime factors, so that discrete logarithms are cheap; p = 3 mod 4, so that roots are."""
GENERATOR = 37
"""A primitive root modulo PRIME: exp(x) is 37**x."""
_ORDER_FACTORS = ((2, 1), (3, 2), (5, 2), (7, 1), (11, 1), (13, 1), (31, 1), (41, 1), (61, 1), (151, 1), (331, 1), (1321, 1))


class Resample(Exception):
    """This draw has no value in the ring (a root of a non-residue, a division by zero): draw again."""


class Ring(Protocol):
    """What evaluation needs of an arithmetic."""

    def constant(self, value: Fraction) -> Any:
        """An exact number."""

    def add(self, left: Any, right: Any) -> Any:
        """The sum."""

    def multiply(self, left: Any, right: Any) -> Any:
        """The product."""

    def power(self, value: Any, exponent: Fraction) -> Any:
        """A rational power."""

    def function(self, name: str, value: Any) -> Any:
        """An elementary function."""

    def indicator(self, value: Any) -> Any:
        """1 where the value is above 0, else 0."""

    def sum(self, value: Any, axes: tuple[int, ...]) -> Any:
        """The sum over axes."""

    def draw(self, kind: str, shape: tuple[int, ...], rng: random.Random) -> Any:
        """Random values of a domain."""


def _elementwise(function: Callable[[Any], Any], value: Any) -> Array:
    value = np.asarray(value, dtype=object)  # arithmetic on arrays without axes gives bare numbers
    flat = [function(item) for item in value.ravel()]
    result = np.empty(len(flat), dtype=object)
    result[:] = flat
    return result.reshape(value.shape)


def objects(values: list[Any], shape: tuple[int, ...]) -> Array:
    """An object array from a flat list."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)


def lift(value: int) -> int:
    """The representative nearest to 0: small integers survive the field as what they are."""
    return value if value <= PRIME // 2 else value - PRIME


class PrimeField:
    """Exact arithmetic modulo 2**61 - 1. A false identity survives a random draw with a chance of about 1e-17.

    exp(x) = 37**x, so exp(a + b) = exp(a) exp(b) holds; log is the discrete logarithm, so log(a b) = log a + log b
    holds unless the exponents wrap around; a square root is the residue among the two, so sqrt(a b) = sqrt(a) sqrt(b).
    """

    def constant(self, value: Fraction) -> int:
        return value.numerator * pow(value.denominator, -1, PRIME) % PRIME

    def add(self, left: Any, right: Any) -> Any:
        return (left + right) % PRIME

    def multiply(self, left: Any, right: Any) -> Any:
        return left * right % PRIME

    def power(self, value: Array, exponent: Fraction) -> Array:
        if exponent.denominator not in (1, 2):
            raise Resample(f"no root of order {exponent.denominator} in the field")

        def one(item: int) -> int:
            if exponent < 0 and item == 0:
                raise Resample("division by zero")
            if exponent.denominator == 2:
                root = pow(item, (PRIME + 1) // 4, PRIME)
                if root * root % PRIME != item:
                    raise Resample("not a square")
                item = root
            return pow(item, exponent.numerator, PRIME)

        return _elementwise(one, value)

    def function(self, name: str, value: Array) -> Array:
        return _elementwise(_FIELD_FUNCTIONS[name], value)

    def indicator(self, value: Array) -> Array:
        return _elementwise(lambda item: int(lift(item) > 0), value)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes) % PRIME, dtype=object)

    def draw(self, kind: str, shape: tuple[int, ...], rng: random.Random) -> Array:
        count = int(np.prod(shape, dtype=int))
        least = {"positive": 1, "non_negative": 0}.get(kind, -9)
        values = [rng.randint(least, 9) % PRIME for _ in range(count)]
        result = objects(values, shape)
        if kind == "simplex":
            result[..., -1] = (1 - result[..., :-1].sum(axis=-1)) % PRIME
        return result


def _field_exp(value: int) -> int:
    return pow(GENERATOR, lift(value) % (PRIME - 1), PRIME)


def _field_log(value: int) -> int:
    if value == 0:
        raise Resample("logarithm of zero")
    order = PRIME - 1
    remainders = [(_log_modulo(value, q**e), q**e) for q, e in _ORDER_FACTORS]
    exponent = sum(r * (order // m) * pow(order // m, -1, m) for r, m in remainders) % order
    return (exponent if exponent <= order // 2 else exponent - order) % PRIME


def _log_modulo(value: int, modulus: int) -> int:
    return _log_table(modulus)[pow(value, (PRIME - 1) // modulus, PRIME)]


@cache
def _log_table(modulus: int) -> dict[int, int]:
    step = pow(GENERATOR, (PRIME - 1) // modulus, PRIME)
    return {pow(step, k, PRIME): k for k in range(modulus)}


_FIELD_FUNCTIONS: dict[str, Callable[[int], int]] = {
    "exp": _field_exp,
    "log": _field_log,
    "positive_part": lambda value: value if lift(value) > 0 else 0,
}


class Digits:
    """Floating point with 60 digits, of which 50 are asked for."""

    digits = 60

    def constant(self, value: Fraction) -> Any:
        return mpmath.mpf(value.numerator) / value.denominator

    def add(self, left: Any, right: Any) -> Any:
        return left + right

    def multiply(self, left: Any, right: Any) -> Any:
        return left * right

    def power(self, value: Array, exponent: Fraction) -> Array:
        power = mpmath.mpf(exponent.numerator) / exponent.denominator
        return _elementwise(lambda item: mpmath.power(item, power), value)

    def function(self, name: str, value: Array) -> Array:
        return _elementwise(_DIGIT_FUNCTIONS[name], value)

    def indicator(self, value: Array) -> Array:
        return _elementwise(lambda item: mpmath.mpf(item > 0), value)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes), dtype=object)

    def draw(self, kind: str, shape: tuple[int, ...], rng: random.Random) -> Array:
        low = 0.1 if kind in ("positive", "non_negative", "simplex") else -3.0
        values = [mpmath.mpf(rng.uniform(low, 3.0)) for _ in range(int(np.prod(shape, dtype=int)))]
        result = objects(values, shape)
        return result / result.sum(axis=-1, keepdims=True) if kind == "simplex" else result


_DIGIT_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "positive_part": lambda value: value if value > 0 else mpmath.mpf(0),
}


class Dual:
    """A value with its derivative in one direction."""

    def __init__(self, value: Array, slope: Array) -> None:
        self.value, self.slope = value, slope

    def __getitem__(self, key: Any) -> Dual:
        return Dual(np.asarray(self.value[key], dtype=object), np.asarray(self.slope[key], dtype=object))


class DualRing:
    """Dual numbers over a ring: forward-mode differentiation that shares no rule with the engine's reverse mode."""

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
        if name == "exp":
            outer = self.base.function("exp", value.value)
        elif name == "log":
            outer = self.base.power(value.value, Fraction(-1))
        else:
            outer = self.base.indicator(value.value)
        return Dual(self.base.function(name, value.value), self.base.multiply(outer, value.slope))

    def indicator(self, value: Dual) -> Dual:
        return self.dual(self.base.indicator(value.value))

    def sum(self, value: Dual, axes: tuple[int, ...]) -> Dual:
        return Dual(self.base.sum(value.value, axes), self.base.sum(value.slope, axes))

    def draw(self, kind: str, shape: tuple[int, ...], rng: random.Random) -> Dual:
        return self.dual(self.base.draw(kind, shape, rng))
