"""Activations and dropout: one derived operation each, on torch.nn's modules."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gradlab.torch.nn.doors import DOORS


class Elementwise(torch.nn.Module):
    """One operation whose parameters are the module's attributes of the same names."""

    operation: ClassVar[str]

    def forward(self, input: Tensor) -> Tensor:
        """Return the operation's output, of the input's shape."""
        door = DOORS[self.operation]
        return door(("input",), input, **{name: getattr(self, name) for name in door.parameters})


class ReLU(Elementwise, torch.nn.ReLU):
    """max(input, 0); the slope at 0 is 0. `inplace` is accepted, here and below, and the input stays what it was."""

    operation = "relu"


class LeakyReLU(Elementwise, torch.nn.LeakyReLU):
    """The input, times `negative_slope` below 0."""

    operation = "leaky_relu"


class ELU(Elementwise, torch.nn.ELU):
    """The input, below 0 `alpha` (exp(input) - 1)."""

    operation = "elu"


class SELU(Elementwise, torch.nn.SELU):
    """ELU scaled so that mean 0 and variance 1 are kept."""

    operation = "selu"


class Softplus(Elementwise, torch.nn.Softplus):
    """log(1 + exp(beta input)) / beta; `threshold` is accepted and not needed."""

    operation = "softplus"


class Sigmoid(Elementwise, torch.nn.Sigmoid):
    """1 / (1 + exp(-input))."""

    operation = "sigmoid"


class Tanh(Elementwise, torch.nn.Tanh):
    """The hyperbolic tangent."""

    operation = "tanh"


class SiLU(Elementwise, torch.nn.SiLU):
    """The input times its sigmoid."""

    operation = "silu"


class Hardtanh(Elementwise, torch.nn.Hardtanh):
    """The input, but not below `min_val` nor above `max_val`."""

    operation = "hardtanh"


class GELU(torch.nn.GELU):
    """The input times the normal distribution's value there, or its tanh form."""

    def forward(self, input: Tensor) -> Tensor:
        return DOORS["gelu" if self.approximate == "none" else "gelu_tanh"](("input",), input)


class Dropout(torch.nn.Dropout):
    """Zeros in place of a share `p` of the input, drawn from torch's generator; evaluation changes nothing."""

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input
        keep = torch.empty_like(input, dtype=torch.bool).bernoulli_(1 - self.p)
        # Where nothing is kept, nothing is there to scale up either.
        return DOORS["dropout"](("input", "mask"), input, keep, p=self.p if self.p < 1 else 0.0)


class Softmax(torch.nn.Softmax):
    """Positive entries that sum to 1 along the axis `dim`, by default the last."""

    def forward(self, input: Tensor) -> Tensor:
        return DOORS["softmax"](("input",), input, axis=-1 if self.dim is None else self.dim)


class LogSoftmax(torch.nn.LogSoftmax):
    """The logarithm of softmax, along the axis `dim`, by default the last."""

    def forward(self, input: Tensor) -> Tensor:
        return DOORS["log_softmax"](("input",), input, axis=-1 if self.dim is None else self.dim)
