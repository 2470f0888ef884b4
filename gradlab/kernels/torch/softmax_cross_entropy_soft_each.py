"""softmax_cross_entropy_soft_each: Cross-entropy of each row against targets of 0 to 1: weights, smoothing.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 4e06db7d3665b5ad. Saved for the backward: weight, p, log_p, wanted, t2.
The backward has 1 reduction and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_soft_each --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, weight: Tensor, *, label_smoothing: float = 0.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,d),(n,d),(d)->(n), and what `backward` needs: weight, p, log_p, wanted, t2."""
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
    # (6) t2 = 1 - label_smoothing
    t2 = 1 - label_smoothing
    # (7) t3[n,d] = t2 * t[n,d] + label_smoothing / D
    t3 = t * t2
    t3 += label_smoothing * inverse_d
    # (8) wanted[n,d] = weight[d] * t3[n,d]
    wanted = t3 * weight
    # (9) each[n] = -sum[d](log_p[n,d] * wanted[n,d])
    dot_log_p_wanted = (log_p * wanted).sum(dim=1)
    each = dot_log_p_wanted * -1
    return each, (weight, p, log_p, wanted, t2)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, p, log_p, wanted, t2 = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (28) grad_x[n,d] = grad_output[n] * (p[n,d] * sum[k](wanted[n,k]) - wanted[n,d])
        sum_wanted = wanted.sum(dim=1)
        grad_x = p * sum_wanted[:, None]
        grad_x -= wanted
        grad_x = grad_x * grad_output[:, None]
    if needs[1]:
        # (30) grad_t[n,d] = -t2 * grad_output[n] * weight[d] * log_p[n,d]
        grad_t = log_p * (-t2 * grad_output)[:, None]
        grad_t = grad_t * weight
    return grad_x, grad_t, None


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, p, log_p, wanted, t2 = saved
    # (49) tangent_each[n] = sum[d](p[n,d] * tangent_x[n,d]) * sum[d](wanted[n,d]) - sum[d](tangent_x[n,d] *
    #     wanted[n,d]) - t2 * sum[d](weight[d] * log_p[n,d] * tangent_t[n,d])
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    sum_wanted = wanted.sum(dim=1)
    part = log_p * weight
    dot_part_tangent_t = (part * tangent_t).sum(dim=1)
    dot_tangent_x_wanted = (tangent_x * wanted).sum(dim=1)
    tangent_each = dot_p_tangent_x * sum_wanted
    part_2 = dot_part_tangent_t * t2
    tangent_each = tangent_each - part_2
    tangent_each -= dot_tangent_x_wanted
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, p, _log_p, wanted, t2 = saved
    # (54) hvp_x[n,d] = grad_output[n] * (t2 * p[n,d] * sum[k](weight[k] * tangent_t[n,k]) + p[n,d] * tangent_x[n,d]
    #     * sum[k](wanted[n,k]) - t2 * weight[d] * tangent_t[n,d] - p[n,d] * sum[k](p[n,k] * tangent_x[n,k]) *
    #     sum[k](wanted[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    sum_wanted = wanted.sum(dim=1)
    dot_tangent_t_weight = tangent_t @ weight
    hvp_x = tangent_x * sum_wanted[:, None]
    hvp_x = hvp_x - (dot_p_tangent_x * sum_wanted)[:, None]
    hvp_x = hvp_x + (t2 * dot_tangent_t_weight)[:, None]
    hvp_x *= p
    hvp_x = torch.addcmul(hvp_x, tangent_t, t2 * weight, value=-1)
    hvp_x = hvp_x * grad_output[:, None]
    # (57) hvp_t[n,d] = t2 * grad_output[n] * weight[d] * (sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d])
    hvp_t = dot_p_tangent_x[:, None] - tangent_x
    hvp_t = hvp_t * (t2 * grad_output)[:, None]
    hvp_t = hvp_t * weight
    return hvp_x, hvp_t, None


def reference(x: Tensor, t: Tensor, weight: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(x, t, weight, reduction="none", label_smoothing=label_smoothing)
    return result
