"""add: The sum a + b, element by element, with broadcasting.

Generated from derivations/arithmetic.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: a9b44a81528fdfc2. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive add --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(a: Tensor, b: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...) with broadcasting, and what `backward` needs: a_shape, b_shape."""
    a_shape = a.shape
    b_shape = b.shape
    # (1) y[n] = a[n] + b[n]
    y = a + b
    return y, (a_shape, b_shape)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor, Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    a_shape, b_shape = saved
    # (3) grad_a[n] = grad_output[n]
    grad_a = grad_output.clone()
    # (5) grad_b[n] = grad_output[n]
    grad_b = grad_output.clone()
    return grad_a.sum_to_size(a_shape), grad_b.sum_to_size(b_shape)


def jvp(saved: tuple[Any, ...], tangent_a: Tensor, tangent_b: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _a_shape, _b_shape = saved
    # (7) tangent_y[n] = tangent_a[n] + tangent_b[n]
    tangent_y = tangent_a + tangent_b
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_a: Tensor, tangent_b: Tensor) -> tuple[Tensor, Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    a_shape, b_shape = saved
    # (10) hvp_a[n] = 0
    hvp_a = torch.zeros_like(tangent_a)
    # (11) hvp_b[n] = 0
    hvp_b = torch.zeros_like(tangent_b)
    return hvp_a.sum_to_size(a_shape), hvp_b.sum_to_size(b_shape)


def reference(a: Tensor, b: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.add(a, b)
    return result
