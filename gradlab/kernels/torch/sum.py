"""sum: The sum along one or several axes.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: eb85a5c4405335da. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive sum --to text` prints.
"""

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
    # (1) y[n] = sum[d](x[n,d])
    y = x.sum(dim=-1)
    return keep_axes(y, axis, shape, keepdims), (d, axis, shape, keepdims)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (3) grad_x[n,d] = grad_output[n]
    grad_x = (grad_output[..., None]).expand((*grad_output.shape, d)).clone()
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _d, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (5) tangent_y[n] = sum[d](tangent_x[n,d])
    tangent_y = tangent_x.sum(dim=-1)
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
    result: Tensor = torch.sum(x, dim=axis)
    return result
