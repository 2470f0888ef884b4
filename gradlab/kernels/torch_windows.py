"""The maximum of windows in torch, described as in `gradlab.kernels.windows`: functional, for compile and vmap."""

from collections.abc import Sequence
from itertools import product
from math import inf, prod

import torch
from torch import Tensor

Integers = Sequence[int]
Taps = Sequence[tuple[int, int, int]]


def largest(x: Tensor, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Tensor, Tensor]:
    """The maximum of each window and its place: the first one's, counted row by row along the axes that taps move on.

    What is outside x does not count. Whole slices are compared, one for each tap. Equivalent to
    `torch.nn.functional.max_pool2d(..., return_indices=True)` where that is defined.

    >>> x = torch.tensor([3.0, 1.0, 1.0, 2.0])
    >>> largest(x, shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    (tensor([3., 2.]), tensor([0, 3]))
    """
    moved = sorted({axis for axis, _, _ in taps})
    apart = {axis: prod(x.shape[other] for other in moved if other > axis) for axis in moved}
    first = {
        axis: (start[axis] + steps[axis] * torch.arange(shape[axis], device=x.device)).reshape(
            [-1 if other == axis else 1 for other in range(x.ndim)]
        )
        for axis in moved
    }
    wide, before = _padded(x, shape, steps, start, taps)
    best, at = None, None
    # From the last tap back, so that of equal entries the first is left.
    for tap in reversed(list(product(*(range(size) for _, size, _ in taps)))):
        shift = [0] * x.ndim
        for (axis, _, step), i in zip(taps, tap, strict=True):
            shift[axis] += step * i
        place = sum(apart[axis] * (first[axis] + shift[axis]) for axis in moved)
        cuts = zip(start, before, shift, steps, shape, strict=True)
        seen = wide[tuple(slice(b + f + s, b + f + s + step * size, step) for b, f, s, step, size in cuts)]
        if best is None or at is None:
            best, at = seen, torch.as_tensor(place, device=x.device).expand(seen.shape)
            continue
        better = ~(seen < best)  # not >=, so that a NaN is found
        for axis in moved if wide is not x else ():
            along = first[axis] + shift[axis]
            better = better & (along >= 0) & (along < x.shape[axis])
        best, at = torch.maximum(best, seen), torch.where(better, place, at)
    assert best is not None  # a window has a tap
    assert at is not None
    return best, at


def _padded(x: Tensor, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Tensor, list[int]]:
    """x with -inf around it as far as windows reach, and how much of it is in front of each axis."""
    ends = [begin + step * (size - 1) + 1 for begin, step, size in zip(start, steps, shape, strict=True)]
    for axis, size, step in taps:
        ends[axis] += step * (size - 1)
    before = [max(0, -begin) for begin in start]
    after = [max(0, end - size) for end, size in zip(ends, x.shape, strict=True)]
    if not any(before) and not any(after):
        return x, before
    margins = [margin for pair in zip(reversed(before), reversed(after), strict=True) for margin in pair]
    return torch.nn.functional.pad(x, margins, value=-inf), before
