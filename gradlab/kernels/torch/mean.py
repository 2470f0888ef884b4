"""mean: The mean along one or several axes; that of nothing is NaN.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 3ed6a9d59db43c79. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mean --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last


def forward(
    x: Tensor, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: d, axis, shape, keepdims."""
    shape = x.shape
    x = to_last(x, axis)
    d = x.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (1) y[n] = sum[d](x[n,d]) / D
    sum_x = x.sum(dim=-1)
    y = sum_x * inverse_d
    return keep_axes(y, axis, shape, keepdims), (d, axis, shape, keepdims)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    inverse_d = 1 / d if d else math.nan
    # (3) grad_x[n,d] = grad_output[n] / D
    grad_x = (grad_output[..., None] * inverse_d).expand((*grad_output.shape, d)).clone()
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    d, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    inverse_d = 1 / d if d else math.nan
    # (5) tangent_y[n] = sum[d](tangent_x[n,d]) / D
    sum_tangent_x = tangent_x.sum(dim=-1)
    tangent_y = sum_tangent_x * inverse_d
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (7) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (from_last(hvp_x, axis, shape),)


def reference(x: Tensor, *, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.mean(x, dim=axis)
    return result
