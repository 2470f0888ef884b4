"""huber: Half the squared error up to delta, from there on the straight line that continues it.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 88df393abe14627a. Saved for the backward: residual.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive huber --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, delta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: residual, delta."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -delta, delta)
    clipped = torch.clamp(residual, -delta, delta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 -= clipped
    t1 *= 0.5
    t1 *= clipped
    # (5) loss = sum[n](t1[n]) / N
    sum_t1 = t1.sum()
    loss = sum_t1 * inverse_n
    return loss, (residual, delta)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, delta = saved
    n = math.prod(residual.shape)
    inverse_n = 1 / n if n else math.nan
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    # (16) grad_x[n] = grad_output * clamp(residual[n], -delta, delta) / N
    clamp_residual = torch.clamp(residual, -delta, delta)
    if needs[0]:
        grad_x = clamp_residual * (grad_output * inverse_n)
    if needs[1]:
        # (18) grad_t[n] = -grad_output * clamp(residual[n], -delta, delta) / N
        grad_t = clamp_residual * (grad_output * -inverse_n)
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, delta = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (29) tangent_loss = (sum[n](clamp(residual[n], -delta, delta) * tangent_x[n]) - sum[n](clamp(residual[n],
    #     -delta, delta) * tangent_t[n])) / N
    clamp_residual = torch.clamp(residual, -delta, delta)
    dot_clamp_residual_tangent_t = (clamp_residual * tangent_t).sum()
    clamp_residual_2 = torch.clamp(residual, -delta, delta)
    dot_clamp_residual_2_tangent_x = (clamp_residual_2 * tangent_x).sum()
    tangent_loss = dot_clamp_residual_tangent_t * -inverse_n
    tangent_loss = tangent_loss + (dot_clamp_residual_2_tangent_x * inverse_n)
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, delta = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (20) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (33) hvp_x[n] = grad_output * [-delta <= residual[n] <= delta] * tangent_residual[n] / N
    mask_residual = (residual >= -delta) & (residual <= delta)
    hvp_x = tangent_residual * mask_residual.view(torch.uint8)
    hvp_x = hvp_x * (grad_output * inverse_n)
    # (35) hvp_t[n] = -grad_output * [-delta <= residual[n] <= delta] * tangent_residual[n] / N
    hvp_t = tangent_residual * mask_residual.view(torch.uint8)
    hvp_t = hvp_t * (grad_output * -inverse_n)
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.huber_loss(x, t, delta=delta)
    return result
