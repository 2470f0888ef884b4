"""div: The quotient a / b, element by element, with broadcasting.

Generated from derivations/arithmetic.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 4c0e4b422de87976. Saved for the backward: b, y.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive div --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.broadcasting import sum_to_shape


def forward(a: Tensor, b: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...) with broadcasting, and what `backward` needs: b, y, a_shape, b_shape."""
    a_shape = a.shape
    b_shape = b.shape
    # (1) y[n] = a[n] / b[n]
    y = a / b
    return y, (b, y, a_shape, b_shape)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    b, y, a_shape, b_shape = saved
    grad_a: Tensor | None = None
    grad_b: Tensor | None = None
    if needs[0]:
        # (3) grad_a[n] = grad_output[n] / b[n]
        grad_a = grad_output / b
    if needs[1]:
        # (6) grad_b[n] = -grad_output[n] * y[n] / b[n]
        grad_b = grad_output / b
        grad_b = grad_b * y
        grad_b *= -1
    if needs[0]:
        grad_a = sum_to_shape(grad_a, a_shape)
    if needs[1]:
        grad_b = sum_to_shape(grad_b, b_shape)
    return grad_a, grad_b


def jvp(saved: tuple[Any, ...], tangent_a: Tensor, tangent_b: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    b, y, _a_shape, _b_shape = saved
    # (10) tangent_y[n] = (tangent_a[n] - tangent_b[n] * y[n]) / b[n]
    tangent_y = torch.addcmul(tangent_a, tangent_b, y, value=-1)
    tangent_y = tangent_y / b
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_a: Tensor, tangent_b: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    b, y, a_shape, b_shape = saved
    # (14) hvp_a[n] = -grad_output[n] * tangent_b[n] / b[n]**2
    hvp_a = grad_output / b
    hvp_a /= b
    hvp_a = hvp_a * tangent_b
    hvp_a *= -1
    # (17) hvp_b[n] = grad_output[n] * (2 * tangent_b[n] * y[n] - tangent_a[n]) / b[n]**2
    hvp_b = tangent_b * y
    hvp_b *= 2
    hvp_b = hvp_b - tangent_a
    hvp_b = hvp_b * grad_output
    hvp_b /= b
    hvp_b /= b
    return sum_to_shape(hvp_a, a_shape), sum_to_shape(hvp_b, b_shape)


def reference(a: Tensor, b: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.div(a, b)
    return result
