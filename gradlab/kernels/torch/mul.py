"""mul: The product a * b, element by element, with broadcasting.

Generated from derivations/arithmetic.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: f84dab76ac53fa55. Saved for the backward: a, b.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mul --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.broadcasting import sum_to_shape


def forward(a: Tensor, b: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...) with broadcasting, and what `backward` needs: a, b, a_shape, b_shape."""
    a_shape = a.shape
    b_shape = b.shape
    # (1) y[n] = a[n] * b[n]
    y = a * b
    return y, (a, b, a_shape, b_shape)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    a, b, a_shape, b_shape = saved
    grad_a: Tensor | None = None
    grad_b: Tensor | None = None
    if needs[0]:
        # (3) grad_a[n] = b[n] * grad_output[n]
        grad_a = grad_output * b
    if needs[1]:
        # (5) grad_b[n] = a[n] * grad_output[n]
        grad_b = grad_output * a
    if needs[0]:
        grad_a = sum_to_shape(grad_a, a_shape)
    if needs[1]:
        grad_b = sum_to_shape(grad_b, b_shape)
    return grad_a, grad_b


def jvp(saved: tuple[Any, ...], tangent_a: Tensor, tangent_b: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    a, b, _a_shape, _b_shape = saved
    # (7) tangent_y[n] = a[n] * tangent_b[n] + b[n] * tangent_a[n]
    tangent_y = a * tangent_b
    tangent_y = torch.addcmul(tangent_y, b, tangent_a)
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_a: Tensor, tangent_b: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _a, _b, a_shape, b_shape = saved
    # (11) hvp_a[n] = grad_output[n] * tangent_b[n]
    hvp_a = grad_output * tangent_b
    # (13) hvp_b[n] = grad_output[n] * tangent_a[n]
    hvp_b = grad_output * tangent_a
    return sum_to_shape(hvp_a, a_shape), sum_to_shape(hvp_b, b_shape)


def reference(a: Tensor, b: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.mul(a, b)
    return result
