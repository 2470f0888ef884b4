"""Shapes of operations with a keyword `axis`: the dimension that a signature writes last may lie anywhere.

Elsewhere a shape is a function of named sizes and of what `...` stands for; here the value of `axis` belongs to it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from gradlab.operation import ELLIPSIS, Along
from gradlab.verify.shapes import Named, Shape, concrete, own_leading
from gradlab.verify.specification import Specification

KEYWORD = "axis"
DEFAULT = -1

# Axes that count as one: more than three say nothing new.
_MOST = 3


def draw_axis(along: Along, leading: Shape, rng: np.random.Generator) -> int | tuple[int, ...]:
    """The default half of the time, else any axis, counted from either end; where it may be several, up to three."""
    if rng.random() < 0.5:
        return DEFAULT
    count = int(rng.integers(1, _MOST + 1)) if along.several else 1
    ndim = len(leading) + count
    axes = tuple(int(axis) - ndim * int(rng.integers(2)) for axis in rng.permutation(ndim)[:count])
    return axes if count > 1 or (along.several and rng.random() < 0.3) else axes[0]


def fits(specification: Specification, leading: Shape, params: Mapping[str, Any]) -> bool:
    """Whether `axis` names axes of an array with these leading dimensions."""
    axes = _axes(specification, params)
    ndim = len(leading) + len(axes)
    return all(-ndim <= axis < ndim for axis in axes) and len({axis % ndim for axis in axes}) == len(axes)


def shape_of(
    specification: Specification, dims: Named, sizes: Mapping[str, int], leading: Shape, params: Mapping[str, Any]
) -> Shape:
    """The sizes of a named shape, with the dimension along `axis` where that says; split up for several axes."""
    axes = _axes(specification, params)
    if not _moves(specification, dims) or axes == (DEFAULT,) or not fits(specification, leading, params):
        sizes = specification.completed(sizes, params)
        return concrete(dims, sizes, leading)
    along = specification.along
    assert along is not None
    ndim = len(leading) + len(axes)
    own = dict(zip((axis % ndim for axis in axes), split(sizes[along.dim], len(axes)), strict=True))
    others = iter(leading)
    return tuple(own[k] if k in own else next(others) for k in range(ndim))


def leading_of(specification: Specification, dims: Named, shape: Shape, params: Mapping[str, Any]) -> Shape:
    """What `...` stands for in an argument of this shape."""
    axes = _axes(specification, params)
    if not _moves(specification, dims) or axes == (DEFAULT,):
        return own_leading(dims, shape)
    taken = {axis % len(shape) for axis in axes} if shape else set()
    return tuple(size for k, size in enumerate(shape) if k not in taken)


def split(size: int, count: int) -> Shape:
    """A size as the product of `count` sizes, as equal as they can be.

    >>> split(12, 2), split(5, 2), split(0, 3)
    ((3, 4), (1, 5), (0, 1, 1))
    """
    if count == 1:
        return (size,)
    if not size:
        return (0, *[1] * (count - 1))
    first = max(k for k in range(1, math.isqrt(size) + 1) if size % k == 0)
    return (first, *split(size // first, count - 1))


def _moves(specification: Specification, dims: Named) -> bool:
    return specification.along is not None and ELLIPSIS in dims and specification.along.dim in dims


def _axes(specification: Specification, params: Mapping[str, Any]) -> tuple[int, ...]:
    axis = params.get(KEYWORD, DEFAULT) if specification.along is not None else DEFAULT
    return axis if isinstance(axis, tuple) else (axis,)
