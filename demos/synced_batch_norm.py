"""Batch normalisation over a batch that lies in parts on several processes.

With statistics of its own part each process would train another network than one process does with the whole batch.
What is right follows from the derived gradient. Let x̂ = (x - mean) inv_std over all n values of a channel, wherever
they lie, and g = dL/dy. Then

    dL/dx = weight inv_std (g - sum(g) / n - x̂ sum(g x̂) / n)

as `gradlab.kernels.torch.batch_norm_2d` has it, where only the two sums know of other processes, as only the mean and
the variance do in the forward. dL/dweight and dL/dbias stay sums over the own part: DistributedDataParallel takes the
mean over processes of all parameters' gradients, and the loss of the whole batch is the mean of the parts' losses.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.distributed import all_reduce

import gradlab.torch.nn


class _Synced(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        sums = torch.cat([_sum(x), x.new_full((1,), x.numel() / x.shape[1])])
        all_reduce(sums)
        count = sums[-1]
        mean = sums[:-1] / count
        centred = x - _wide(mean)
        variance = _sum(centred * centred)
        all_reduce(variance)
        variance = variance / count
        inv_std = (variance + eps).rsqrt()
        x_hat = centred * _wide(inv_std)
        ctx.save_for_backward(x_hat, weight, inv_std, count)
        ctx.mark_non_differentiable(mean, variance, count)
        return x_hat * _wide(weight) + _wide(bias), mean, variance, count

    @staticmethod
    def backward(ctx: Any, *upstream: Any) -> tuple[Tensor, Tensor, Tensor, None]:
        g = upstream[0]
        x_hat, weight, inv_std, count = ctx.saved_tensors
        d_bias, d_weight = _sum(g), _sum(g * x_hat)
        sums = torch.stack([d_bias, d_weight])
        all_reduce(sums)
        mean_g, mean_gx = sums / count
        d_x = (g - _wide(mean_g) - x_hat * _wide(mean_gx)) * _wide(weight * inv_std)
        return d_x, d_weight, d_bias, None


def _sum(x: Tensor) -> Tensor:
    return x.sum(dim=(0, 2, 3))


def _wide(channels: Tensor) -> Tensor:
    return channels[:, None, None]


class SyncedBatchNorm2d(gradlab.torch.nn.BatchNorm2d):
    """Batch normalisation of (N, C, H, W) whose statistics in training are those of all processes' N together."""

    def forward(self, input: Tensor) -> Tensor:
        """Return the normalised input; in training move the running statistics, the same on every process."""
        if not self.training:
            return super().forward(input)
        x = input.to(torch.promote_types(input.dtype, self.weight.dtype))
        output, mean, variance, count = _Synced.apply(x, self.weight, self.bias, self.eps)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked.add_(1)
        momentum = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, momentum)
        self.running_var.lerp_(variance * (count / (count - 1)), momentum)
        return torch.as_tensor(output)


def synchronise(network: torch.nn.Module) -> torch.nn.Module:
    """Put synchronised ones in place of all BatchNorm2d of a network, with their values; returns the network."""
    for name, child in network.named_children():
        if isinstance(child, torch.nn.BatchNorm2d):
            synced = SyncedBatchNorm2d(child.num_features, child.eps, child.momentum)
            synced.load_state_dict(child.state_dict())
            setattr(network, name, synced.to(child.weight.device))
        else:
            synchronise(child)
    return network
