"""Convolution and pooling. A setting of windows is one number for all axes, or one for each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from gradlab.kernels.averages import Means, adaptive_means, pooled_means
from gradlab.kernels.door import at_most_half, by_axis, numbers, same
from gradlab.nn.initialise import Seed, affine
from gradlab.nn.layer import DType, Layer, Shape
from gradlab.nn.module import Array

Window = int | Sequence[int]


class Windows(Layer):
    """What works on windows that move over the last axes; an input without a batch is a batch of one."""

    rank: ClassVar[int] = 4
    """The dimensions of a batch."""
    values: dict[str, Any]
    """The kernel's parameters."""

    def settings(self, dtype: DType) -> dict[str, Any]:
        return self.values

    def enter(self, *inputs: Array) -> Sequence[Array]:
        return (inputs[0][None] if inputs[0].ndim == self.rank - 1 else inputs[0],)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output[0] if len(shapes[0]) == self.rank - 1 else output


class Conv2d(Windows):
    """Cross-correlation of (N, C, H, W) with `out_channels` filters. Equivalent to torch.nn.Conv2d.

    Shapes: weight (out_channels, in_channels / groups, *kernel_size), bias (out_channels,). `padding` may be "valid" or
    "same"; ValueError where the same size needs more zeros behind an axis than before it, as even windows do.

    >>> import numpy as np
    >>> layer = Conv2d(3, 8, 3, padding=1, seed=0)
    >>> layer(np.ones((2, 3, 5, 7), "float32")).shape
    (2, 8, 5, 7)
    """

    operation = "conv2d"

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Window,
        stride: Window = 1,
        padding: Window | str = 0,
        dilation: Window = 1,
        groups: int = 1,
        bias: bool = True,
        *,
        seed: Seed = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__()
        if in_channels % groups or out_channels % groups:
            raise ValueError(f"{in_channels} channels in and {out_channels} out do not divide into groups={groups}")
        axes = self.rank - 2
        window = numbers("kernel_size", kernel_size, axes)
        steps = {"stride": numbers("stride", stride, axes), "dilation": numbers("dilation", dilation, axes)}
        before, behind = same(padding, window, steps["stride"], steps["dilation"])
        if before != behind:
            raise ValueError(
                f"padding='same' with kernel_size={window}: {before} zeros before and {behind} behind, which "
                "is not derived; pad the input with np.pad first"
            )
        self.values = {**by_axis({"padding": before, **steps}, axes), "groups": groups}
        self.params = affine((out_channels, in_channels // groups, *window), bias, seed, dtype)

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        weight = self.params["weight"]
        return {"weight": weight, "bias": self.params.get("bias", np.zeros(len(weight), dtype))}


class Conv1d(Conv2d):
    """Cross-correlation of (N, C, L) with `out_channels` filters. Equivalent to torch.nn.Conv1d."""

    operation = "conv1d"
    rank = 3


class Averages(Windows):
    """Means over windows, all of one size or with a matrix of weights for the rows and one for the columns."""

    means = Means("avg_pool2d")
    """What computes them for the last input."""

    def means_of(self, sizes: Shape) -> Means:
        """What computes the means of images of this height and width."""
        raise NotImplementedError

    def enter(self, *inputs: Array) -> Sequence[Array]:
        (x,) = super().enter(*inputs)
        # What is no batch of images is the door's to refuse.
        self.means = self.means_of(x.shape[2:]) if x.ndim == self.rank and x.dtype.kind == "f" else Means("avg_pool2d")
        return (x,)

    def kernel_name(self, *inputs: Array) -> str:
        return self.means.operation

    def settings(self, dtype: DType) -> dict[str, Any]:
        return self.means.parameters

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        return {
            name: np.array(rows, dtype) for name, rows in zip(("rows", "columns"), self.means.weights, strict=False)
        }

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return super().leave(output[..., None, None] if output.ndim == 2 else output, shapes)


class AvgPool2d(Averages):
    """The mean of each window, padding included. Equivalent to torch.nn.AvgPool2d.

    With `ceil_mode` a rest gives one more window, unless that began behind the image. A sum is divided by what its
    window covers of image and padding, without `count_include_pad` of the image alone, or by `divisor_override`.
    """

    def __init__(
        self,
        kernel_size: Window,
        stride: Window | None = None,
        padding: Window = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        kernel = numbers("kernel_size", kernel_size, 2)
        steps = kernel if stride is None else numbers("stride", stride, 2)
        self.windows = kernel, steps, numbers("padding", padding, 2)
        at_most_half(kernel, padding)
        self.options = ceil_mode, count_include_pad, divisor_override

    def means_of(self, sizes: Shape) -> Means:
        return pooled_means(sizes, *self.windows, *self.options)


class AdaptiveAvgPool2d(Averages):
    """Means over `output_size` windows, which cover the image. Equivalent to torch.nn.AdaptiveAvgPool2d.

    Windows differ in size and overlap where the image does not divide into them.
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        super().__init__()
        self.output_size = output_size

    def means_of(self, sizes: Shape) -> Means:
        return adaptive_means(sizes, self.output_size)


class MaxPool2d(Windows):
    """The largest entry of each window; of equal ones the first, as in torch. Equivalent to torch.nn.MaxPool2d.

    With `ceil_mode` a rest gives one more window, unless that began behind the image. The places of the maxima are not
    returned: they have no gradient.
    """

    operation = "max_pool2d"

    def __init__(
        self,
        kernel_size: Window,
        stride: Window | None = None,
        padding: Window = 0,
        dilation: Window = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        kernel = numbers("kernel_size", kernel_size, 2)
        steps = kernel if stride is None else numbers("stride", stride, 2)
        at_most_half(kernel, padding, dilation)
        windows = {"kernel": kernel, "stride": steps, "padding": numbers("padding", padding, 2)}
        self.values = {
            **by_axis({**windows, "dilation": numbers("dilation", dilation, 2)}, 2),
            "ceil_mode": int(ceil_mode),
        }
