"""sigmoid: The logistic function 1 / (1 + exp(-x)).

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6efb39b014c7b2a9. Saved for the backward: y.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive sigmoid --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: y."""
    # (1) y[n] = sigmoid(x[n])
    y = torch.sigmoid(x)
    return y, (y,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (y,) = saved
    # (5) grad_x[n] = grad_output[n] * y[n] * (1 - y[n])
    grad_x = 1 - y
    grad_x = grad_x * grad_output
    grad_x *= y
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (y,) = saved
    # (9) tangent_y[n] = tangent_x[n] * y[n] * (1 - y[n])
    tangent_y = 1 - y
    tangent_y = tangent_y * tangent_x
    tangent_y *= y
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (y,) = saved
    # (9) tangent_y[n] = tangent_x[n] * y[n] * (1 - y[n])
    tangent_y = 1 - y
    tangent_y = tangent_y * tangent_x
    tangent_y *= y
    # (13) hvp_x[n] = grad_output[n] * tangent_y[n] * (1 - 2 * y[n])
    hvp_x = y * 2
    hvp_x = 1 - hvp_x
    hvp_x = hvp_x * grad_output
    hvp_x = hvp_x * tangent_y
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.sigmoid(x)
    return result
