"""The linear layer on torch.nn's module."""

from __future__ import annotations

import torch
from torch import Tensor

from gradlab.torch.nn.doors import DOORS, or_full


class Linear(torch.nn.Linear):
    """`input @ weight.T + bias` over the last axis."""

    def forward(self, input: Tensor) -> Tensor:
        bias = or_full(self.bias, self.out_features, 0.0, self.weight)
        names = ("input", "weight", "bias")
        if input.ndim == 2:
            return DOORS["linear"](names, input, self.weight, bias)
        # A batch of any shape is one batch to the kernel; reshape cannot infer the rows of a tensor without entries.
        rows = input.reshape(input.shape[:-1].numel(), *input.shape[-1:])
        shown = [tuple(input.shape), tuple(self.weight.shape), tuple(bias.shape)]
        output = DOORS["linear"](names, rows, self.weight, bias, shown=shown)
        return output.reshape(*input.shape[:-1], self.out_features)


class Embedding(torch.nn.Embedding):
    """Rows of a table by integer labels; ValueError for options that change the table or its gradient."""

    def forward(self, input: Tensor) -> Tensor:
        if self.padding_idx is not None or self.max_norm is not None or self.scale_grad_by_freq or self.sparse:
            raise ValueError(f"{self}: padding_idx, max_norm, scale_grad_by_freq and sparse are not derived")
        return DOORS["embedding"](("input", "weight"), input, self.weight)
