"""log: The natural logarithm.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: e0aeaeffa00e7139. Saved for the backward: x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive log --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) y[n] = log(x[n])
    y = torch.log(x)
    return y, (x,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (3) grad_x[n] = grad_output[n] / x[n]
    grad_x = grad_output / x
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (5) tangent_y[n] = tangent_x[n] / x[n]
    tangent_y = tangent_x / x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (8) hvp_x[n] = -grad_output[n] * tangent_x[n] / x[n]**2
    hvp_x = grad_output / x
    hvp_x /= x
    hvp_x = hvp_x * tangent_x
    hvp_x *= -1
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.log(x)
    return result
