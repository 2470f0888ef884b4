"""Numbers of 50 digits that NumPy computes with, in arrays of dtype object."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from numpy.typing import NDArray

DIGITS = 50

_mp = mpmath.mp.clone()
_mp.dps = DIGITS

Array = NDArray[Any]


class Digits:
    """One number. NumPy's functions call the method of their name: np.exp(array) calls x.exp() for each entry."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = _mp.mpf(value)

    def __repr__(self) -> str:
        return f"Digits({_mp.nstr(self.value, 17)})"

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __hash__(self) -> int:
        return hash(self.value)

    def conjugate(self) -> Digits:
        """Itself, as np.vecdot asks for."""
        return self


def _value(other: Any) -> Any:
    if isinstance(other, Digits):
        return other.value
    if isinstance(other, bool | np.bool_ | int | np.integer):
        return int(other)
    return _mp.mpf(float(other)) if isinstance(other, float | np.floating) else None


def _guarded(compute: Callable[..., Any], *values: Any) -> Any:
    """A number, where mpmath raises or leaves the reals too: as floats do, division by zero gives inf or NaN."""
    try:
        result = compute(*values)
    except ZeroDivisionError:
        zero = compute is operator.truediv and values[0] != 0 and values[0] == values[0]
        result = _mp.inf * (1 if values[0] > 0 else -1) if zero else _mp.nan
    except (ValueError, OverflowError):
        result = _mp.nan
    made = Digits.__new__(Digits)
    made.value = _mp.nan if isinstance(result, _mp.mpc) else _mp.convert(result)
    return made


def _binary(compute: Callable[[Any, Any], Any], *, mirrored: bool) -> Callable[[Digits, Any], Any]:
    def method(self: Digits, other: Any) -> Any:
        value = _value(other)
        if value is None:
            return NotImplemented
        # A Python integer divided by zero raises in mpmath's way, not in ours.
        pair = (_mp.mpf(value), self.value) if mirrored else (self.value, value)
        return _guarded(compute, *pair)

    return method


def _comparison(compute: Callable[[Any, Any], bool]) -> Callable[[Digits, Any], Any]:
    def method(self: Digits, other: Any) -> Any:
        value = _value(other)
        return NotImplemented if value is None else bool(compute(self.value, value))

    return method


def _unary(compute: Callable[[Any], Any]) -> Callable[[Digits], Digits]:
    def method(self: Digits) -> Digits:
        made: Digits = _guarded(compute, self.value)
        return made

    return method


for _name in ("add", "sub", "mul", "truediv", "pow", "mod"):
    setattr(Digits, f"__{_name}__", _binary(getattr(operator, _name), mirrored=False))
    setattr(Digits, f"__r{_name}__", _binary(getattr(operator, _name), mirrored=True))
for _name in ("lt", "le", "eq", "ne", "gt", "ge"):
    setattr(Digits, f"__{_name}__", _comparison(getattr(operator, _name)))
for _name in ("neg", "pos", "abs"):
    setattr(Digits, f"__{_name}__", _unary(getattr(operator, _name)))
for _name in ("exp", "expm1", "log", "log10", "log1p", "sqrt", "cbrt", "floor", "ceil",
              "sin", "cos", "tan", "sinh", "cosh", "tanh"):  # fmt: skip
    setattr(Digits, _name, _unary(getattr(_mp, _name)))
for _name, _mine in (("arcsin", "asin"), ("arccos", "acos"), ("arctan", "atan"), ("arcsinh", "asinh"),
                     ("arccosh", "acosh"), ("arctanh", "atanh")):  # fmt: skip
    setattr(Digits, _name, _unary(getattr(_mp, _mine)))


def digits(array: Array) -> Array:
    """A float array with every entry exactly as it is, as numbers of 50 digits; others are returned unchanged.

    >>> np.exp(digits(np.array([1.0])))
    array([Digits(2.7182818284590452)], dtype=object)
    """
    if array.dtype.kind != "f":
        return array
    result = np.empty(array.shape, dtype=object)
    for position in np.ndindex(array.shape):
        result[position] = Digits(float(array[position]))
    return result


def divided(left: Any, right: Any) -> Any:
    """left / right, to 50 digits also where both are plain numbers: 1 / 3 in a float has 16."""
    if _value(left) is not None and _value(right) is not None:
        return Digits(_value(left)) / right
    return left / right
