"""softmax_cross_entropy_weighted_each: Cross-entropy of each row against its label: weights, smoothing.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: deb910905daa7b80. Saved for the backward: label, weight, keep, p, t2.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_weighted_each --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(
    x: Tensor, label: Tensor, weight: Tensor, keep: Tensor, *, label_smoothing: float = 0.0
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(n).

    What `backward` needs: label, weight, keep, p, t2, label_smoothing.
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
    # (8) t2 = label_smoothing - 1
    t2 = -1 + label_smoothing
    # (9) each[n] = t2 * share[n] * log_p[n,label[n]] - label_smoothing * even[n] * keep[n] / D
    log_p_at_label = log_p.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    each = share * log_p_at_label
    each *= t2
    part = even * keep
    part *= label_smoothing * inverse_d
    each -= part
    return each, (label, weight, keep, p, t2, label_smoothing)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...]
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, weight, keep, p, t2, label_smoothing = saved
    d = weight.shape[0]
    inverse_d = 1 / d if d else math.nan
    # (27) grad_x[n,d] = grad_output[n] * keep[n] / D * (D * delta[label[n],d] * t2 * weight[label[n]] +
    #     label_smoothing * p[n,d] * sum[k](weight[k]) - label_smoothing * weight[d] - D * t2 * weight[label[n]] *
    #     p[n,d])
    weight_at_label = weight.index_select(0, label)
    sum_weight = weight.sum()
    part = weight_at_label * t2
    part = (label_smoothing * sum_weight * inverse_d) - part
    grad_x = p * part[:, None]
    grad_x -= label_smoothing * inverse_d * weight
    grad_x = grad_x * (grad_output * keep)[:, None]
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (t2 * grad_output * weight_at_label * keep).unsqueeze(-1))
    return grad_x, None, None, None


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, weight, keep, p, t2, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else math.nan
    # (47) tangent_each[n] = keep[n] / D * (D * t2 * weight[label[n]] * tangent_x[n,label[n]] + label_smoothing *
    #     sum[d](p[n,d] * tangent_x[n,d]) * sum[d](weight[d]) - label_smoothing * sum[d](weight[d] * tangent_x[n,d])
    #     - D * t2 * weight[label[n]] * sum[d](p[n,d] * tangent_x[n,d]))
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    weight_at_label = weight.index_select(0, label)
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    sum_weight = weight.sum()
    dot_tangent_x_weight = tangent_x @ weight
    tangent_each = tangent_x_at_label - dot_p_tangent_x
    tangent_each *= t2
    tangent_each = tangent_each * weight_at_label
    part = dot_p_tangent_x * (sum_weight * inverse_d)
    part_2 = dot_tangent_x_weight * inverse_d
    part -= part_2
    part *= label_smoothing
    tangent_each += part
    tangent_each = tangent_each * keep
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    label, weight, keep, p, t2, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else math.nan
    # (37) tangent_p[n,d] = p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    tangent_p = tangent_x - dot_p_tangent_x[:, None]
    tangent_p *= p
    # (51) hvp_x[n,d] = grad_output[n] * keep[n] * tangent_p[n,d] / D * (label_smoothing * sum[k](weight[k]) - D *
    #     t2 * weight[label[n]])
    weight_at_label = weight.index_select(0, label)
    sum_weight = weight.sum()
    hvp_x = -t2 * grad_output[:, None] * weight_at_label[:, None] * tangent_p * keep[:, None]
    part = label_smoothing * sum_weight * inverse_d * grad_output[:, None] * tangent_p * keep[:, None]
    hvp_x = hvp_x + part
    return hvp_x, None, None, None


def reference(x: Tensor, label: Tensor, weight: Tensor, keep: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(
        x, label.where(keep, -100), weight, reduction="none", label_smoothing=label_smoothing
    )
    return result
