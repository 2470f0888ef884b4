"""prod: The product along one or several axes; the gradient divides by nothing, so that zeros are exact.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: e2e72af6375cda0c. Saved for the backward: x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive prod --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last


def forward(
    x: Tensor, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: x, axis, shape, keepdims."""
    shape = x.shape
    x = to_last(x, axis)
    # (1) y[n] = prod[d](x[n,d])
    y = x.prod(-1)
    return keep_axes(y, axis, shape, keepdims), (x, axis, shape, keepdims)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (3) grad_x[n,d] = grad_output[n] * prod[d' != d](x[n,d'])
    # what stands before each entry times what stands behind it: a zero needs no division
    one_x = torch.ones_like(x[..., :1])
    before_x = torch.cat((one_x, x[..., :-1]), -1).cumprod(-1)
    after_x = torch.cat((one_x, x[..., 1:].flip(-1)), -1).cumprod(-1).flip(-1)
    others_x = before_x * after_x
    grad_x = others_x * grad_output[..., None]
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (5) tangent_y[n] = sum[d](prod[d' != d](x[n,d']) * tangent_x[n,d])
    # what stands before each entry times what stands behind it: a zero needs no division
    one_x = torch.ones_like(x[..., :1])
    before_x = torch.cat((one_x, x[..., :-1]), -1).cumprod(-1)
    after_x = torch.cat((one_x, x[..., 1:].flip(-1)), -1).cumprod(-1).flip(-1)
    others_x = before_x * after_x
    tangent_y = (others_x * tangent_x).sum(dim=-1)
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (8) hvp_x[n,d] = grad_output[n] * sum[d'](tangent_x[n,d'] * prod[d'' != d, d'](x[n,d'']))
    # products of what stands before and behind each entry, and their slopes along the tangent
    one, zero = torch.ones_like(x.sum(-1)), torch.zeros_like(x.sum(-1))
    before, before_slope, after, after_slope = [one], [zero], [one], [zero]
    for k in range(x.shape[-1] - 1):
        before_slope.append(before_slope[-1] * x[..., k] + before[-1] * tangent_x[..., k])
        before.append(before[-1] * x[..., k])
    for k in range(x.shape[-1] - 1, 0, -1):
        after_slope.append(after_slope[-1] * x[..., k] + after[-1] * tangent_x[..., k])
        after.append(after[-1] * x[..., k])
    moved_x = torch.stack(before_slope, -1) * torch.stack(after[::-1], -1)
    moved_x = moved_x + torch.stack(before, -1) * torch.stack(after_slope[::-1], -1)
    moved_x = moved_x.narrow(-1, 0, x.shape[-1])
    hvp_x = moved_x * grad_output[..., None]
    return (from_last(hvp_x, axis, shape),)


def reference(x: Tensor, *, axis: int | tuple[int, ...] | None = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.prod(to_last(x, axis), dim=-1)
    return result
