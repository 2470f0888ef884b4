"""Exact arithmetic modulo a prime, in which exponentials, logarithms and square roots keep their laws."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import cache, partial
from typing import Any

import numpy as np

from gradlab.symbolic.rings.ring import Array, UndefinedError, elementwise, first_largest

PRIME = 2**61 - 1
"""p - 1 has only small prime factors, so that discrete logarithms are cheap; p = 3 mod 4, so that roots are."""
GENERATOR = 37
"""A primitive root modulo PRIME: exp(x) is 37**x."""
_PI = 3141592653589793**2 % PRIME
"""Stands for pi: any square will do, so that it has a root."""
PRIME_POWERS = (2, 3**2, 5**2, 7, 11, 13, 31, 41, 61, 151, 331, 1321)
"""Their product is PRIME - 1."""


class PrimeField:
    """Exact arithmetic modulo 2**61 - 1. A false identity survives a random draw with a chance of about 1e-17.

    exp(x) = 37**x, so exp(a + b) = exp(a) exp(b) holds for small integers; log is the discrete logarithm, so
    log(a b) = log a + log b holds unless the exponents wrap around; a square root is the residue among the two, so
    sqrt(a b) = sqrt(a) sqrt(b) holds, and half of all numbers have none. A function without a law of its own is an
    arbitrary map: equal arguments give equal values, and that is all.
    """

    def constant(self, value: Fraction) -> int:
        return value.numerator * pow(value.denominator, -1, PRIME) % PRIME

    def add(self, left: Any, right: Any) -> Any:
        return (left + right) % PRIME

    def multiply(self, left: Any, right: Any) -> Any:
        return left * right % PRIME

    def power(self, value: Any, exponent: Fraction) -> Array:
        return elementwise(partial(_power, exponent=exponent), value)

    def named(self, name: str) -> int:
        return _PI if name == "pi" else int(name)

    def function(self, name: str, value: Any, *others: Any) -> Array:
        return elementwise(_FUNCTIONS.get(name) or partial(_arbitrary, name), value, *others)

    def indicator(self, value: Any) -> Array:
        return elementwise(lambda item: int(lift(item) > 0), value)

    def argmax(self, value: Array, axes: int, inside: Any) -> Any:
        return first_largest(elementwise(lift, value), axes, inside)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes) % PRIME, dtype=object)


def lift(value: int) -> int:
    """The representative nearest to 0: small integers survive the field as what they are."""
    return value if value <= PRIME // 2 else value - PRIME


def _power(value: int, exponent: Fraction) -> int:
    if exponent.denominator == 2:
        value = _root(value)
    elif exponent.denominator != 1:
        raise UndefinedError(f"no root of order {exponent.denominator} in the field")
    if exponent < 0 and value == 0:
        raise UndefinedError("division by zero")
    return pow(value, exponent.numerator, PRIME)


def _root(value: int) -> int:
    root = pow(value, (PRIME + 1) // 4, PRIME)
    # At 0 the root exists, but its derivative does not.
    if value == 0 or root * root % PRIME != value:
        raise UndefinedError("not a square")
    return root


def _exp(value: int) -> int:
    return pow(GENERATOR, lift(value) % (PRIME - 1), PRIME)


def _log(value: int) -> int:
    if value == 0:
        raise UndefinedError("logarithm of zero")
    # Pohlig-Hellman: the exponent modulo each prime power of p - 1, put together by the Chinese remainder theorem.
    order = PRIME - 1
    exponent = sum(
        _log_table(modulus)[pow(value, order // modulus, PRIME)]
        * (order // modulus)
        * pow(order // modulus, -1, modulus)
        for modulus in PRIME_POWERS
    )
    exponent %= order
    return (exponent if exponent <= order // 2 else exponent - order) % PRIME


@cache
def _log_table(modulus: int) -> dict[int, int]:
    step = pow(GENERATOR, (PRIME - 1) // modulus, PRIME)
    return {pow(step, k, PRIME): k for k in range(modulus)}


def _arbitrary(name: str, *values: int) -> int:
    digest = hashlib.blake2b(f"{name}{values}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % PRIME


def _clip(value: int, low: int, high: int) -> int:
    if lift((value - low) % PRIME) <= 0:
        return low
    return value if lift((high - value) % PRIME) > 0 else high


def _sign(value: int) -> int:
    return (lift(value) > 0) - (lift(value) < 0)


_FUNCTIONS: dict[str, Callable[..., int]] = {
    "abs": lambda value: abs(lift(value)),
    "clamp": _clip,
    "clip": _clip,
    "exp": _exp,
    "log": _log,
    "negative_part": lambda value: value if lift(value) < 0 else 0,
    "positive_part": lambda value: value if lift(value) > 0 else 0,
    "sign": lambda value: _sign(value) % PRIME,
}
"""Functions with a law: exp and log of sums and products, and those that are linear in pieces."""
