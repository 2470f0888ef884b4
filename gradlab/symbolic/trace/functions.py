"""What NumPy's functions mean for symbolic arrays: one row each. A new function is a row."""

from __future__ import annotations

import functools
import itertools
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.errors import FormulaError
from gradlab.symbolic.trace import values
from gradlab.symbolic.trace.arrays import Rule, SymbolicArray, label, refuse
from gradlab.symbolic.trace.values import ATOM, COMPARISON, POWER, PRODUCT, SIGN, SUM, Value

Axis = int | Sequence[int] | None


def value(item: Any) -> Value:
    """A symbolic array's value, or a number's; raises FormulaError for arrays of numbers."""
    if isinstance(item, SymbolicArray):
        return item.value
    if isinstance(item, np.ndarray) and item.ndim:
        raise FormulaError(f"an array of numbers, of shape {item.shape}; make it an argument of the function")
    if isinstance(item, np.ndarray | np.generic):
        item = item.item()
    if not isinstance(item, bool | int | float | Fraction):
        raise FormulaError(f"{item!r} is neither a symbolic array nor a real number; a formula has no use for it")
    return values.number(item)


# Elementwise functions -----------------------------------------------------------------------------------------------


def _written(template: str, levels: Sequence[int], level: int = ATOM) -> Rule:
    return lambda *items: SymbolicArray(values.elementwise(template, [*map(value, items)], levels, level))


def _call(name: str) -> Rule:
    return _written(f"{name}({{0}})", (COMPARISON,))


def _comparison(sign: str) -> Rule:
    return _written(f"{{0}} {sign} {{1}}", (SUM, SUM), COMPARISON)


def _maximum(u: Any, v: Any) -> Any:
    return np.add(v, _zero_maximum(np.subtract(u, v))) if not _is_zero(v) else _zero_maximum(u)


def _minimum(u: Any, v: Any) -> Any:
    return np.add(v, _zero_minimum(np.subtract(u, v))) if not _is_zero(v) else _zero_minimum(u)


_zero_maximum, _zero_minimum = (_written(f"{name}({{0}}, 0)", (COMPARISON,)) for name in ("max", "min"))


def _is_zero(item: Any) -> bool:
    return not isinstance(item, SymbolicArray) and np.ndim(item) == 0 and item == 0


def _extreme(rule: Callable[[Any, Any], Any]) -> Rule:
    """max(u, v) of two arrays, where 0 may stand on either side."""
    return lambda u, v: rule(v, u) if _is_zero(u) else rule(u, v)


def _power(base: Any, exponent: Any) -> SymbolicArray:
    return SymbolicArray(values.elementwise("{0}**{1}", [value(base), value(exponent)], (ATOM, POWER), POWER))


_PRODUCT = _written("{0}*{1}", (PRODUCT, POWER), PRODUCT)
_QUOTIENT = _written("{0}/{1}", (PRODUCT, POWER), PRODUCT)

UFUNCS: dict[str, Rule] = {
    "add": _written("{0} + {1}", (SUM, PRODUCT), SUM),
    "subtract": _written("{0} - {1}", (SUM, PRODUCT), SUM),
    "multiply": _PRODUCT,
    "divide": _QUOTIENT,
    "power": _power,
    "float_power": _power,
    "negative": _written("-{0}", (SIGN,), SIGN),
    "positive": lambda u: u,
    "square": lambda u: _power(u, 2),
    "reciprocal": lambda u: _QUOTIENT(1, u),
    **{name: _call(name) for name in ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "sin", "cos", "sign")},
    "absolute": _call("abs"),
    "fabs": _call("abs"),
    "expit": _call("sigmoid"),  # scipy.special's functions are ufuncs too
    "erf": lambda u: 2 * _call("normal_cdf")(np.sqrt(2.0) * u) - 1,
    "ndtr": _call("normal_cdf"),
    "logaddexp": lambda u, v: u + _call("softplus")(v - u),
    "maximum": _extreme(_maximum),
    "minimum": _extreme(_minimum),
    "greater": _comparison(">"),
    "greater_equal": _comparison(">="),
    "less": _comparison("<"),
    "less_equal": _comparison("<="),
    "logical_and": _PRODUCT,
    "bitwise_and": _PRODUCT,
    "logical_or": lambda u, v: u + v - u * v,
    "bitwise_or": lambda u, v: u + v - u * v,
    "logical_not": lambda u: 1 - u,
    "invert": lambda u: 1 - u,
    "matmul": lambda a, b: _matmul(a, b),
}


