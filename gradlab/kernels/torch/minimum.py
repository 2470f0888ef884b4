"""minimum: The smaller of a and b, element by element; where they are equal each gets half of the gradient.

Generated from derivations/arithmetic.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 0f571685384d1210. Saved for the backward: first, second.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive minimum --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.broadcasting import sum_to_shape


def forward(a: Tensor, b: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...) with broadcasting.

    What `backward` needs: first, second, a_shape, b_shape.
    """
    a_shape = a.shape
    b_shape = b.shape
    # (1) t1[n] = b[n] - a[n]
    t1 = b - a
    # (2) side[n] = sign(t1[n])
    side = torch.sign(t1)
    # (3) first[n] = side[n] / 2 + 1 / 2
    first = side + 1
    first *= 0.5
    # (4) second[n] = 1 / 2 - side[n] / 2
    second = 1 - side
    second *= 0.5
    # (5) y[n] = a[n] * first[n] + b[n] * second[n]
    y = a * first
    y = torch.addcmul(y, b, second)
    return y, (first, second, a_shape, b_shape)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    first, second, a_shape, b_shape = saved
    grad_a: Tensor | None = None
    grad_b: Tensor | None = None
    if needs[0]:
        # (14) grad_a[n] = first[n] * grad_output[n]
        grad_a = grad_output * first
    if needs[1]:
        # (16) grad_b[n] = grad_output[n] * second[n]
        grad_b = grad_output * second
    if needs[0]:
        grad_a = sum_to_shape(grad_a, a_shape)
    if needs[1]:
        grad_b = sum_to_shape(grad_b, b_shape)
    return grad_a, grad_b


def jvp(saved: tuple[Any, ...], tangent_a: Tensor, tangent_b: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    first, second, _a_shape, _b_shape = saved
    # (23) tangent_y[n] = first[n] * tangent_a[n] + second[n] * tangent_b[n]
    tangent_y = first * tangent_a
    tangent_y = torch.addcmul(tangent_y, second, tangent_b)
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_a: Tensor, tangent_b: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _first, _second, a_shape, b_shape = saved
    # (26) hvp_a[n] = 0
    hvp_a = torch.zeros_like(tangent_a)
    # (27) hvp_b[n] = 0
    hvp_b = torch.zeros_like(tangent_b)
    return sum_to_shape(hvp_a, a_shape), sum_to_shape(hvp_b, b_shape)


def reference(a: Tensor, b: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.minimum(a, b)
    return result
