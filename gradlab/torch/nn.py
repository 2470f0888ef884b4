"""torch.nn's layers with derived forwards and backwards: `from gradlab.torch import nn`.

Each is a subclass of torch.nn's layer of that name, so that constructors, parameters, initial values, state_dict and
repr are torch's own by construction; only what runs is the generated kernel. Containers and layers that are not here
are torch.nn's. Raises ShapeError and DtypeError at the door, before anything is computed.

>>> import torch
>>> network = torch.nn.Sequential(Linear(4, 3), ReLU(), Linear(3, 2))
>>> network(torch.zeros(5, 4)).shape
torch.Size([5, 2])
>>> network(torch.zeros(5, 3))
Traceback (most recent call last):
gradlab.errors.ShapeError: linear: input has 3 features, weight expects 4 (weight is (3, 4)); input is (5, 3)
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gradlab.errors import ShapeError
from gradlab.torch.doors import DOORS


class Elementwise(torch.nn.Module):
    """One operation whose parameters are the module's attributes of the same names."""

    operation: ClassVar[str]

    def forward(self, input: Tensor) -> Tensor:
        """Return the operation's output, of the input's shape."""
        door = DOORS[self.operation]
        settings = {parameter.name: getattr(self, parameter.name) for parameter in door.operation.parameters}
        return door(("input",), input, **settings)


class ReLU(Elementwise, torch.nn.ReLU):
    """max(input, 0); the slope at 0 is 0. `inplace` is accepted, and the input stays what it was."""

    operation = "relu"


class Softmax(torch.nn.Softmax):
    """Positive entries that sum to 1 along the last axis."""

    def forward(self, input: Tensor) -> Tensor:
        if self.dim not in (-1, input.ndim - 1):
            raise ValueError(f"dim={self.dim!r}; softmax runs over the last axis: move that axis to the end")
        return DOORS["softmax"](("input",), input)


class Linear(torch.nn.Linear):
    """`input @ weight.T + bias` over the last axis."""

    def forward(self, input: Tensor) -> Tensor:
        # A batch of any shape is one batch to the kernel; reshape cannot infer the rows of a tensor without entries.
        rows = input if input.ndim == 2 else input.reshape(input.shape[:-1].numel(), *input.shape[-1:])
        bias = self.weight.new_zeros(self.out_features) if self.bias is None else self.bias
        shown = [tuple(input.shape), tuple(self.weight.shape), tuple(bias.shape)]
        output = DOORS["linear"](("input", "weight", "bias"), rows, self.weight, bias, shown=shown)
        return output if input.ndim == 2 else output.reshape(*input.shape[:-1], self.out_features)


class BatchNorm(torch.nn.modules.batchnorm._BatchNorm):
    """What the batch normalisations of all ranks share: statistics, running and of the batch."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input; in training move the running statistics as torch does."""
        self._check_input_dim(input)
        weight = input.new_ones(self.num_features) if self.weight is None else self.weight
        bias = input.new_zeros(self.num_features) if self.bias is None else self.bias
        x = input[..., None] if input.ndim == 3 else input
        name = "batch_norm" if input.ndim == 2 else "batch_norm_2d"
        names = ("input", "weight", "bias", "running_mean", "running_var")
        if not self.training and self.running_mean is not None and self.running_var is not None:
            statistics = (self.running_mean, self.running_var)
            output = DOORS[f"{name}_eval"](names, x, weight, bias, *statistics, eps=self.eps)
            return output.reshape(input.shape)
        count = input.numel() // max(input.shape[1], 1)
        if count == 1:
            raise ShapeError(
                f"{type(self).__name__}: input is {tuple(input.shape)}, one value per channel, whose variance is 0; "
                "train with more than one, or call eval()"
            )
        output = DOORS[name](names[:3], x, weight, bias, eps=self.eps)
        if self.training and self.running_mean is not None and self.running_var is not None:
            self._track(input.detach(), count)
        return output.reshape(input.shape)

    def _track(self, input: Tensor, count: int) -> None:
        """Move the running statistics towards the batch's, with the unbiased variance."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        if not count:
            return
        variance, mean = torch.var_mean(input, [axis for axis in range(input.ndim) if axis != 1])
        self.running_mean.lerp_(mean.to(self.running_mean.dtype), momentum)
        self.running_var.lerp_(variance.to(self.running_var.dtype), momentum)


class BatchNorm1d(BatchNorm, torch.nn.BatchNorm1d):
    """Batch normalisation of (N, C) or (N, C, L)."""


class BatchNorm2d(BatchNorm, torch.nn.BatchNorm2d):
    """Batch normalisation of (N, C, H, W) per channel."""


class CrossEntropyLoss(torch.nn.CrossEntropyLoss):
    """Mean cross-entropy of softmax(input), (N, C), against integer labels, (N,)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return DOORS["softmax_cross_entropy_labels"](("input", "target"), input, target)


__all__ = ["BatchNorm1d", "BatchNorm2d", "CrossEntropyLoss", "Linear", "ReLU", "Softmax"]