def _where(condition: Any, u: Any, v: Any) -> Any:
    """Where both are finite; a formula has no other choice than to multiply by 1 and 0."""
    if _is_zero(v):
        return condition * u
    return (1 - condition) * v if _is_zero(u) else condition * u + (1 - condition) * v


def _clip(x: Any, a_min: Any = None, a_max: Any = None, **bounds: Any) -> Any:
    low, high = bounds.pop("min", a_min), bounds.pop("max", a_max)
    _refuse_options("clip", bounds)
    if low is None or high is None:
        return x if low is high else np.minimum(x, high) if low is None else np.maximum(x, low)
    return _written("clamp({0}, {1}, {2})", (COMPARISON, COMPARISON, COMPARISON))(x, low, high)


# Reductions ----------------------------------------------------------------------------------------------------------


def _reduction(kind: str) -> Rule:
    def rule(x: Any, axis: Axis = None, keepdims: Any = False, **options: Any) -> SymbolicArray:
        _refuse_options(kind, options)
        own = value(x)
        return SymbolicArray(values.reduced(kind, own, _positions(axis, len(own.axes)), bool(keepdims)))

    return rule


def _refuse_options(name: str, options: dict[str, Any]) -> None:
    extra = [option for option, given in options.items() if given is not None and given is not np._NoValue]
    if extra:
        refuse(f"np.{name} with {', '.join(extra)}=")


def _positions(axis: Axis, rank: int) -> list[int]:
    if axis is None:
        return list(range(rank))
    own = axis if isinstance(axis, Sequence) else [axis]
    outside = next((k for k in own if not -rank <= k < rank), None)
    if outside is not None:
        raise FormulaError(f"axis {outside} of an array of {rank} dimensions; count from 0, or from -1 backwards")
    return [k % rank for k in own]


def _var(x: Any, axis: Axis = None, keepdims: Any = False, ddof: Any = 0, **options: Any) -> Any:
    ddof = options.pop("correction", None) or ddof
    _refuse_options("var", options)
    squares = (x if _is_centred(x, axis) else x - np.mean(x, axis=axis, keepdims=True)) ** 2
    if not ddof:
        return np.mean(squares, axis=axis, keepdims=keepdims)
    sizes = (x.shape[position] for position in _positions(axis, x.ndim))
    return np.sum(squares, axis=axis, keepdims=keepdims) / (functools.reduce(operator.mul, sizes) - ddof)


def _is_centred(x: SymbolicArray, axis: Axis) -> bool:
    """Whether x is u - mean(u) over the same axes: its own mean would be a part of the formula that does nothing."""
    of = [SymbolicArray(u) for u in x.value.operands[:1] if len(u.axes) == x.ndim]
    return any((u - np.mean(u, axis=axis, keepdims=True)).value is x.value for u in of)


def _norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: Any = False) -> Any:
    if ord not in (None, 2, "fro") or (ord == 2 and axis is None and x.ndim != 1):
        refuse(f"np.linalg.norm with ord={ord!r}")
    return np.sqrt(np.sum(x**2, axis=axis, keepdims=keepdims))


# Products ------------------------------------------------------------------------------------------------------------


def _einsum(subscripts: Any, *operands: Any, **options: Any) -> SymbolicArray:
    if not isinstance(subscripts, str) or "." in subscripts:
        refuse("np.einsum without letters for every axis")
    left, arrow, output = subscripts.replace(" ", "").partition("->")
    letters = left.split(",")
    factors = [value(operand) for operand in operands]
    for own, factor in zip(letters, factors, strict=True):
        if len(own) != len(factor.axes):
            raise FormulaError(f"np.einsum: {own!r} for an array of shape {values.shape_text(factor.axes)}")
    if not arrow:
        output = "".join(sorted(letter for letter in set(left) - {","} if left.count(letter) == 1))
    return SymbolicArray(values.contracted(factors, letters, output))


def _matmul(a: Any, b: Any) -> SymbolicArray:
    first, second = value(a), value(b)
    if not first.axes or not second.axes:
        raise FormulaError("a matrix product with a scalar; write *")
    batch = (
        "zyxwvut"[: max(len(first.axes), len(second.axes)) - 2] if max(len(first.axes), len(second.axes)) > 2 else ""
    )
    left = "k" if len(first.axes) == 1 else batch[len(batch) - len(first.axes) + 2 :] + "ik"
    right = "k" if len(second.axes) == 1 else batch[len(batch) - len(second.axes) + 2 :] + "kj"
    output = batch + left[-2:].replace("k", "") + right[-2:].replace("k", "")
    return SymbolicArray(values.contracted([first, second], [left, right], output))


