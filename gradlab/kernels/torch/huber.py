"""huber: Half the squared error up to delta, from there on the straight line that continues it.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6a1af168fac02199. Saved for the backward: clipped.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive huber --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, delta: float = 1.0) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: clipped."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -delta, delta)
    clipped = torch.clamp(residual, delta * -1, delta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 = t1 - clipped
    t1 = t1 * 0.5
    t1 = t1 * clipped
    # (5) loss = sum[n](t1[n]) / N
    sum_t1 = t1.sum()
    loss = sum_t1 * inverse_n
    return loss, (clipped,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (clipped,) = saved
    n = math.prod(clipped.shape)
    inverse_n = 1 / n if n else math.nan
    # (14) grad_x[n] = grad_output * clipped[n] / N
    grad_x = clipped * (grad_output * inverse_n)
    # (16) grad_t[n] = -grad_output * clipped[n] / N
    grad_t = clipped * (grad_output * -inverse_n)
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (clipped,) = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (26) tangent_loss = (sum[n](clipped[n] * tangent_x[n]) - sum[n](clipped[n] * tangent_t[n])) / N
    dot_clipped_tangent_t = (clipped * tangent_t).sum()
    dot_clipped_tangent_x = (clipped * tangent_x).sum()
    tangent_loss = dot_clipped_tangent_t * -inverse_n
    tangent_loss = tangent_loss + (dot_clipped_tangent_x * inverse_n)
    return tangent_loss


def reference(x: Tensor, t: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.huber_loss(x, t, delta=delta)
    return result
