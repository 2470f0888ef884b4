"""nll_weighted: Mean negative log-likelihood of integer labels: class weights, rows left out.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: b44c3cf98a4abf59. Saved for the backward: label, share, t3.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll_weighted --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(log_p: Tensor, label: Tensor, weight: Tensor, keep: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(), and what `backward` needs: label, share, t3, d."""
    d = log_p.shape[1]
    # (1) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.index_select(0, label)
    share = weight_at_label * keep
    # (2) hit = sum[n](share[n] * log_p[n,label[n]])
    log_p_at_label = log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    hit = (log_p_at_label * share).sum()
    # (3) total = sum[n](share[n])
    total = share.sum()
    # (4) count = sum[n](keep[n])
    count = keep.to(log_p.dtype).sum()
    # (5) t1 = 1 - count
    t1 = 1 - count
    # (6) none = max(t1, 0)
    none = torch.clamp(t1, min=0)
    # (8) t2 = 1 - none
    t2 = 1 - none
    # (9) undefined = none * t2 / count
    undefined = none * t2 / count
    # (10) t3 = none + total
    t3 = none.clone()
    t3 = t3 + total
    # (11) loss = undefined - hit / t3
    loss = -hit / t3
    loss = loss + undefined
    return loss, (label, share, t3, d)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...]
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, t3, d = saved
    n = label.shape[0]
    # (14) grad_log_p[n,d] = -delta[label[n],d] * grad_output * share[n] / t3
    grad_log_p = grad_output.new_zeros((n, d))
    grad_log_p = grad_log_p.scatter_add(-1, label.unsqueeze(-1), (-grad_output * share / t3).unsqueeze(-1))
    return grad_log_p, None, None, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, t3, _d = saved
    # (17) tangent_loss = -sum[n](share[n] * tangent_log_p[n,label[n]]) / t3
    tangent_log_p_at_label = tangent_log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    dot_share_tangent_log_p_at_label = (share * tangent_log_p_at_label).sum()
    tangent_loss = -dot_share_tangent_log_p_at_label / t3
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_log_p: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _t3, _d = saved
    # (19) hvp_log_p[n,d] = 0
    hvp_log_p = torch.zeros_like(tangent_log_p)
    return hvp_log_p, None, None, None


def reference(log_p: Tensor, label: Tensor, weight: Tensor, keep: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight)
    return result
