"""The maximum of windows in torch, described as in `gradlab.kernels.windows`: functional, for compile and vmap."""

from itertools import product
from math import inf, prod

import torch
from torch import Tensor

from gradlab.kernels.windows import Integers, Taps, margins


def largest(x: Tensor, shape: Integers, steps: Integers, start: Integers, taps: Taps) -> tuple[Tensor, Tensor]:
    """The maximum of each window and its place: the first one's, counted row by row along the axes that taps move on.

    What is outside x does not count: a maximum of -inf has no place, and is given any. Equivalent to
    `torch.nn.functional.max_pool2d(..., return_indices=True)` where that is defined.

    >>> x = torch.tensor([3.0, 1.0, 1.0, 2.0])
    >>> largest(x, shape=(2,), steps=(2,), start=(-1,), taps=((0, 3, 1),))
    (tensor([3., 2.]), tensor([0, 3]))
    """
    moved = sorted({axis for axis, _, _ in taps})
    before, after = margins(x.shape, shape, steps, start, taps)
    outside = any(before) or any(after)
    around = [margin for pair in zip(reversed(before), reversed(after), strict=True) for margin in pair]
    wide = torch.nn.functional.pad(x, around, value=-inf) if outside else x
    positions = list(product(*(range(size) for _, size, _ in taps)))
    apart = {axis: prod([x.shape[other] for other in moved if other > axis]) for axis in moved}
    offsets = [sum(apart[axis] * step * i for (axis, _, step), i in zip(taps, tap, strict=True)) for tap in positions]

    def slices(tap: tuple[int, ...]) -> Tensor:
        first = [own + front for own, front in zip(start, before, strict=True)]
        for (axis, _, step), i in zip(taps, tap, strict=True):
            first[axis] += step * i
        cuts = zip(first, steps, shape, strict=True)
        # Contiguous: it is read twice, and a strided read is the slowest part of this.
        return wide[tuple(slice(own, own + step * size, step) for own, step, size in cuts)].contiguous()

    # From the last tap back, so that of equal entries the first is left; counted in bytes, which are fast.
    best = slices(positions[-1])
    count = torch.zeros_like(best, dtype=torch.uint8 if len(positions) <= 255 else torch.int32)
    for number, tap in enumerate(reversed(positions[:-1]), 1):
        seen = slices(tap)
        better = ~(seen < best)  # not >=, so that a NaN is found
        best = torch.maximum(best, seen)
        count = torch.maximum(count, better.to(count.dtype) * number)
    table = torch.tensor(offsets[::-1], device=x.device)
    at = table.index_select(0, count.reshape(-1).int()).reshape(count.shape)
    for axis in moved:
        first = start[axis] + steps[axis] * torch.arange(shape[axis], device=x.device)
        at = at + apart[axis] * first.reshape([-1 if other == axis else 1 for other in range(x.ndim)])
    return best, at.clamp(0, max(0, prod([x.shape[axis] for axis in moved]) - 1)) if outside else at
