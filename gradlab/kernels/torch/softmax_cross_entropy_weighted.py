"""softmax_cross_entropy_weighted: Cross-entropy of softmax(x) against labels: class weights, smoothing, rows left out.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: b2698c9c7812dbfc. Saved for the backward: label, weight, keep, p, t4, t5.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_weighted --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(
    x: Tensor, label: Tensor, weight: Tensor, keep: Tensor, *, label_smoothing: float = 0.0
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->().

    What `backward` needs: label, weight, keep, p, t4, t5, label_smoothing.
    """
    d = x.shape[1]
    inverse_d = 1 / d if d else math.nan
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = e.mul_((1 / s)[:, None])
    # (4) t1[n] = log(s[n])
    t1 = torch.log(s)
    # (5) log_p[n,d] = x[n,d] - t1[n]
    log_p = z - t1[:, None]
    # (6) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.index_select(0, label)
    share = weight_at_label * keep
    # (7) even[n] = sum[d](weight[d] * log_p[n,d])
    even = log_p @ weight
    # (8) count = sum[n](keep[n])
    count = keep.to(x.dtype).sum()
    # (9) t2 = 1 - count
    t2 = 1 - count
    # (10) none = max(t2, 0)
    none = torch.clamp(t2, min=0)
    # (12) t3 = 1 - none
    t3 = 1 - none
    # (13) undefined = none * t3 / count
    undefined = none * t3 / count
    # (14) hit = sum[n](share[n] * log_p[n,label[n]])
    log_p_at_label = log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    hit = (log_p_at_label * share).sum()
    # (15) spread = sum[n](even[n] * keep[n])
    spread = (even * keep.to(even.dtype)).sum()
    # (16) total = sum[n](share[n])
    total = share.sum()
    # (17) t4 = none + total
    t4 = none.clone()
    t4 = t4 + total
    # (18) t5 = label_smoothing - 1
    t5 = -1 + label_smoothing
    # (19) t6 = hit * t5 - label_smoothing * spread / D
    t6 = label_smoothing * spread * -inverse_d
    t6 = t6 + (hit * t5)
    # (20) loss = t6 / t4 + undefined
    loss = t6 / t4
    loss = loss + undefined
    return loss, (label, weight, keep, p, t4, t5, label_smoothing)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...]
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, weight, keep, p, t4, t5, label_smoothing = saved
    d = weight.shape[0]
    inverse_d = 1 / d if d else math.nan
    # (41) grad_x[n,d] = grad_output * keep[n] / (D * t4) * (D * delta[label[n],d] * t5 * weight[label[n]] +
    #     label_smoothing * p[n,d] * sum[k](weight[k]) - label_smoothing * weight[d] - D * t5 * weight[label[n]] *
    #     p[n,d])
    weight_at_label = weight.index_select(0, label)
    sum_weight = weight.sum()
    part = weight_at_label * t5
    part = (label_smoothing * sum_weight * inverse_d) - part
    grad_x = p * part[:, None]
    grad_x -= label_smoothing * inverse_d * weight
    grad_x = grad_x * (grad_output * keep / t4)[:, None]
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (grad_output * t5 * weight_at_label * keep / t4).unsqueeze(-1))
    return grad_x, None, None, None


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, weight, keep, p, t4, t5, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else math.nan
    # (65) tangent_loss = (label_smoothing * sum[n,d](keep[n] * p[n,d] * tangent_x[n,d]) * sum[d](weight[d]) + D *
    #     t5 * sum[n](keep[n] * weight[label[n]] * tangent_x[n,label[n]]) - label_smoothing * sum[n,d](keep[n] *
    #     weight[d] * tangent_x[n,d]) - D * t5 * sum[n,d](keep[n] * weight[label[n]] * p[n,d] * tangent_x[n,d])) /
    #     (D * t4)
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    dot_p_tangent_x_keep = (dot_p_tangent_x * keep.to(dot_p_tangent_x.dtype)).sum()
    sum_weight = weight.sum()
    weight_at_label = weight.index_select(0, label)
    part = weight_at_label * keep
    dot_p_tangent_x_part = (dot_p_tangent_x * part).sum()
    dot_tangent_x_weight = tangent_x @ weight
    dot_tangent_x_weight_keep = (dot_tangent_x_weight * keep.to(dot_tangent_x_weight.dtype)).sum()
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    weight_at_label_2 = weight.index_select(0, label)
    part_2 = keep.to(tangent_x.dtype) * tangent_x_at_label
    dot_part_2_weight_at_label_2 = (part_2 * weight_at_label_2).sum()
    tangent_loss = label_smoothing * dot_p_tangent_x_keep * sum_weight * inverse_d
    tangent_loss = tangent_loss - (label_smoothing * dot_tangent_x_weight_keep * inverse_d)
    part_3 = -t5 * dot_p_tangent_x_part
    part_3 = part_3 + (t5 * dot_part_2_weight_at_label_2)
    tangent_loss = tangent_loss + part_3
    tangent_loss = tangent_loss * (1 / t4)
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    label, weight, keep, p, t4, t5, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else math.nan
    # (51) tangent_p[n,d] = p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    tangent_p = tangent_x - dot_p_tangent_x[:, None]
    tangent_p *= p
    # (69) hvp_x[n,d] = grad_output * keep[n] * tangent_p[n,d] / (D * t4) * (label_smoothing * sum[k](weight[k]) - D
    #     * t5 * weight[label[n]])
    weight_at_label = weight.index_select(0, label)
    sum_weight = weight.sum()
    hvp_x = -grad_output * t5 * weight_at_label[:, None] * tangent_p * keep[:, None] / t4
    hvp_x = hvp_x + (grad_output * label_smoothing * sum_weight * inverse_d * tangent_p * keep[:, None] / t4)
    return hvp_x, None, None, None


def reference(x: Tensor, label: Tensor, weight: Tensor, keep: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(
        x, label.where(keep, -100), weight, label_smoothing=label_smoothing
    )
    return result
