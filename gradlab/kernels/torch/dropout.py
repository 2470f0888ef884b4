"""dropout: x where the mask is 1, divided by the chance 1 - p to be kept, and 0 elsewhere.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: e24c03c81b31cb3e. Saved for the backward: mask, keep.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive dropout --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, mask: Tensor, *, p: float = 0.5) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: mask, keep."""
    # (1) keep = 1 - p
    keep = 1 - p
    # (2) y[n] = mask[n] * x[n] / keep
    reciprocal_keep = 1 / keep if keep else math.nan
    y = x * mask
    y *= reciprocal_keep
    return y, (mask, keep)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, keep = saved
    # (4) grad_x[n] = grad_output[n] * mask[n] / keep
    reciprocal_keep = 1 / keep if keep else math.nan
    grad_x = grad_output * mask
    grad_x *= reciprocal_keep
    return grad_x, None


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, keep = saved
    # (6) tangent_y[n] = mask[n] * tangent_x[n] / keep
    reciprocal_keep = 1 / keep if keep else math.nan
    tangent_y = tangent_x * mask
    tangent_y *= reciprocal_keep
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _mask, _keep = saved
    # (8) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None


def reference(x: Tensor, mask: Tensor, *, p: float = 0.5) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = x * mask / (1 - p)
    return result
