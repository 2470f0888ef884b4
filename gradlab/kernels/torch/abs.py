"""abs: The absolute value; its slope at 0 is 0.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 7909a2e7edb4c393. Saved for the backward: x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive abs --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) y[n] = |x[n]|
    y = torch.abs(x)
    return y, (x,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (3) grad_x[n] = grad_output[n] * sign(x[n])
    grad_x = torch.sign(x)
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (5) tangent_y[n] = sign(x[n]) * tangent_x[n]
    tangent_y = torch.sign(x)
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_x,) = saved
    # (7) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.abs(x)
    return result
