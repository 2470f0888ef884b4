"""sqrt: The square root.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 50f5a2f850a9604d. Saved for the backward: y.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive sqrt --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: y."""
    # (1) y[n] = sqrt(x[n])
    y = torch.sqrt(x)
    return y, (y,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (y,) = saved
    # (4) grad_x[n] = grad_output[n] / (2 * y[n])
    grad_x = grad_output / y
    grad_x *= 0.5
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (y,) = saved
    # (7) tangent_y[n] = tangent_x[n] / (2 * y[n])
    tangent_y = tangent_x / y
    tangent_y *= 0.5
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (y,) = saved
    # (10) hvp_x[n] = -grad_output[n] * tangent_x[n] / (4 * y[n]**3)
    hvp_x = grad_output / y
    hvp_x /= y
    hvp_x /= y
    hvp_x = hvp_x * tangent_x
    hvp_x *= -0.25
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.sqrt(x)
    return result
