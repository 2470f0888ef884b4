"""Axes moved to the end and back, and packed axes taken apart, for generated kernels of NumPy and of torch."""

from collections.abc import Sequence
from math import prod
from operator import index
from typing import Any

from numpy.exceptions import AxisError

Axes = int | tuple[int, ...] | None
"""One axis, several, or None for all."""


def to_last(x: Any, axis: Axes) -> Any:
    """The array with `axis` last; several axes become one, in their order. A view wherever one is possible.

    Raises AxisError (a ValueError) for an axis out of range, ValueError for one that is named twice.

    >>> import numpy as np
    >>> to_last(np.zeros((2, 3, 4)), 0).shape, to_last(np.zeros((2, 3, 4)), (0, -1)).shape
    ((3, 4, 2), (3, 8))
    """
    if axis == -1:
        return x
    axes = positions(axis, x.ndim)
    moved = _permuted(x, _order(axes, x.ndim))
    if len(axes) == 1:
        return moved
    kept = moved.ndim - len(axes)
    return moved.reshape(*moved.shape[:kept], prod(moved.shape[kept:]))


def from_last(y: Any, axis: Axes, shape: Sequence[int] = ()) -> Any:
    """The way back: the last axis of `y` goes where `axis` was; several take their sizes from `shape`, the original.

    >>> import numpy as np
    >>> from_last(np.zeros((3, 8)), (0, -1), (2, 3, 4)).shape
    (2, 3, 4)
    """
    if axis == -1:
        return y
    axes = positions(axis, len(shape) if axis is None else len(shape) or y.ndim)
    if len(axes) != 1:
        y = y.reshape((*y.shape[:-1], *(shape[k] for k in axes)))
    order = _order(axes, y.ndim)
    return _permuted(y, sorted(range(y.ndim), key=order.__getitem__))


def keep_axes(y: Any, axis: Axes, shape: Sequence[int], keepdims: bool) -> Any:
    """A reduction of an array of this shape, with axes of size 1 in place of those that it lacks, if they are kept.

    >>> import numpy as np
    >>> keep_axes(np.zeros(3), (0, -1), (2, 3, 4), True).shape
    (1, 3, 1)
    """
    if not keepdims:
        return y
    gone = positions(axis, len(shape))
    return y.reshape([1 if k in gone else size for k, size in enumerate(shape)])


def drop_axes(y: Any, axis: Axes, shape: Sequence[int], keepdims: bool) -> Any:
    """The way back: the gradient of a reduction without the axes of size 1.

    >>> import numpy as np
    >>> drop_axes(np.zeros((1, 3, 1)), (0, -1), (2, 3, 4), True).shape
    (3,)
    """
    if not keepdims:
        return y
    gone = positions(axis, len(shape))
    return y.reshape([size for k, size in enumerate(shape) if k not in gone])


def unpack(x: Any, axis: int, operation: str, **groups: int) -> Any:
    """The array with one axis as two: as many groups as the keyword says, and the entries of each. A view if possible.

    Raises ValueError where the entries do not divide into so many groups.

    >>> import numpy as np
    >>> unpack(np.zeros((5, 6)), 1, "group_norm", num_groups=2).shape
    (5, 2, 3)
    """
    ((name, count),) = groups.items()
    channels = x.shape[axis]
    if count < 1 or channels % count:
        raise ValueError(f"{operation}: {channels} channels do not divide into {name}={count}")
    return x.reshape(*x.shape[:axis], count, channels // count, *x.shape[axis + 1 :])


def pack(y: Any, axis: int) -> Any:
    """The way back: this axis and the next as one."""
    return y.reshape(*y.shape[:axis], y.shape[axis] * y.shape[axis + 1], *y.shape[axis + 2 :])


def positions(axis: Axes, ndim: int) -> tuple[int, ...]:
    """The axes as numbers from 0 up.

    >>> positions((-1, 0), 3)
    (2, 0)
    """
    if axis is None:
        return tuple(range(ndim))
    axes = tuple(map(index, axis)) if isinstance(axis, tuple) else (index(axis),)
    if not axes:
        raise ValueError(f"axis={axis!r} names no axis of an array with ndim={ndim}; give at least one")
    for one in axes:
        if not -ndim <= one < ndim:
            raise AxisError(f"axis={axis!r} is out of range for an array with ndim={ndim}: {-ndim} to {ndim - 1}")
    found = tuple(one % ndim for one in axes)
    if len(set(found)) < len(found):
        raise ValueError(f"axis={axis!r} names an axis twice (ndim={ndim}); give each axis once")
    return found


def _order(axes: tuple[int, ...], ndim: int) -> list[int]:
    return [*(k for k in range(ndim) if k not in axes), *axes]


def _permuted(x: Any, order: Sequence[int]) -> Any:
    return x.permute(*order) if hasattr(x, "permute") else x.transpose(*order)
