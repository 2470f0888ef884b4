"""tanh: The hyperbolic tangent.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 794b70e1136d9c42. Saved for the backward: y.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive tanh --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: y."""
    # (1) y[n] = tanh(x[n])
    y = torch.tanh(x)
    return y, (y,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (y,) = saved
    # (5) grad_x[n] = grad_output[n] * (1 - y[n]**2)
    grad_x = y * y
    grad_x = 1 - grad_x
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (y,) = saved
    # (9) tangent_y[n] = tangent_x[n] * (1 - y[n]**2)
    tangent_y = y * y
    tangent_y = 1 - tangent_y
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (y,) = saved
    # (13) hvp_x[n] = 2 * grad_output[n] * tangent_x[n] * y[n] * (y[n]**2 - 1)
    hvp_x = y * y
    hvp_x -= 1
    hvp_x *= 2
    hvp_x = hvp_x * grad_output
    hvp_x *= y
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.tanh(x)
    return result
