"""smooth_l1: The Huber loss with delta = beta, divided by beta: its lines have the slope 1.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6393bd6997448a8a. Saved for the backward: clipped.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive smooth_l1 --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, beta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: clipped, beta."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -beta, beta)
    clipped = torch.clamp(residual, beta * -1, beta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 = t1 - clipped
    t1 = t1 * 0.5
    t1 = t1 * clipped
    # (5) loss = sum[n](t1[n]) / (N * beta)
    sum_t1 = t1.sum()
    loss = sum_t1 * inverse_n / beta
    return loss, (clipped, beta)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    clipped, beta = saved
    n = math.prod(clipped.shape)
    inverse_n = 1 / n if n else math.nan
    # (14) grad_x[n] = grad_output * clipped[n] / (N * beta)
    grad_x = clipped * (grad_output * inverse_n / beta)
    # (16) grad_t[n] = -grad_output * clipped[n] / (N * beta)
    grad_t = clipped * (grad_output * -inverse_n / beta)
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    clipped, beta = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (26) tangent_loss = (sum[n](clipped[n] * tangent_x[n]) - sum[n](clipped[n] * tangent_t[n])) / (N * beta)
    dot_clipped_tangent_t = (clipped * tangent_t).sum()
    dot_clipped_tangent_x = (clipped * tangent_x).sum()
    tangent_loss = dot_clipped_tangent_t * -inverse_n / beta
    tangent_loss = tangent_loss + (dot_clipped_tangent_x * inverse_n / beta)
    return tangent_loss


def reference(x: Tensor, t: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.smooth_l1_loss(x, t, beta=beta)
    return result
