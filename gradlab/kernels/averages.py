"""Which kernel gives the means that a pooling layer wants, and with which weights: for NumPy and for torch.

Windows of one size are those of `avg_pool2d`. All others are matrices of weights for `adaptive_avg_pool2d`, one for the
rows and one for the columns: row i holds 1 / divisor where window i is, and 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gradlab.kernels.door import by_axis, numbers

Rows = list[list[float]]


@dataclass(frozen=True, slots=True)
class Means:
    """An operation, its parameters, and the weights of rows and of columns that it takes, if any."""

    operation: str
    parameters: dict[str, int] = field(default_factory=dict)
    weights: tuple[Rows, ...] = ()


def adaptive_means(sizes: Sequence[int], output_size: int | Sequence[int | None] | None) -> Means:
    """Means of images of these two sizes over as many windows as `output_size` says, None for as many as there are.

    Window i runs from floor(i * size / windows) to ceil((i + 1) * size / windows), as torch's adaptive pooling has it.

    >>> adaptive_means((6, 4), 2).parameters
    {'kernel_h': 3, 'kernel_w': 2, 'stride_h': 3, 'stride_w': 2}
    >>> adaptive_means((3, 4), (2, None)).weights[0]
    [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]
    """
    pair = (output_size, output_size) if output_size is None or isinstance(output_size, int) else output_size
    wanted = [size if own is None else own for own, size in zip(pair, sizes, strict=True)]
    counts = numbers("output_size", wanted, 2)
    if min(counts) < 1:
        raise ValueError(f"output_size={output_size!r}; give at least one window along each axis")
    if counts == (1, 1):
        return Means("global_avg_pool2d")
    if all(size and size % count == 0 for size, count in zip(sizes, counts, strict=True)):
        window = [size // count for size, count in zip(sizes, counts, strict=True)]
        return Means("avg_pool2d", by_axis({"kernel": window, "stride": window}, 2))
    weights = tuple(_adaptive(size, count) for size, count in zip(sizes, counts, strict=True))
    return Means("adaptive_avg_pool2d", {}, weights)


def pooled_means(
    sizes: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Means:
    """Means of images of these two sizes over windows at even steps, with the options of torch's avg_pool2d.

    Raises ValueError for a divisor of 0, and where no window fits.

    >>> pooled_means((3, 2), (2, 2), (2, 2), (0, 0), ceil_mode=True).weights
    ([[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]], [[0.5, 0.5]])
    """
    if not ceil_mode and count_include_pad and divisor_override is None:
        return Means("avg_pool2d", by_axis({"kernel": kernel, "stride": stride, "padding": padding}, 2))
    if divisor_override == 0:
        raise ValueError("divisor_override=0; a mean is divided by something else")
    # A divisor of one's own stands for the whole window: it is the rows', and the columns are added.
    divisors = (None, None) if divisor_override is None else (divisor_override, 1)
    axes = zip(sizes, kernel, stride, padding, divisors, strict=True)
    weights = tuple(_pooled(*settings, ceil_mode=ceil_mode, padding_counts=count_include_pad) for settings in axes)
    return Means("adaptive_avg_pool2d", {}, weights)


def _adaptive(size: int, count: int) -> Rows:
    bounds = ((i * size // count, -(-(i + 1) * size // count)) for i in range(count))
    return [_row(size, start, end, end - start) for start, end in bounds]


def _pooled(
    size: int, kernel: int, stride: int, padding: int, divisor: int | None, *, ceil_mode: bool, padding_counts: bool
) -> Rows:
    room = size + 2 * padding - kernel
    # A window that would begin behind the axis is none, even where a rest rounds up to one.
    count = min((room + (stride - 1) * ceil_mode) // stride, (size + padding - 1) // stride) + 1
    if count < 1:
        raise ValueError(f"no window of {kernel} fits into {size} with padding={padding}; use a smaller window")
    found = []
    for start in range(-padding, count * stride - padding, stride):
        end = min(start + kernel, size + padding)
        first, last = max(start, 0), min(end, size)
        own = end - start if padding_counts else last - first
        found.append(_row(size, first, last, own if divisor is None else divisor))
    return found


def _row(size: int, start: int, end: int, divisor: int) -> list[float]:
    return [0.0] * start + [1 / divisor if divisor else 0.0] * (end - start) + [0.0] * (size - end)
