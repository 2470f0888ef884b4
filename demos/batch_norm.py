"""The report's three ways to batch norm: composed and differentiated by torch, derived, and torch's module."""

from __future__ import annotations

from typing import Any

import torch

import gradlab.torch.nn


class ComposedBatchNorm1d(torch.nn.BatchNorm1d):
    """Batch norm written with primitives, whose gradient is torch autograd's. Equivalent to torch.nn.BatchNorm1d.

    >>> composed, module = ComposedBatchNorm1d(3), torch.nn.BatchNorm1d(3)
    >>> x = torch.linspace(-1, 2, 12).reshape(4, 3)
    >>> torch.allclose(composed(x), module(x), atol=1e-6), torch.allclose(composed.running_var, module.running_var)
    (True, True)
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        mean, var = self.running_mean, self.running_var
        assert mean is not None
        assert var is not None
        assert self.num_batches_tracked is not None
        if self.training:
            batch_mean = input.mean(dim=0)
            batch_var = ((input - batch_mean) ** 2).mean(dim=0)
            with torch.no_grad():
                unbiased = batch_var * (len(input) / (len(input) - 1))
                mean.lerp_(batch_mean, self.momentum or 0.1)
                var.lerp_(unbiased, self.momentum or 0.1)
                self.num_batches_tracked.add_(1)
            mean, var = batch_mean, batch_var
        x_hat = (input - mean) / torch.sqrt(var + self.eps)
        return x_hat * self.weight + self.bias


BATCH_NORM: dict[str, Any] = {
    "autograd": ComposedBatchNorm1d,
    "manual": gradlab.torch.nn.BatchNorm1d,
    "module": torch.nn.BatchNorm1d,
}
