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
    windows = {axis: (size, steps[axis], dilation) for axis, size, dilation in sorted(taps)}
    moved, others = list(windows), [axis for axis in range(x.ndim) if axis not in windows]
    seen, begins, padding = x, [0] * len(moved), [-start[axis] for axis in moved]
    whole = all((start[axis], steps[axis], shape[axis]) == (0, 1, x.shape[axis]) for axis in others)
    if not whole or not all(_pads(x.shape[k], shape[k], -start[k], *windows[k]) for k in moved):
        seen, begins, padding = _framed(x, shape, steps, start, taps), [start[axis] for axis in moved], [0] * len(moved)
    best, at = _pooled(seen.permute(*others, *moved), list(windows.values()), padding)
    kept = (*(slice(None) for _ in others), *(slice(shape[axis]) for axis in moved))
    back = [[*others, *moved].index(axis) for axis in range(x.ndim)]
    best, at = best[kept].permute(back), at[kept].permute(back)
    if seen is x:
        return best, at
    return best, _counted_in_x(at, [seen.shape[axis] for axis in moved], begins, [x.shape[axis] for axis in moved])


def _framed(x: Tensor, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> Tensor:
    """x from where the first window begins, with -inf wherever windows reach outside; other axes as they are read."""
    before, after = margins(x.shape, shape, steps, start, taps)
    around = [margin for pair in zip(reversed(before), reversed(after), strict=True) for margin in pair]
    wide = torch.nn.functional.pad(x, around, value=-inf)
    moved = {axis for axis, _, _ in taps}
    cuts = [slice(first + front, None) for first, front in zip(start, before, strict=True)]
    for axis in set(range(x.ndim)) - moved:
        begin = start[axis] + before[axis]
        cuts[axis] = slice(begin, begin + steps[axis] * shape[axis], steps[axis])
    return wide[tuple(cuts)]


def _pads(size: int, wanted: int, padding: int, taps: int, stride: int, dilation: int) -> bool:
    """Whether torch's own padding gives all windows of an axis: it has a limit and is the same at both ends.

    Where a window skips the whole axis, torch's place is outside of it.
    """
    windows = (size + 2 * padding - dilation * (taps - 1) - 1) // stride + 1
    return 0 <= padding <= taps // 2 and windows >= wanted and size >= dilation


def _pooled(x: Tensor, windows: list[tuple[int, int, int]], padding: list[int]) -> tuple[Tensor, Tensor]:
    """torch's maximum of windows (size, stride, dilation) along the last axes, and its places among them."""
    pool, missing = torch.nn.functional.max_pool2d, 2 - len(windows)
    if missing < 0:
        pool, missing = torch.nn.functional.max_pool3d, 0
    lead, spatial = x.shape[: -len(windows)], (*[1] * missing, *x.shape[-len(windows) :])
    # Two axes in front stay as they are: theirs may be the order of channels-last memory. An empty one is no channel.
    flat = x.reshape(*(lead if len(lead) == 2 and lead[1] else (prod(lead), 1)), *spatial)
    kernel, stride, dilation = zip(*[(1, 1, 1)] * missing, *windows, strict=True)
    best, at = pool(flat, kernel, stride, (*[0] * missing, *padding), dilation, return_indices=True)
    shape = (*lead, *best.shape[2 + missing :])
    return best.reshape(shape), at.reshape(shape)


def _counted_in_x(at: Tensor, seen: list[int], begins: list[int], sizes: list[int]) -> Tensor:
    """Places counted in x (axes of these sizes) instead of in what was seen of it, whose axes begin there."""
    place = torch.zeros_like(at)
    apart = prod(seen)
    for own, begin, size in zip(seen, begins, sizes, strict=True):
        at, apart = at % apart, apart // own
        position = at.div(apart, rounding_mode="floor") + begin
        place = place * size + position.clamp(0, max(0, size - 1))
    return place
