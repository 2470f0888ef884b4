"""kl_div: KL divergence of log-probabilities x from targets t, summed over d, mean over n (batchmean); 0 log 0 = 0.

Generated from derivations/kl_div.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: b657d62ce1351873. Saved for the backward: t.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive kl_div --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: t."""
    n = x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (1) t1[n,d] = sign(t[n,d])
    t1 = torch.sign(t)
    # (2) absent[n,d] = 1 - t1[n,d]
    absent = 1 - t1
    # (3) t2[n,d] = absent[n,d] + t[n,d]
    t2 = absent.add_(t)
    # (4) log_t[n,d] = log(t2[n,d])
    log_t = torch.log(t2)
    # (5) gap[n,d] = log_t[n,d] - x[n,d]
    gap = log_t - x
    # (6) loss = sum[n,d](gap[n,d] * t[n,d]) / N
    dot_gap_t = (gap * t).sum()
    loss = dot_gap_t * inverse_n
    return loss, (t,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (t,) = saved
    n = t.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (10) grad_x[n,d] = -grad_output * t[n,d] / N
    grad_x = t * (grad_output * -inverse_n)
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (t,) = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (14) tangent_loss = -sum[n,d](t[n,d] * tangent_x[n,d]) / N
    dot_t_tangent_x = (t * tangent_x).sum()
    tangent_loss = dot_t_tangent_x * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_t,) = saved
    # (16) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.kl_div(x, t, reduction="batchmean")
    return result
