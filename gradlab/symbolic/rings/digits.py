"""Real numbers to many digits."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

import mpmath
import numpy as np

from gradlab.symbolic.rings.ring import Array, UndefinedError, elementwise, first_largest


class Digits:
    """Floating point with 60 digits, of which 50 are asked for; the caller sets mpmath's precision."""

    digits = 60

    def constant(self, value: Fraction) -> Any:
        return mpmath.mpf(value.numerator) / value.denominator

    def add(self, left: Any, right: Any) -> Any:
        return np.add(left, right)

    def multiply(self, left: Any, right: Any) -> Any:
        return np.multiply(left, right)

    def power(self, value: Any, exponent: Fraction) -> Array:
        return elementwise(partial(_rational, exponent=exponent), value)

    def named(self, name: str) -> Any:
        return +mpmath.pi if name == "pi" else mpmath.mpf(name)

    def function(self, name: str, value: Any, *others: Any) -> Array:
        return elementwise(partial(_real, _FUNCTIONS[name]), value, *others)

    def indicator(self, value: Any) -> Array:
        return elementwise(lambda item: mpmath.mpf(item > 0), value)

    def argmax(self, value: Array, axes: int, inside: Any) -> Any:
        return first_largest(value, axes, inside)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes), dtype=object)


def _rational(value: Any, exponent: Fraction) -> Any:
    if exponent.denominator == 1 and (value or exponent > 0):
        return value ** int(exponent)
    if value <= 0:  # at 0 the root exists, but its derivative does not
        raise UndefinedError("root of a number that is not positive" if value or exponent > 0 else "division by zero")
    return mpmath.power(value, mpmath.mpf(exponent.numerator) / exponent.denominator)


def _real(function: Callable[..., Any], *values: Any) -> Any:
    try:
        result = function(*values)
    except (ValueError, ZeroDivisionError) as error:
        raise UndefinedError(str(error)) from None
    if isinstance(result, mpmath.mpc) or not mpmath.isfinite(result):
        raise UndefinedError("not a real number")
    return result


def _clip(value: Any, low: Any, high: Any) -> Any:
    return min(max(value, low), high)


def _power(value: Any, exponent: Any) -> Any:
    if value <= 0:
        raise UndefinedError("power of a number that is not positive")
    return mpmath.power(value, exponent)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "clamp": _clip,
    "clip": _clip,
    "cos": mpmath.cos,
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log1p": mpmath.log1p,
    "negative_part": lambda value: value if value < 0 else mpmath.mpf(0),
    "normal_cdf": mpmath.ncdf,
    "normal_pdf": mpmath.npdf,
    "positive_part": lambda value: value if value > 0 else mpmath.mpf(0),
    "power": _power,
    "safe_rsqrt": lambda value: 1 / mpmath.sqrt(value) if value else mpmath.mpf(0),
    "safe_sqrt": mpmath.sqrt,
    "sigmoid": lambda value: 1 / (1 + mpmath.exp(-value)),
    "sign": mpmath.sign,
    "sin": mpmath.sin,
    "softplus": lambda value: mpmath.log1p(mpmath.exp(value)),
    "tanh": mpmath.tanh,
}
