"""Convolution and pooling on torch.nn's modules, with all their settings of windows."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.averages import Means, adaptive_means, pooled_means
from gradlab.kernels.door import at_most_half, by_axis, numbers, same
from gradlab.torch.nn.doors import DOORS, or_full


class Conv1d(torch.nn.Conv1d):
    """Cross-correlation of (N, C, L) with filters."""

    def forward(self, input: Tensor) -> Tensor:
        return _convolved(self, "conv1d", input, 3)


class Conv2d(torch.nn.Conv2d):
    """Cross-correlation of (N, C, H, W) with filters."""

    def forward(self, input: Tensor) -> Tensor:
        return _convolved(self, "conv2d", input, 4)


def _convolved(module: Any, name: str, input: Tensor, rank: int) -> Tensor:
    if module.padding_mode != "zeros":
        raise ValueError(f"{name}: padding_mode={module.padding_mode!r} is not derived; pad the input first")
    x = input[None] if input.ndim == rank - 1 else input
    bias = or_full(module.bias, module.out_channels, 0.0, module.weight)
    before, behind = same(module.padding, module.kernel_size, module.stride, module.dilation)
    shown = [tuple(input.shape), tuple(module.weight.shape), tuple(bias.shape)]
    if before != behind:
        # padding="same" with even windows: the zeros that the axes lack at their ends.
        further = [end - start for start, end in zip(before, behind, strict=True)]
        x = torch.nn.functional.pad(x, [zeros for size in reversed(further) for zeros in (0, size)])
    settings: dict[str, Any] = by_axis(
        {"stride": module.stride, "padding": before, "dilation": module.dilation}, rank - 2
    )
    settings["groups"] = module.groups
    output = DOORS[name](("input", "weight", "bias"), x, module.weight, bias, shown=shown, **settings)
    return output[0] if input.ndim == rank - 1 else output


class MaxPool2d(torch.nn.MaxPool2d):
    """The largest entry of each window; of equal ones the first. ValueError for return_indices."""

    def forward(self, input: Tensor) -> Tensor:
        if self.return_indices:
            raise ValueError(f"{self}: return_indices is not derived; torch.nn.functional.max_pool2d gives the places")
        x = input[None] if input.ndim == 3 else input
        kernel = numbers("kernel_size", self.kernel_size, 2)
        at_most_half(kernel, self.padding, self.dilation)
        windows = {key: getattr(self, key) for key in ("stride", "padding", "dilation")}
        settings: dict[str, Any] = by_axis({"kernel": kernel, **windows}, 2)
        output = DOORS["max_pool2d"](("input",), x, **settings, ceil_mode=int(self.ceil_mode))
        return output[0] if input.ndim == 3 else output


class AvgPool2d(torch.nn.AvgPool2d):
    """The mean of each window, of whatever size `ceil_mode` and `count_include_pad` leave it."""

    def forward(self, input: Tensor) -> Tensor:
        kernel, stride, padding = (numbers(key, getattr(self, key), 2) for key in ("kernel_size", "stride", "padding"))
        at_most_half(kernel, padding)
        options = self.ceil_mode, self.count_include_pad, self.divisor_override
        sizes = input.shape[-2:]
        means = pooled_means(sizes, kernel, stride, padding, *options) if len(sizes) == 2 else Means("avg_pool2d")
        return _averaged(input, means)


class AdaptiveAvgPool2d(torch.nn.AdaptiveAvgPool2d):
    """Means over `output_size` windows, which differ in size and overlap where the image does not divide into them."""

    def forward(self, input: Tensor) -> Tensor:
        sizes, wanted = input.shape[-2:], self.output_size
        return _averaged(input, adaptive_means(sizes, wanted) if len(sizes) == 2 else Means("avg_pool2d"))


def _averaged(input: Tensor, means: Means) -> Tensor:
    x = input[None] if input.ndim == 3 else input
    weights = [x.new_tensor(rows) for rows in means.weights]
    names = ("input", "rows", "columns")[: 1 + len(weights)]
    settings: dict[str, Any] = means.parameters
    output = DOORS[means.operation](names, x, *weights, **settings)
    output = output[..., None, None] if means.operation == "global_avg_pool2d" else output
    return output[0] if input.ndim == 3 else output
