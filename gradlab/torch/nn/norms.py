"""Normalisations on torch.nn's modules; batch normalisation keeps running statistics as torch does."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from gradlab.errors import ShapeError
from gradlab.torch.nn.doors import DOORS, TRACKED, or_full


class BatchNorm(torch.nn.modules.batchnorm._BatchNorm):
    """What the batch normalisations of all ranks share: statistics, running and of the batch."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input; in training move the running statistics as torch does."""
        self._check_input_dim(input)  # type: ignore[no-untyped-call]
        weight = or_full(self.weight, self.num_features, 1.0, input)
        bias = or_full(self.bias, self.num_features, 0.0, input)
        x = input[..., None] if input.ndim == 3 else input
        name = "batch_norm" if input.ndim == 2 else "batch_norm_2d"
        names = ("input", "weight", "bias", "running_mean", "running_var")
        mean, var = self.running_mean, self.running_var
        if not self.training and mean is not None and var is not None:
            output = DOORS[f"{name}_eval"](names, x, weight, bias, mean, var, eps=self.eps)
            return output if x is input else output.reshape(input.shape)
        count = input.numel() // max(input.shape[1], 1)
        if count == 1:
            raise ShapeError(
                f"{type(self).__name__}: input is {tuple(input.shape)}, one value per channel, whose variance is 0; "
                "train with more than one, or call eval()"
            )
        output, batch_mean, batch_var = TRACKED[name](names[:3], x, weight, bias, eps=self.eps)
        if self.training and mean is not None and var is not None:
            momentum = self._count()
            if count:  # the statistics of none are nan
                mean.lerp_(batch_mean.to(mean.dtype), momentum)
                var.lerp_(batch_var.to(var.dtype) * (count / (count - 1)), momentum)  # the unbiased one
        return output if x is input else output.reshape(input.shape)

    def _count(self) -> float:
        """Count the batch; return by how much the running statistics move towards its own."""
        assert self.num_batches_tracked is not None
        tracked = self.num_batches_tracked.add_(1)
        return 1 / float(tracked) if self.momentum is None else self.momentum


class BatchNorm1d(BatchNorm, torch.nn.BatchNorm1d):
    """Batch normalisation of (N, C) or (N, C, L)."""


class BatchNorm2d(BatchNorm, torch.nn.BatchNorm2d):
    """Batch normalisation of (N, C, H, W) per channel."""


class LayerNorm(torch.nn.LayerNorm):
    """Normalisation over the last axes, those of `normalized_shape`."""

    def forward(self, input: Tensor) -> Tensor:
        rows = _last_axes(self, input, self.normalized_shape)
        size = rows.shape[-1]
        weight = or_full(self.weight, size, 1.0, rows).reshape(size)
        bias = or_full(self.bias, size, 0.0, rows).reshape(size)
        names = ("input", "weight", "bias")
        return DOORS["layer_norm"](names, rows, weight, bias, eps=self.eps).reshape(input.shape)


class RMSNorm(torch.nn.RMSNorm):
    """Division by the root mean square over the last axes; without `eps` it is the spacing of the dtype at 1."""

    def forward(self, x: Tensor) -> Tensor:
        rows = _last_axes(self, x, self.normalized_shape)
        size = rows.shape[-1]
        weight = or_full(self.weight, size, 1.0, rows).reshape(size)
        spacing = torch.finfo(x.dtype).eps if x.is_floating_point() else 0.0  # the door refuses integers
        eps = spacing if self.eps is None else self.eps
        return DOORS["rms_norm"](("input", "weight"), rows, weight, eps=eps).reshape(x.shape)


class GroupNorm(torch.nn.GroupNorm):
    """Normalisation of (N, C, …) over groups of channels."""

    def forward(self, input: Tensor) -> Tensor:
        weight = or_full(self.weight, self.num_channels, 1.0, input)
        bias = or_full(self.bias, self.num_channels, 0.0, input)
        settings: dict[str, Any] = {"num_groups": self.num_groups, "eps": self.eps}
        flat = input.ndim not in (0, 1, 4)
        x = input.reshape(*input.shape[:2], input.shape[2:].numel(), 1) if flat else input
        shown = [tuple(input.shape), tuple(weight.shape), tuple(bias.shape)]
        output = DOORS["group_norm"](("input", "weight", "bias"), x, weight, bias, shown=shown, **settings)
        return output.reshape(input.shape)


class InstanceNorm2d(torch.nn.InstanceNorm2d):
    """Normalisation of each channel of each image; ValueError with running statistics, which are not kept here."""

    def forward(self, input: Tensor) -> Tensor:
        if self.track_running_stats:
            raise ValueError("InstanceNorm2d with track_running_stats is not derived; use torch.nn's layer")
        weight = or_full(self.weight, self.num_features, 1.0, input)
        bias = or_full(self.bias, self.num_features, 0.0, input)
        return DOORS["instance_norm"](("input", "weight", "bias"), input, weight, bias, eps=self.eps)


def _last_axes(module: torch.nn.Module, input: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The axes that are normalised over as one."""
    leading = input.ndim - len(shape)
    if tuple(input.shape[leading:]) != tuple(shape):
        raise ShapeError(
            f"{type(module).__name__}: input is {tuple(input.shape)}, its last axes are not {tuple(shape)}, the "
            "normalized_shape"
        )
    return input if len(shape) == 1 else input.reshape(*input.shape[:leading], torch.Size(shape).numel())
