"""l1: The mean absolute error; where x equals t its slope is 0.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 8768f951a3944bdc. Saved for the backward: residual.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive l1 --to text` prints.
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
    # (2) t1[n] = |residual[n]|
    t1 = torch.abs(residual)
    # (3) loss = sum[n](t1[n]) / N
    sum_t1 = t1.sum()
    loss = sum_t1 * inverse_n
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
    # (9) grad_x[n] = grad_output * sign(residual[n]) / N
    sign_residual = torch.sign(residual)
    if needs[0]:
        grad_x = sign_residual * (grad_output * inverse_n)
    if needs[1]:
        # (11) grad_t[n] = -grad_output * sign(residual[n]) / N
        grad_t = sign_residual * (grad_output * -inverse_n)
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (18) tangent_loss = (sum[n](sign(residual[n]) * tangent_x[n]) - sum[n](sign(residual[n]) * tangent_t[n])) / N
    sign_residual = torch.sign(residual)
    dot_sign_residual_tangent_t = (sign_residual * tangent_t).sum()
    sign_residual_2 = torch.sign(residual)
    dot_sign_residual_2_tangent_x = (sign_residual_2 * tangent_x).sum()
    tangent_loss = dot_sign_residual_tangent_t * -inverse_n
    tangent_loss = tangent_loss + (dot_sign_residual_2_tangent_x * inverse_n)
    return tangent_loss


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    # (21) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    # (22) hvp_t[n] = 0
    hvp_t = torch.zeros_like(tangent_t)
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.l1_loss(x, t)
    return result
