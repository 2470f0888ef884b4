"""embedding: Rows of a table by integer labels; rows that are looked up several times add up their gradients.

Generated from derivations/embedding.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: aee524368782abbe. Saved for the backward: label.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive embedding --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(label: Tensor, weight: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(k,d)->(...,d), and what `backward` needs: label, k."""
    k = weight.shape[0]
    # (1) y[n,d] = weight[label[n],d]
    y = weight.index_select(0, label.reshape(-1)).reshape(*label.shape, *weight.shape[1:])
    return y, (label, k)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, k = saved
    d = grad_output.shape[-1]
    # (3) grad_weight[k,d] = sum[n](delta[label[n],k] * grad_output[n,d])
    grad_weight = grad_output.new_zeros((k, d)).index_add(0, label.reshape(-1), grad_output.reshape(label.numel(), d))
    return None, grad_weight


def jvp(saved: tuple[Any, ...], tangent_weight: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, _k = saved
    # (5) tangent_y[n,d] = tangent_weight[label[n],d]
    tangent_y = tangent_weight.index_select(0, label.reshape(-1)).reshape(*label.shape, *tangent_weight.shape[1:])
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_weight: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _k = saved
    # (7) hvp_weight[k,d] = 0
    hvp_weight = torch.zeros_like(tangent_weight)
    return None, hvp_weight


def reference(label: Tensor, weight: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.embedding(label, weight)
    return result
