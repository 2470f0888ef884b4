"""mse: The mean squared error.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: ebe666e45a10797b. Saved for the backward: residual.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mse --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: residual."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) loss = sum[n](residual[n]**2) / N
    dot_residual = (residual * residual).sum()
    loss = dot_residual * inverse_n
    return loss, (residual,)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    (residual,) = saved
    n = math.prod(residual.shape)
    inverse_n = 1 / n if n else math.nan
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (6) grad_x[n] = 2 * grad_output * residual[n] / N
        grad_x = residual * (grad_output * (2 * inverse_n))
    if needs[1]:
        # (8) grad_t[n] = -2 * grad_output * residual[n] / N
        grad_t = residual * (grad_output * (-2 * inverse_n))
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (13) tangent_loss = 2 / N * (sum[n](residual[n] * tangent_x[n]) - sum[n](residual[n] * tangent_t[n]))
    dot_residual_tangent_t = (residual * tangent_t).sum()
    dot_residual_tangent_x = (residual * tangent_x).sum()
    tangent_loss = dot_residual_tangent_t * (-2 * inverse_n)
    tangent_loss = tangent_loss + (dot_residual_tangent_x * (2 * inverse_n))
    return tangent_loss


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (10) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (17) hvp_x[n] = 2 * grad_output * tangent_residual[n] / N
    hvp_x = tangent_residual * (grad_output * (2 * inverse_n))
    # (19) hvp_t[n] = -2 * grad_output * tangent_residual[n] / N
    hvp_t = tangent_residual * (grad_output * (-2 * inverse_n))
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.mse_loss(x, t)
    return result
