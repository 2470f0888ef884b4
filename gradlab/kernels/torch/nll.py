"""nll: Mean negative log-likelihood of integer labels, from log-probabilities.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 7829bf0c5076049a. Saved for the backward: label.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(log_p: Tensor, label: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, d."""
    n, d = log_p.shape
    inverse_n = 1 / n if n else math.nan
    # (1) picked[n] = log_p[n,label[n]]
    picked = log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    # (2) loss = -sum[n](picked[n]) / N
    sum_picked = picked.sum()
    loss = sum_picked * -inverse_n
    return loss, (label, d)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, d = saved
    n = label.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (6) grad_log_p[n,d] = -delta[label[n],d] * grad_output / N
    grad_log_p = grad_output.new_zeros((n, d))
    grad_log_p = grad_log_p.scatter_add(-1, label.unsqueeze(-1), (grad_output * -inverse_n).expand(n).unsqueeze(-1))
    return grad_log_p, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, _d = saved
    n = tangent_log_p.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (10) tangent_loss = -sum[n](tangent_log_p[n,label[n]]) / N
    tangent_log_p_at_label = tangent_log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    sum_tangent_log_p_at_label = tangent_log_p_at_label.sum()
    tangent_loss = sum_tangent_log_p_at_label * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_log_p: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _d = saved
    # (12) hvp_log_p[n,d] = 0
    hvp_log_p = torch.zeros_like(tangent_log_p)
    return hvp_log_p, None


def reference(log_p: Tensor, label: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.nll_loss(log_p, label)
    return result
