"""Windows of an array and where they overlap: what `x[stride*o + dilation*a - padding]` comes to, and its transpose.

A hand-written helper of the generated NumPy kernels. All functions take one description: entry `[i, j]` of the windows
is the entry of x at `start + step * j + tap_step * i` along each axis. `shape`, `steps` and `start` have one number for
each axis of x; `taps` adds (axis of x, size, step) for each further axis, which comes before them. Outside x there are
zeros.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

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
    ends = [first + step * (size - 1) + 1 for first, step, size in zip(start, steps, shape, strict=True)]
    for axis, size, step in taps:
        ends[axis] += step * (size - 1)
    before = [max(0, -first) for first in start]
    after = [max(0, end - size) for end, size in zip(ends, x.shape, strict=True)]
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
