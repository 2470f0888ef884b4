"""smooth_l1_each: Entry by entry the smooth L1 loss.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 2bddd931eba2897d. Saved for the backward: residual.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive smooth_l1_each --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, beta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual, beta."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -beta, beta)
    clipped = torch.clamp(residual, -beta, beta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 -= clipped
    t1 *= 0.5
    t1 *= clipped
    # (5) y[n] = t1[n] / beta
    reciprocal_beta = 1 / beta if beta else math.nan
    y = t1.mul_(reciprocal_beta)
    return y, (residual, beta)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, beta = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    # (16) grad_x[n] = clamp(residual[n], -beta, beta) * grad_output[n] / beta
    reciprocal_beta = 1 / beta if beta else math.nan
    clamp_residual = torch.clamp(residual, -beta, beta)
    if needs[0]:
        grad_x = grad_output * clamp_residual
        grad_x *= reciprocal_beta
    if needs[1]:
        # (18) grad_t[n] = -clamp(residual[n], -beta, beta) * grad_output[n] / beta
        grad_t = grad_output * clamp_residual
        grad_t *= -reciprocal_beta
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, beta = saved
    # (29) tangent_y[n] = clamp(residual[n], -beta, beta) * (tangent_x[n] - tangent_t[n]) / beta
    reciprocal_beta = 1 / beta if beta else math.nan
    clamp_residual = torch.clamp(residual, -beta, beta)
    tangent_y = tangent_x - tangent_t
    tangent_y *= reciprocal_beta
    tangent_y = tangent_y * clamp_residual
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, beta = saved
    # (20) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (33) hvp_x[n] = [-beta <= residual[n] <= beta] * grad_output[n] * tangent_residual[n] / beta
    reciprocal_beta = 1 / beta if beta else math.nan
    mask_residual = (residual >= -beta) & (residual <= beta)
    hvp_x = grad_output * tangent_residual
    hvp_x = hvp_x * mask_residual.view(torch.uint8)
    hvp_x *= reciprocal_beta
    # (35) hvp_t[n] = -[-beta <= residual[n] <= beta] * grad_output[n] * tangent_residual[n] / beta
    hvp_t = grad_output * tangent_residual
    hvp_t = hvp_t * mask_residual.view(torch.uint8)
    hvp_t *= -reciprocal_beta
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.smooth_l1_loss(x, t, reduction="none", beta=beta)
    return result
