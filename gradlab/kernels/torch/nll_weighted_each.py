"""nll_weighted_each: Negative log-likelihood of each integer label: class weights, rows left out.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 80744b5cad6c27b2. Saved for the backward: label, share.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll_weighted_each --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(log_p: Tensor, label: Tensor, weight: Tensor, keep: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(n), and what `backward` needs: label, share, d."""
    d = log_p.shape[1]
    # (1) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.index_select(0, label)
    share = weight_at_label * keep
    # (2) each[n] = -share[n] * log_p[n,label[n]]
    log_p_at_label = log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    each = share * log_p_at_label
    each *= -1
    return each, (label, share, d)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...]
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, d = saved
    n = grad_output.shape[0]
    # (4) grad_log_p[n,d] = -delta[label[n],d] * grad_output[n] * share[n]
    grad_log_p = grad_output.new_zeros((n, d))
    grad_log_p = grad_log_p.scatter_add(-1, label.unsqueeze(-1), (-grad_output * share).unsqueeze(-1))
    return grad_log_p, None, None, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, _d = saved
    # (6) tangent_each[n] = -share[n] * tangent_log_p[n,label[n]]
    tangent_log_p_at_label = tangent_log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    tangent_each = share * tangent_log_p_at_label
    tangent_each *= -1
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_log_p: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _d = saved
    # (8) hvp_log_p[n,d] = 0
    hvp_log_p = torch.zeros_like(tangent_log_p)
    return hvp_log_p, None, None, None


def reference(log_p: Tensor, label: Tensor, weight: Tensor, keep: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight, reduction="none")
    return result
