"""The maximum of windows in torch, described as in `gradlab.kernels.windows`: functional, for compile and vmap."""

from math import inf, prod

import torch
from torch import Tensor

from gradlab.kernels.windows import Integers, Taps, margins


def largest(x: Tensor, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Tensor, Tensor]:
    """The maximum of each window and its place: the first one's, counted row by row along the axes that taps move on.

    Windows move along one to three axes. What is outside x does not count: a maximum of -inf has no place, and is given
    any. Equivalent to `torch.nn.functional.max_pool2d(..., return_indices=True)` where that is defined.

    >>> x = torch.tensor([3.0, 1.0, 1.0, 2.0])
    >>> largest(x, shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    (tensor([3., 2.]), tensor([0, 3]))
    """
    sizes = {axis: (size, step) for axis, size, step in sorted(taps)}
    moved, others = list(sizes), [axis for axis in range(x.ndim) if axis not in sizes]
    before, after = margins(x.shape, shape, steps, start, taps)
    padding = {axis: -start[axis] for axis in moved}
    if not all(_pads(x.shape[axis], shape[axis], steps[axis], padding[axis], *sizes[axis]) for axis in moved):
        padding = dict.fromkeys(moved, 0)
    own = {axis: not padding[axis] for axis in moved} | dict.fromkeys(others, True)
    around = [n * own[axis] for axis in reversed(range(x.ndim)) for n in (before[axis], after[axis])]
    wide = torch.nn.functional.pad(x, around, value=-inf) if any(around) else x
    first = [(start[axis] + before[axis]) * own[axis] for axis in range(x.ndim)]
    ends = [first[axis] + steps[axis] * shape[axis] if axis in others else None for axis in range(x.ndim)]
    cut = wide[tuple(slice(a, b, 1 if b is None else step) for a, b, step in zip(first, ends, steps, strict=True))]
    best, at = _pooled(cut.permute(*others, *moved), moved, sizes, steps, padding)
    kept = (*(slice(None) for _ in others), *(slice(shape[axis]) for axis in moved))
    back = [[*others, *moved].index(axis) for axis in range(x.ndim)]
    best, at = best[kept].permute(back), at[kept].permute(back)
    seen = [(cut.shape[axis], start[axis] if own[axis] else 0) for axis in moved]
    sizes_of_x = [x.shape[axis] for axis in moved]
    return best, at if seen == [(size, 0) for size in sizes_of_x] else _counted_in_x(at, seen, sizes_of_x)


def _pads(size: int, wanted: int, stride: int, padding: int, taps: int, dilation: int) -> bool:
    """Whether torch's own padding gives all windows of an axis: it has a limit and is the same at both ends.

    Where a window skips the whole axis, torch's place is outside of it.
    """
    windows = (size + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
    return 0 <= padding <= taps // 2 and windows >= wanted and size >= dilation


def _pooled(
    x: Tensor, moved: list[int], sizes: dict[int, tuple[int, int]], steps: Integers, padding: dict[int, int]
) -> tuple[Tensor, Tensor]:
    """torch's maximum of windows along the last axes, and its places among them."""
    rank = max(2, len(moved))
    missing = rank - len(moved)
    lead, spatial = x.shape[: -len(moved)], (*[1] * missing, *x.shape[-len(moved) :])
    # Two axes in front stay as they are: theirs may be the order of channels-last memory. An empty one is no channel.
    flat = x.reshape(*(lead if len(lead) == 2 and lead[1] else (prod(lead), 1)), *spatial)
    kernel, dilation = ([*[1] * missing, *(sizes[axis][k] for axis in moved)] for k in (0, 1))
    stride, margin = [*[1] * missing, *(steps[a] for a in moved)], [*[0] * missing, *(padding[a] for a in moved)]
    pool = torch.nn.functional.max_pool2d if rank == 2 else torch.nn.functional.max_pool3d
    best, at = pool(flat, kernel, stride, margin, dilation, return_indices=True)
    shape = (*lead, *best.shape[2 + missing :])
    return best.reshape(shape), at.reshape(shape)


def _counted_in_x(at: Tensor, seen: list[tuple[int, int]], sizes: list[int]) -> Tensor:
    """Places counted in x instead of in another array: `seen` has its sizes, and where in x each axis of it begins."""
    place = torch.zeros_like(at)
    apart = prod(size for size, _ in seen)
    for (own, begin), size in zip(seen, sizes, strict=True):
        at, apart = at % apart, apart // own
        position = at.div(apart, rounding_mode="floor") + begin
        place = place * size + position.clamp(0, max(0, size - 1))
    return place
