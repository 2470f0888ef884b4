"""The array that a traced function is called with: NumPy hands over what is done to it, and it holds a graph."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import Any, ClassVar, NoReturn, SupportsIndex

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from gradlab.errors import FormulaError
from gradlab.symbolic.trace import values
from gradlab.symbolic.trace.values import Value

SUPPORTED = (
    "+ - * / ** @, comparisons, exp, log, sqrt, tanh, sin, cos, abs, sign, maximum, where, clip, sum, mean, max, min, "
    "var, std, norm, einsum, transpose, x[:, None], take, take_along_axis, scipy.special's expit and erf"
)

Rule = Callable[..., Any]
"""What a function of NumPy's means for symbolic arrays."""


class SymbolicArray(NDArrayOperatorsMixin):
    """An array without numbers. `value` is what it stands for; an assignment in place gives it another one."""

    ufuncs: ClassVar[Mapping[str, Rule]] = {}
    functions: ClassVar[Mapping[Any, Rule]] = {}
    """What has a formula: `functions.py` fills both."""

    def __init__(self, value: Value) -> None:
        self.value = value

    # NumPy's protocols -----------------------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = (), **options: Any) -> Any:
        rule = self.ufuncs.get(ufunc.__name__)
        if rule is None or method != "__call__" or options:
            shown = f"np.{ufunc.__name__}" + (f".{method}" if method != "__call__" else "")
            refuse(shown + "".join(f" with {option}=" for option in options))
        result = rule(*inputs)
        if not out:
            return result
        (target,) = out
        if not isinstance(target, SymbolicArray):
            raise FormulaError(f"np.{ufunc.__name__} writes into an array of numbers; leave out= out")
        if target.value.axes != result.value.axes:
            raise FormulaError(
                f"np.{ufunc.__name__} gives {values.shape_text(result.value.axes)}, which does not fit into "
                f"{values.shape_text(target.value.axes)}"
            )
        target.value = result.value
        return target

    def __array_function__(self, function: Callable[..., Any], types: Any, inputs: Any, options: Any) -> Any:
        rule = self.functions.get(function)
        if rule is None:
            refuse(f"np.{function.__name__}")
        try:
            return rule(*inputs, **options)
        except TypeError as error:
            raise FormulaError(f"np.{function.__name__}: {error}; a formula has no use for that") from None

    def __array__(self, *args: Any, **options: Any) -> NoReturn:
        raise FormulaError(
            "this makes numbers of a symbolic array; leave out np.asarray, np.arange and functions beyond NumPy's"
        )

    # Python's protocols ----------------------------------------------------------------------------------------------

    def __bool__(self) -> NoReturn:
        raise FormulaError("the function branches on a value; write np.where(condition, a, b), which has a formula")

    def __index__(self) -> NoReturn:
        raise FormulaError("a size or an entry is used as a whole number; sizes may stand in arithmetic only")

    def __float__(self) -> NoReturn:
        raise FormulaError("a function of Python's math module, or float(x); use NumPy's, such as np.exp(x)")

    def __len__(self) -> NoReturn:
        raise FormulaError("len(x) is a number, which a symbolic array does not have; write x.shape[0]")

    def __iter__(self) -> NoReturn:
        raise FormulaError("a loop over an array; write it with whole arrays, such as x.sum(axis=0)")

    def __setitem__(self, key: Any, value: Any) -> NoReturn:
        raise FormulaError("an assignment to entries; write np.where(condition, a, b)")

    def __hash__(self) -> int:
        return id(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        refuse(f"x.{name}")

    # What ndarray has ------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[Any, ...]:
        """1, or a size that stands for a number."""
        return tuple(1 if axis is None else SymbolicArray(values.size_of(axis)) for axis in self.value.axes)

    @property
    def ndim(self) -> int:
        return len(self.value.axes)

    @property
    def size(self) -> Any:
        """The product of all sizes."""
        return functools.reduce(operator.mul, self.shape, 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.float64)

    @property
    def T(self) -> SymbolicArray:  # noqa: N802 - as ndarray has it
        return self.transpose()

    @property
    def mT(self) -> SymbolicArray:  # noqa: N802
        return self.swapaxes(-1, -2)

    def astype(self, *args: Any, **options: Any) -> SymbolicArray:
        """A formula has no dtypes."""
        return SymbolicArray(self.value)

    def copy(self, *args: Any) -> SymbolicArray:
        """Another array of the same value."""
        return SymbolicArray(self.value)

    def transpose(self, *axes: Any) -> SymbolicArray:
        """Axes in another order."""
        order = axes[0] if len(axes) == 1 and not isinstance(axes[0], SupportsIndex) else axes
        return _of(np.transpose)(self, order or None)

    def swapaxes(self, first: int, second: int) -> SymbolicArray:
        """Two axes exchanged."""
        return _of(np.swapaxes)(self, first, second)

    def __getitem__(self, key: Any) -> SymbolicArray:
        parts = _spelled(key if isinstance(key, tuple) else (key,), self.ndim)
        sources: list[int | None] = []
        found: list[tuple[int, Value]] = []
        axis = 0
        for part in parts:
            if part is None:
                sources.append(None)
                continue
            if isinstance(part, slice):
                if part != slice(None):
                    refuse(f"x[{_slice_text(part)}]: a part of an axis")
                sources.append(axis)
            else:
                found.append((axis, label(part)))
            axis += 1
        if len(found) > 1 or (found and None in sources):
            raise FormulaError("several lookups at once; np.take_along_axis(x, label[:, None], axis=1) has a formula")
        if found:
            return SymbolicArray(values.looked_up(self.value, *found[0]))
        return SymbolicArray(values.rearranged(self.value, sources))


def _of(function: Callable[..., Any]) -> Callable[..., SymbolicArray]:
    """A function of NumPy's as a method: NumPy hands it back to `__array_function__`."""

    def method(self: SymbolicArray, *args: Any, **options: Any) -> SymbolicArray:
        result: SymbolicArray = function(self, *args, **options)
        return result

    return method


for _function in (np.sum, np.mean, np.max, np.min, np.var, np.std, np.clip, np.squeeze, np.dot, np.take):
    setattr(SymbolicArray, _function.__name__, _of(_function))


def label(item: Any) -> Value:
    """What may index an axis: an input that holds labels."""
    return item.value if isinstance(item, SymbolicArray) else refuse(f"x[{item!r}]")


def refuse(shown: str) -> NoReturn:
    """Say that something has no formula, and what has one."""
    raise FormulaError(f"{shown} has no formula; these have: {SUPPORTED}")


def _spelled(key: Sequence[Any], rank: int) -> list[Any]:
    """A key without an ellipsis: one part for each axis, and None for new ones."""
    own = sum(part is not None and part is not Ellipsis for part in key)
    if own > rank:
        raise FormulaError(f"{own} indices for an array of {rank} dimensions; leave some out")
    whole = [slice(None)] * (rank - own)
    places = [k for k, part in enumerate(key) if isinstance(part, EllipsisType)]
    at = places[0] if places else len(key)
    return [*key[:at], *whole, *key[at + 1 :]]


def _slice_text(part: slice) -> str:
    ends = ("" if end is None else str(end) for end in (part.start, part.stop))
    return ":".join(ends) + (f":{part.step}" if part.step is not None else "")
