"""smooth_l1: The Huber loss with delta = beta, divided by beta: its lines have the slope 1.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: f52d38233e663867. Saved for the backward: residual.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive smooth_l1 --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, beta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: residual, beta."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -beta, beta)
    clipped = torch.clamp(residual, -beta, beta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 -= clipped
    t1 *= 0.5
    t1 *= clipped
    # (5) loss = sum[n](t1[n]) / (N * beta)
    reciprocal_beta = 1 / beta if beta else math.nan
    sum_t1 = t1.sum()
    loss = reciprocal_beta * sum_t1 * inverse_n
    return loss, (residual, beta)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, beta = saved
    n = math.prod(residual.shape)
    inverse_n = 1 / n if n else math.nan
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    # (16) grad_x[n] = grad_output * clamp(residual[n], -beta, beta) / (N * beta)
    reciprocal_beta = 1 / beta if beta else math.nan
    clamp_residual = torch.clamp(residual, -beta, beta)
    if needs[0]:
        grad_x = clamp_residual * (grad_output * reciprocal_beta * inverse_n)
    if needs[1]:
        # (18) grad_t[n] = -grad_output * clamp(residual[n], -beta, beta) / (N * beta)
        grad_t = clamp_residual * (grad_output * reciprocal_beta * -inverse_n)
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, beta = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (29) tangent_loss = (sum[n](clamp(residual[n], -beta, beta) * tangent_x[n]) - sum[n](clamp(residual[n], -beta,
    #     beta) * tangent_t[n])) / (N * beta)
    reciprocal_beta = 1 / beta if beta else math.nan
    clamp_residual = torch.clamp(residual, -beta, beta)
    dot_clamp_residual_tangent_t = (clamp_residual * tangent_t).sum()
    clamp_residual_2 = torch.clamp(residual, -beta, beta)
    dot_clamp_residual_2_tangent_x = (clamp_residual_2 * tangent_x).sum()
    tangent_loss = reciprocal_beta * dot_clamp_residual_tangent_t * -inverse_n
    tangent_loss = tangent_loss + (reciprocal_beta * dot_clamp_residual_2_tangent_x * inverse_n)
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, beta = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (20) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (33) hvp_x[n] = grad_output * [-beta <= residual[n] <= beta] * tangent_residual[n] / (N * beta)
    reciprocal_beta = 1 / beta if beta else math.nan
    mask_residual = (residual >= -beta) & (residual <= beta)
    hvp_x = tangent_residual * mask_residual.view(torch.uint8)
    hvp_x = hvp_x * (grad_output * reciprocal_beta * inverse_n)
    # (35) hvp_t[n] = -grad_output * [-beta <= residual[n] <= beta] * tangent_residual[n] / (N * beta)
    hvp_t = tangent_residual * mask_residual.view(torch.uint8)
    hvp_t = hvp_t * (grad_output * reciprocal_beta * -inverse_n)
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.smooth_l1_loss(x, t, beta=beta)
    return result
