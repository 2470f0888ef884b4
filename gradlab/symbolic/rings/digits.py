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

    # A number of mpmath that meets an array on its right side prints the array before it gives way to NumPy.
    def add(self, left: Any, right: Any) -> Any:
        return np.add(left, right)

    def multiply(self, left: Any, right: Any) -> Any:
        return np.multiply(left, right)

    def power(self, value: Any, exponent: Fraction) -> Array:
        return elementwise(partial(_power, exponent=exponent), value)

    def function(self, name: str, value: Any) -> Array:
        return elementwise(partial(_real, _FUNCTIONS[name]), value)

    def indicator(self, value: Any) -> Array:
        return elementwise(lambda item: mpmath.mpf(item > 0), value)

    def argmax(self, value: Array, axes: int, inside: Any) -> Any:
        return first_largest(value, axes, inside)

    def sum(self, value: Array, axes: tuple[int, ...]) -> Any:
        return np.asarray(value.sum(axis=axes), dtype=object)


def _power(value: Any, exponent: Fraction) -> Any:
    if exponent.denominator == 1 and (value or exponent > 0):
        return value ** int(exponent)
    if value <= 0:  # at 0 the root exists, but its derivative does not
        raise UndefinedError("root of a number that is not positive" if value or exponent > 0 else "division by zero")
    return mpmath.power(value, mpmath.mpf(exponent.numerator) / exponent.denominator)


def _real(function: Callable[[Any], Any], value: Any) -> Any:
    try:
        result = function(value)
    except (ValueError, ZeroDivisionError) as error:
        raise UndefinedError(str(error)) from None
    if isinstance(result, mpmath.mpc) or not mpmath.isfinite(result):
        raise UndefinedError("not a real number")
    return result


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "positive_part": lambda value: value if value > 0 else mpmath.mpf(0),
}
