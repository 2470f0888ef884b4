"""Convolution and pooling on torch.nn's modules. Windows are square, and groups=1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradlab.errors import ShapeError
from gradlab.kernels.door import one_number
from gradlab.torch.nn.doors import DOORS


class Conv1d(torch.nn.Conv1d):
    """Cross-correlation of (N, C, L) with filters."""

    def forward(self, input: Tensor) -> Tensor:
        return _convolved(self, "conv1d", input, 3)


class Conv2d(torch.nn.Conv2d):
    """Cross-correlation of (N, C, H, W) with filters."""

    def forward(self, input: Tensor) -> Tensor:
        return _convolved(self, "conv2d", input, 4)


def _convolved(module: Any, name: str, input: Tensor, rank: int) -> Tensor:
    if module.groups != 1 or module.padding_mode != "zeros":
        raise ValueError(f"{name}: groups={module.groups}, padding_mode={module.padding_mode!r}; use torch.nn's layer")
    x = input[None] if input.ndim == rank - 1 else input
    bias = module.weight.new_zeros(module.out_channels) if module.bias is None else module.bias
    settings = {key: one_number(key, getattr(module, key)) for key in ("stride", "padding", "dilation")}
    output = DOORS[name](("input", "weight", "bias"), x, module.weight, bias, **settings)
    return output[0] if input.ndim == rank - 1 else output


class AvgPool2d(torch.nn.AvgPool2d):
    """The mean of each window, padding included."""

    def forward(self, input: Tensor) -> Tensor:
        if self.ceil_mode or not self.count_include_pad or self.divisor_override is not None:
            raise ValueError(f"{self}: ceil_mode, count_include_pad and divisor_override are not derived")
        settings = {key: one_number(key, getattr(self, key)) for key in ("kernel_size", "stride", "padding")}
        x = input[None] if input.ndim == 3 else input
        output = DOORS["avg_pool2d"](("input",), x, **settings)
        return output[0] if input.ndim == 3 else output


class AdaptiveAvgPool2d(torch.nn.AdaptiveAvgPool2d):
    """Means over windows that divide the image evenly; ShapeError for images that cannot be divided so."""

    def forward(self, input: Tensor) -> Tensor:
        size = one_number("output_size", self.output_size)
        x = input[None] if input.ndim == 3 else input
        height, width = x.shape[-2:]
        if size == 1:
            output = DOORS["global_avg_pool2d"](("input",), x)[..., None, None]
        elif height % size or height != width:
            raise ShapeError(
                f"AdaptiveAvgPool2d: images of {height} x {width} do not divide into {size} x {size} squares; choose "
                "an output_size of which height and width are a multiple, or AvgPool2d"
            )
        else:
            window = {"kernel_size": height // size, "stride": height // size, "padding": 0}
            output = DOORS["avg_pool2d"](("input",), x, **window)
        return output[0] if input.ndim == 3 else output
