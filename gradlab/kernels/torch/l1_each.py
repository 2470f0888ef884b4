"""l1_each: Entry by entry the absolute error.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 9986a1a8e4f5108c. Saved for the backward: residual.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive l1_each --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) y[n] = |residual[n]|
    y = torch.abs(residual)
    return y, (residual,)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    (residual,) = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    # (6) grad_x[n] = grad_output[n] * sign(residual[n])
    sign_residual = torch.sign(residual)
    if needs[0]:
        grad_x = grad_output * sign_residual
    if needs[1]:
        # (8) grad_t[n] = -grad_output[n] * sign(residual[n])
        grad_t = grad_output * sign_residual
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    # (13) tangent_y[n] = sign(residual[n]) * (tangent_x[n] - tangent_t[n])
    sign_residual = torch.sign(residual)
    tangent_y = tangent_x - tangent_t
    tangent_y = tangent_y * sign_residual
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    # (16) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    # (17) hvp_t[n] = 0
    hvp_t = torch.zeros_like(tangent_t)
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.l1_loss(x, t, reduction="none")
    return result
