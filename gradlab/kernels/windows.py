"""Windows of an array and where they overlap: what `x[stride*o + dilation*a - padding]` comes to, and its transpose.

A hand-written helper of the generated NumPy kernels. All functions take one description: entry `[i, j]` of the windows
is the entry of x at `start + step * j + tap_step * i` along each axis. `shape`, `steps` and `start` have one number for
each axis of x; `taps` adds (axis of x, size, step) for each further axis, which comes before them. Outside x there are
zeros.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks

Array = NDArray[Any]
Integers = Sequence[int]
Taps = Sequence[tuple[int, int, int]]


def windows(x: Array, shape: Integers, steps: Integers, start: Integers, taps: Taps = ()) -> Array:
    """A read-only view of x, or of a copy with zeros around it: the taps' axes, then one axis for each axis of x.

    >>> windows(np.array([1, 2, 3, 4]), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    array([[0, 2],
           [1, 3],
           [2, 4]])
    """
    whole = (*(size for _, size, _ in taps), *shape)
    if 0 in whole:
        return np.zeros(whole, x.dtype)
    before, after = margins(x.shape, shape, steps, start, taps)
    if any(before) or any(after):
        wide = np.zeros([sum(sizes) for sizes in zip(before, x.shape, after, strict=True)], x.dtype)
        wide[tuple(slice(margin, margin + size) for margin, size in zip(before, x.shape, strict=True))] = x
        x = wide
    x = x[tuple(slice(max(0, first), None) for first in start)]
    strides = [step * x.strides[axis] for axis, _, step in taps]
    strides += [step * stride for step, stride in zip(steps, x.strides, strict=True)]
    return as_strided(x, whole, strides, writeable=False)


@lru_cache(maxsize=64)  # small arrays cost less than this does, and a training step asks for the same every time
def overlaps(
    x: Integers, shape: Integers, steps: Integers, start: Integers, taps: Taps = ()
) -> tuple[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]], ...]:
    """Where windows meet an array of shape x, tap by tap: its position, slices of the array, slices of the windows.

    All arguments are tuples.

    >>> x = np.zeros(4)
    >>> for tap, to, of in overlaps((4,), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),)):
    ...     x[to] += np.ones((3, 2))[tap][of]
    >>> x
    array([1., 2., 1., 1.])
    """
    found = []
    for position in product(*(range(size) for _, size, _ in taps)):
        to, of = [], []
        for axis, (size, count, step, first) in enumerate(zip(x, shape, steps, start, strict=True)):
            first += sum(own * i for (along, _, own), i in zip(taps, position, strict=True) if along == axis)
            low, high = max(0, -(first // step)), min(count, (size - 1 - first) // step + 1)
            high = max(low, high)
            # Whole axes as such: the same slices then fit a block of rows.
            whole = (low, high, step, first) == (0, size, 1, 0)
            to.append(slice(None) if whole else slice(first + low * step, first + high * step, step))
            of.append(slice(None) if (low, high) == (0, count) else slice(low, high))
        found.append((position, tuple(to), tuple(of)))
    return tuple(found)


def window_sums(x: Array, shape: Integers, steps: Integers, start: Integers, taps: Taps = ()) -> Array:
    """The sum of each window: one addition of a whole slice for each tap.

    >>> window_sums(np.array([1, 2, 3, 4]), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    array([3, 9])
    """
    found = overlaps(x.shape, shape, steps, start, taps)
    _, to, of = found[0]
    # Where the first tap meets every window, it needs no zeros to be added to.
    whole = all(part == slice(None) for part in of)
    y = x[to].copy() if whole else np.zeros(shape, x.dtype)
    for _, to, of in found[whole:]:
        y[of] += x[to]
    return y


def spread(y: Array, x: Integers, shape: Integers, steps: Integers, start: Integers, taps: Taps = ()) -> Array:
    """The transpose: an array of shape x with each entry of y added to all entries of its window.

    >>> spread(np.array([1.0, 10.0]), x=(4,), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    array([ 1., 11., 10., 10.])
    """
    found = np.zeros(x, y.dtype)
    # Windows that do not overlap are written, which reads nothing: up to 2x faster than adding to zeros.
    reach = [sum(step * (size - 1) for along, size, step in taps if along == axis) for axis in range(len(x))]
    disjoint = all(far < step for far, step in zip(reach, steps, strict=True))
    for _, to, of in overlaps(x, shape, steps, start, taps):
        if disjoint:
            found[to] = y[of]
        else:
            found[to] += y[of]
    return found


def largest(x: Array, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Array, Array]:
    """The maximum of each window and its place: the first one's, counted row by row along the axes that taps move on.

    What is outside x does not count: a maximum of -inf has no place, and is given any. One comparison of whole slices
    for each tap is 5-10 times as fast as a search along copied windows.

    >>> largest(np.array([3.0, 1.0, 1.0, 2.0]), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    (array([3., 2.]), array([0, 3]))
    """
    moved = sorted({axis for axis, _, _ in taps})
    if 0 not in moved and len(parts := blocks(tuple(shape))) > 1:  # what is compared again and again stays in the cache
        best, at = np.empty(shape, x.dtype), np.empty(shape, np.intp)
        for rows in parts:
            part = x[rows]
            best[rows], at[rows] = largest(part, (len(part), *shape[1:]), steps, start, taps)
        return best, at
    # A copy with -inf around it: whole windows are compared faster than those that are cut off at an edge.
    wide, before = _surrounded(x, shape, steps, start, taps)
    # From the last tap back, so that of equal entries the first is left; counted upward, because the maximum of two
    # bytes is much faster than an assignment where a mask is True.
    inner = tuple(own + front for own, front in zip(start, before, strict=True))
    found = overlaps(wide.shape, shape, steps, inner, taps)
    maxima = wide[found[-1][1]].copy()
    count = np.zeros(shape, np.min_scalar_type(len(found)))
    seen, better = np.empty_like(maxima), np.empty(shape, bool)
    for number, (_, to, _) in enumerate(reversed(found[:-1]), 1):
        np.copyto(seen, wide[to])  # read twice, and a strided read is the slowest part
        np.less(seen, maxima, out=better)
        np.logical_not(better, out=better)  # not >=, so that a NaN is found
        np.maximum(maxima, seen, out=maxima)
        np.maximum(count, better * count.dtype.type(number), out=count)
    apart = {axis: prod(x.shape[other] for other in moved if other > axis) for axis in moved}
    offsets = [sum(apart[axis] * step * i for (axis, _, step), i in zip(taps, tap, strict=True)) for tap, _, _ in found]
    first = _places(moved[-1], x.ndim, shape, steps, start)
    at = np.array(offsets[::-1], np.intp).take(count)
    for axis in moved[:-1]:
        first = first + apart[axis] * _places(axis, x.ndim, shape, steps, start)
    at += first
    if wide is not x:
        np.clip(at, 0, max(0, prod(x.shape[axis] for axis in moved) - 1), out=at)
    return maxima, at


def _places(axis: int, rank: int, shape: Integers, steps: Integers, start: Integers) -> Array:
    """Where the windows begin along one axis, shaped to be added to others."""
    first = start[axis] + steps[axis] * np.arange(shape[axis])
    return first.reshape([-1 if other == axis else 1 for other in range(rank)])


def _surrounded(x: Array, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Array, list[int]]:
    """x with -inf around it as far as windows reach, and how much of it is in front of each axis."""
    before, after = margins(x.shape, shape, steps, start, taps)
    if not any(before) and not any(after):
        return x, before
    wide = np.full([sum(sizes) for sizes in zip(before, x.shape, after, strict=True)], -np.inf, x.dtype)
    wide[tuple(slice(front, front + size) for front, size in zip(before, x.shape, strict=True))] = x
    return wide, before


def margins(x: Integers, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[list[int], list[int]]:
    """How far windows reach before and behind each axis of an array of shape x.

    >>> margins((4,), shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    ([1], [0])
    """
    ends = [first + step * (size - 1) + 1 for first, step, size in zip(start, steps, shape, strict=True)]
    for axis, size, step in taps:
        ends[axis] += step * (size - 1)
    return [max(0, -first) for first in start], [max(0, end - size) for end, size in zip(ends, x, strict=True)]
