"""cross_entropy: Mean cross-entropy of probabilities p against targets t (one-hot or soft).

Generated from derivations/cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 7586395354a3dd30. Saved for the backward: p, t.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive cross_entropy --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(p: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: p, t."""
    n = p.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (1) log_p[n,d] = log(p[n,d])
    log_p = torch.log(p)
    # (2) loss = -sum[n,d](log_p[n,d] * t[n,d]) / N
    dot_log_p_t = (log_p * t).sum()
    loss = dot_log_p_t * -inverse_n
    return loss, (p, t)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, t = saved
    n = p.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (6) grad_p[n,d] = -grad_output * t[n,d] / (N * p[n,d])
    grad_p = t / p
    grad_p = grad_p * (grad_output * -inverse_n)
    return grad_p, None


def jvp(saved: tuple[Tensor, ...], tangent_p: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, t = saved
    n = tangent_p.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (10) tangent_loss = -sum[n,d](t[n,d] * tangent_p[n,d] / p[n,d]) / N
    part = t / p
    dot_part_tangent_p = (part * tangent_p).sum()
    tangent_loss = dot_part_tangent_p * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_p: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, t = saved
    n = tangent_p.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (13) hvp_p[n,d] = grad_output * t[n,d] * tangent_p[n,d] / (N * p[n,d]**2)
    hvp_p = t / p
    hvp_p /= p
    hvp_p = hvp_p * tangent_p
    hvp_p = hvp_p * (grad_output * inverse_n)
    return hvp_p, None


def reference(p: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = -(t * torch.log(p)).sum(dim=-1).mean()
    return result
