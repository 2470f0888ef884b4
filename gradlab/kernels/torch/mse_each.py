"""mse_each: Entry by entry the squared error.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 57b30e47afd64859. Saved for the backward: residual.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mse_each --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) y[n] = residual[n]**2
    y = residual * residual
    return y, (residual,)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    (residual,) = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (6) grad_x[n] = 2 * grad_output[n] * residual[n]
        grad_x = grad_output * residual
        grad_x *= 2
    if needs[1]:
        # (8) grad_t[n] = -2 * grad_output[n] * residual[n]
        grad_t = grad_output * residual
        grad_t *= -2
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    # (13) tangent_y[n] = 2 * residual[n] * (tangent_x[n] - tangent_t[n])
    tangent_y = tangent_x - tangent_t
    tangent_y *= 2
    tangent_y = tangent_y * residual
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    # (10) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (17) hvp_x[n] = 2 * grad_output[n] * tangent_residual[n]
    hvp_x = grad_output * tangent_residual
    hvp_x *= 2
    # (19) hvp_t[n] = -2 * grad_output[n] * tangent_residual[n]
    hvp_t = grad_output * tangent_residual
    hvp_t *= -2
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.mse_loss(x, t, reduction="none")
    return result
