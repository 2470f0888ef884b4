"""min: The smallest entry along one or several axes; at a tie the first one gets the whole gradient.

Generated from derivations/max.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 57c5e5d6a4a001ae. Saved for the backward: at.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive min --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last


def forward(
    x: Tensor, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`.

    What `backward` needs: at, d, axis, shape, keepdims.
    """
    shape = x.shape
    x = to_last(x, axis)
    d = x.shape[-1]
    # (1) at[n] = argmax[d](-x[n,d])
    at = x.argmin(dim=-1)
    # (2) y[n] = x[n,at[n]]
    y = x.gather(-1, at.unsqueeze(-1)).squeeze(-1)
    return keep_axes(y, axis, shape, keepdims), (at, d, axis, shape, keepdims)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    at, d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (4) grad_x[n,d] = delta[at[n],d] * grad_output[n]
    grad_x = grad_output.new_zeros((*grad_output.shape, d))
    grad_x = grad_x.scatter_add(-1, at.unsqueeze(-1), grad_output.unsqueeze(-1))
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    at, _d, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (6) tangent_y[n] = tangent_x[n,at[n]]
    tangent_y = tangent_x.gather(-1, at.unsqueeze(-1)).squeeze(-1)
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _at, _d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (8) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (from_last(hvp_x, axis, shape),)


def reference(x: Tensor, *, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.min(to_last(x, axis), dim=-1).values
    return result
