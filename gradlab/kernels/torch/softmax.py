"""softmax: Softmax along an axis: positive entries that sum to 1.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: f7fbfa10a50dff46. Saved for the backward: y.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import from_last, to_last


def forward(x: Tensor, *, axis: int = -1) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: y, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=-1)
    # (3) y[n,d] = e[n,d] / s[n]
    y = e.mul_((1 / s)[..., None])
    return from_last(y, axis), (y, axis)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    y, axis = saved
    grad_output = to_last(grad_output, axis)
    # (15) grad_x[n,d] = y[n,d] * (grad_output[n,d] - sum[k](grad_output[n,k] * y[n,k]))
    dot_g_y = (grad_output * y).sum(dim=-1)
    grad_x = grad_output - dot_g_y[..., None]
    grad_x *= y
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    y, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y *= y
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    y, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y *= y
    # (29) hvp_x[n,d] = grad_output[n,d] * tangent_y[n,d] - y[n,d] * sum[k](grad_output[n,k] * tangent_y[n,k]) -
    #     tangent_y[n,d] * sum[k](grad_output[n,k] * y[n,k])
    dot_g_tangent_y = (grad_output * tangent_y).sum(dim=-1)
    dot_g_y = (grad_output * y).sum(dim=-1)
    hvp_x = grad_output - dot_g_y[..., None]
    hvp_x = hvp_x * tangent_y
    hvp_x = torch.addcmul(hvp_x, y, dot_g_tangent_y[..., None], value=-1)
    return (from_last(hvp_x, axis),)


def reference(x: Tensor, *, axis: int = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.softmax(x, dim=axis)
    return result
