"""cumsum: Running sums along an axis.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 459738857da8e3f3. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive cumsum --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import from_last, to_last


def forward(x: Tensor, *, axis: int = -1) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: axis."""
    x = to_last(x, axis)
    # (1) y[n,d] = sum[k]([k <= d] * x[n,k])
    y = x.cumsum(-1)
    return from_last(y, axis), (axis,)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (axis,) = saved
    grad_output = to_last(grad_output, axis)
    # (3) grad_x[n,d] = sum[k]([d <= k] * grad_output[n,k])
    grad_x = grad_output.flip(-1).cumsum(-1).flip(-1)
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (axis,) = saved
    tangent_x = to_last(tangent_x, axis)
    # (5) tangent_y[n,d] = sum[k]([k <= d] * tangent_x[n,k])
    tangent_y = tangent_x.cumsum(-1)
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (axis,) = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (7) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (from_last(hvp_x, axis),)


def reference(x: Tensor, *, axis: int = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.cumsum(x, dim=axis)
    return result