def _dot(a: Any, b: Any) -> Any:
    rank = np.ndim(a) if not isinstance(a, SymbolicArray) else a.ndim
    other = np.ndim(b) if not isinstance(b, SymbolicArray) else b.ndim
    if not rank or not other:
        return a * b
    if other > 2:
        refuse("np.dot with more than two dimensions on the right")
    return _matmul(a, b)


def _outer(a: Any, b: Any) -> SymbolicArray:
    return _einsum("i,j->ij", a, b)


# Places --------------------------------------------------------------------------------------------------------------


def _transpose(x: SymbolicArray, axes: Sequence[int] | None = None) -> SymbolicArray:
    order = range(x.ndim)[::-1] if axes is None else _positions(axes, x.ndim)
    return SymbolicArray(values.rearranged(x.value, list(order)))


def _swapaxes(x: SymbolicArray, axis1: int, axis2: int) -> SymbolicArray:
    first, second = _positions([axis1, axis2], x.ndim)
    order = list(range(x.ndim))
    order[first], order[second] = second, first
    return SymbolicArray(values.rearranged(x.value, order))


def _moveaxis(x: SymbolicArray, source: int, destination: int) -> SymbolicArray:
    old, new = _positions([source, destination], x.ndim)
    order = [axis for axis in range(x.ndim) if axis != old]
    return SymbolicArray(values.rearranged(x.value, [*order[:new], old, *order[new:]]))


def _expand_dims(x: SymbolicArray, axis: int | Sequence[int]) -> SymbolicArray:
    own = axis if isinstance(axis, Sequence) else [axis]
    places = _positions(own, x.ndim + len(own))
    rest = itertools.count()
    return SymbolicArray(
        values.rearranged(x.value, [None if k in places else next(rest) for k in range(x.ndim + len(own))])
    )


def _squeeze(x: SymbolicArray, axis: Axis = None) -> SymbolicArray:
    if axis is None:
        raise FormulaError("np.squeeze without an axis depends on sizes; say which axis has size 1")
    dropped = _positions(axis, x.ndim)
    wide = next((k for k in dropped if x.value.axes[k] is not None), None)
    if wide is not None:
        raise FormulaError(f"np.squeeze of axis {wide}, whose size is {x.value.axes[wide]}; take one of size 1")
    return SymbolicArray(values.rearranged(x.value, [k for k in range(x.ndim) if k not in dropped]))


def _take(x: SymbolicArray, indices: Any, axis: int | None = None) -> SymbolicArray:
    if axis is None:
        raise FormulaError("np.take without an axis counts through all of them; say along which")
    (position,) = _positions(axis, x.ndim)
    return SymbolicArray(values.looked_up(x.value, position, label(indices)))


def _take_along_axis(arr: SymbolicArray, indices: Any, axis: int = -1) -> SymbolicArray:
    (position,) = _positions(axis, arr.ndim)
    return SymbolicArray(values.looked_up(arr.value, position, label(indices), along=True))


def _filled(number: float) -> Rule:
    return lambda x, *args, **options: SymbolicArray(values.number(number, value(x).axes))


FUNCTIONS: dict[Any, Rule] = {
    np.sum: _reduction("sum"),
    np.mean: _reduction("mean"),
    np.max: _reduction("max"),
    np.amax: _reduction("max"),
    np.min: _reduction("min"),
    np.amin: _reduction("min"),
    np.var: _var,
    np.std: lambda x, *args, **options: np.sqrt(_var(x, *args, **options)),
    np.linalg.norm: _norm,
    np.where: _where,
    np.clip: _clip,
    np.einsum: _einsum,
    np.dot: _dot,
    np.inner: lambda a, b: _matmul(a, b.T),
    np.outer: _outer,
    np.transpose: _transpose,
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.expand_dims: _expand_dims,
    np.squeeze: _squeeze,
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.zeros_like: _filled(0),
    np.ones_like: _filled(1),
    np.ndim: lambda x: x.ndim,
    np.shape: lambda x: x.shape,
}

SymbolicArray.ufuncs, SymbolicArray.functions = UFUNCS, FUNCTIONS
