"""What evaluation needs of an arithmetic. Values are NumPy object arrays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

Array = np.ndarray[Any, np.dtype[np.object_]]


class UndefinedError(Exception):
    """A value does not exist in the ring (a root of a non-residue, a division by zero): draw other inputs.

    `where` marks the entries that do not exist.
    """

    def __init__(self, reason: str, where: Any = True) -> None:
        super().__init__(reason)
        self.where = np.asarray(where, dtype=bool)


class Ring(Protocol):
    """An arithmetic."""

    def constant(self, value: Fraction) -> Any:
        """An exact number."""

    def add(self, left: Any, right: Any) -> Any:
        """The sum."""

    def multiply(self, left: Any, right: Any) -> Any:
        """The product."""

    def power(self, value: Any, exponent: Fraction) -> Any:
        """A rational power."""

    def named(self, name: str) -> Any:
        """A constant: pi, or a whole number that is raised to a fractional power."""

    def function(self, name: str, value: Any, *others: Any) -> Any:
        """An elementary function, with its constant operands."""

    def indicator(self, value: Any) -> Any:
        """1 where the value is above 0, else 0."""

    def argmax(self, value: Any, axes: int, inside: Any) -> Any:
        """The first place of the largest entry along so many last axes, counted row by row: machine integers.

        Only entries that `inside` marks are looked at.
        """

    def sum(self, value: Any, axes: tuple[int, ...]) -> Any:
        """The sum over axes."""


def elementwise(function: Callable[..., Any], value: Any, *others: Any) -> Array:
    """Apply a function to every entry; raises UndefinedError that marks all entries where it is undefined."""
    value, *constants = np.broadcast_arrays(*(np.asarray(item, dtype=object) for item in (value, *others)))
    results: list[Any] = []
    reasons: dict[int, str] = {}
    for position, items in enumerate(zip(value.ravel(), *(item.ravel() for item in constants), strict=True)):
        try:
            results.append(function(*items))
        except UndefinedError as error:
            results.append(None)
            reasons[position] = str(error)
    if reasons:
        where = np.zeros(value.size, dtype=bool)
        where[list(reasons)] = True
        raise UndefinedError(next(iter(reasons.values())), where.reshape(value.shape))
    return objects(results, value.shape)


def first_largest(value: Array, axes: int, inside: Any) -> Any:
    """`argmax` of entries that can be compared as they are."""
    if value.size and not inside.all():
        value = np.where(inside, value, value.min() - 1)
    return np.argmax(value.reshape((*value.shape[: value.ndim - axes], -1)), axis=-1)


def objects(values: list[Any], shape: tuple[int, ...]) -> Array:
    """An object array from a flat list."""
    result = np.empty(len(values), dtype=object)
    result[:] = values
    return result.reshape(shape)
