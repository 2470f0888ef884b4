"""power: x to a real power, for positive x.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 26882fe0f1d5e860. Saved for the backward: x.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive power --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, *, exponent: float = 2.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x, exponent."""
    # (1) y[n] = x[n]**exponent
    y = torch.pow(x, exponent)
    return y, (x, exponent)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, exponent = saved
    # (3) grad_x[n] = exponent * grad_output[n] * x[n]**exponent / x[n]
    power_x = torch.pow(x, exponent)
    grad_x = grad_output / x
    grad_x *= power_x
    grad_x *= exponent
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, exponent = saved
    # (5) tangent_y[n] = exponent * x[n]**exponent * tangent_x[n] / x[n]
    tangent_y = torch.pow(x, exponent)
    tangent_y /= x
    tangent_y = tangent_y * tangent_x
    tangent_y *= exponent
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, exponent = saved
    # (9) hvp_x[n] = exponent * grad_output[n] * x[n]**exponent * tangent_x[n] * (exponent - 1) / x[n]**2
    power_x = torch.pow(x, exponent)
    hvp_x = -exponent * grad_output * power_x * tangent_x / x / x
    hvp_x = hvp_x + (exponent * exponent * grad_output * power_x * tangent_x / x / x)
    return (hvp_x,)


def reference(x: Tensor, *, exponent: float = 2.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.pow(x, exponent)
    return result
