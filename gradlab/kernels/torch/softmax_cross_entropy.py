"""softmax_cross_entropy: Mean cross-entropy of softmax(x) against targets t (one-hot or soft).

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 953ef6f7e8fac135. Saved for the backward: t, p.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: t, p."""
    n = x.shape[0]
    inverse_n = 1 / n if n else math.nan
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
    # (6) loss = -sum[n,d](log_p[n,d] * t[n,d]) / N
    dot_log_p_t = (log_p * t).sum()
    loss = dot_log_p_t * -inverse_n
    return loss, (t, p)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t, p = saved
    n = t.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (24) grad_x[n,d] = grad_output * (p[n,d] - t[n,d]) / N
    grad_x = p - t
    grad_x = grad_x * (grad_output * inverse_n)
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (41) tangent_loss = (sum[n,d](p[n,d] * tangent_x[n,d]) - sum[n,d](t[n,d] * tangent_x[n,d])) / N
    dot_p_tangent_x = (p * tangent_x).sum()
    dot_t_tangent_x = (t * tangent_x).sum()
    tangent_loss = dot_p_tangent_x * inverse_n
    tangent_loss = tangent_loss - (dot_t_tangent_x * inverse_n)
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _t, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (45) hvp_x[n,d] = grad_output * p[n,d] / N * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x = hvp_x * (grad_output * inverse_n)
    hvp_x *= p
    return hvp_x, None


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(x, t)
    return result
