"""Convolution and pooling. Windows are square: one number for all axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from gradlab.errors import ShapeError
from gradlab.kernels.door import one_number
from gradlab.nn.initialise import Seed, affine
from gradlab.nn.layer import DType, Layer, Shape
from gradlab.nn.module import Array

Window = int | Sequence[int]


class Windows(Layer):
    """What works on windows that move over the last axes; an input without a batch is a batch of one."""

    rank: ClassVar[int] = 4
    """The dimensions of a batch."""

    def __init__(self, **settings: Window) -> None:
        super().__init__()
        self.values = {name: one_number(name, value) for name, value in settings.items()}

    def settings(self, dtype: DType) -> dict[str, Any]:
        return self.values

    def enter(self, *inputs: Array) -> Sequence[Array]:
        return (inputs[0][None] if inputs[0].ndim == self.rank - 1 else inputs[0],)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return output[0] if len(shapes[0]) == self.rank - 1 else output


class Conv2d(Windows):
    """Cross-correlation of (N, C, H, W) with `out_channels` filters. Equivalent to torch.nn.Conv2d, groups=1.

    Shapes: weight (out_channels, in_channels, kernel_size, kernel_size), bias (out_channels,).

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
        padding: Window = 0,
        dilation: Window = 1,
        *,
        bias: bool = True,
        seed: Seed = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(stride=stride, padding=padding, dilation=dilation)
        axes = self.rank - 2
        window = (kernel_size,) * axes if isinstance(kernel_size, int) else tuple(kernel_size)
        self.params = affine((out_channels, in_channels, *window), bias, seed, dtype)

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        weight = self.params["weight"]
        return {"weight": weight, "bias": self.params.get("bias", np.zeros(len(weight), dtype))}


class Conv1d(Conv2d):
    """Cross-correlation of (N, C, L) with `out_channels` filters. Equivalent to torch.nn.Conv1d, groups=1."""

    operation = "conv1d"
    rank = 3


class AvgPool2d(Windows):
    """The mean of each window, padding included. Equivalent to torch.nn.AvgPool2d."""

    operation = "avg_pool2d"

    def __init__(self, kernel_size: Window, stride: Window | None = None, padding: Window = 0) -> None:
        stride = kernel_size if stride is None else stride
        super().__init__(kernel_size=kernel_size, stride=stride, padding=padding)


class AdaptiveAvgPool2d(Windows):
    """Means over windows that divide the image evenly. Equivalent to torch.nn.AdaptiveAvgPool2d.

    Raises ShapeError for images that cannot be divided into `output_size` x `output_size` squares.
    """

    def __init__(self, output_size: Window) -> None:
        super().__init__(output_size=output_size)

    def kernel_name(self, *inputs: Array) -> str:
        return "global_avg_pool2d" if self.values["output_size"] == 1 else "avg_pool2d"

    def enter(self, *inputs: Array) -> Sequence[Array]:
        (x,) = super().enter(*inputs)
        size, (height, width) = self.values["output_size"], x.shape[-2:]
        if size > 1 and (height % size or height != width):
            raise ShapeError(
                f"AdaptiveAvgPool2d: images of {height} x {width} do not divide into {size} x {size} squares; choose "
                "an output_size of which height and width are a multiple, or AvgPool2d"
            )
        self.window = height // size
        return (x,)

    def settings(self, dtype: DType) -> dict[str, Any]:
        window = {"kernel_size": self.window, "stride": self.window, "padding": 0}
        return {} if self.values["output_size"] == 1 else window

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        return super().leave(output[..., None, None] if output.ndim == 2 else output, shapes)
