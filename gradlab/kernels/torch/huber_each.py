"""huber_each: Entry by entry the Huber loss.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 5530632f506395f6. Saved for the backward: residual.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive huber_each --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor, *, delta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual, delta."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -delta, delta)
    clipped = torch.clamp(residual, -delta, delta)
    # (4) y[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    y = residual * 2
    y -= clipped
    y *= 0.5
    y *= clipped
    return y, (residual, delta)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, delta = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    # (13) grad_x[n] = clamp(residual[n], -delta, delta) * grad_output[n]
    clamp_residual = torch.clamp(residual, -delta, delta)
    if needs[0]:
        grad_x = grad_output * clamp_residual
    if needs[1]:
        # (15) grad_t[n] = -clamp(residual[n], -delta, delta) * grad_output[n]
        grad_t = grad_output * clamp_residual
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, delta = saved
    # (24) tangent_y[n] = clamp(residual[n], -delta, delta) * (tangent_x[n] - tangent_t[n])
    clamp_residual = torch.clamp(residual, -delta, delta)
    tangent_y = tangent_x - tangent_t
    tangent_y = tangent_y * clamp_residual
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, delta = saved
    # (17) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (28) hvp_x[n] = [-delta <= residual[n] <= delta] * grad_output[n] * tangent_residual[n]
    mask_residual = (residual >= -delta) & (residual <= delta)
    hvp_x = grad_output * tangent_residual
    hvp_x = hvp_x * mask_residual.view(torch.uint8)
    # (30) hvp_t[n] = -[-delta <= residual[n] <= delta] * grad_output[n] * tangent_residual[n]
    hvp_t = grad_output * tangent_residual
    hvp_t = hvp_t * mask_residual.view(torch.uint8)
    hvp_t *= -1
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor, *, delta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.huber_loss(x, t, reduction="none", delta=delta)
    return result
