"""prod: The product along one or several axes; the gradient divides by nothing, so that zeros are exact.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: e2e72af6375cda0c. Saved for the backward: x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive prod --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="prod",
    summary="The product along one or several axes; the gradient divides by nothing, so that zeros are exact.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("x",),
    reference="torch.prod(to_last(x, axis), dim=-1)",
    digest="e2e72af6375cda0c",
    along=Along("d", several=True),
    output="y",
    curved=("x",),
)


def forward(
    x: Array, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: x, axis, shape, keepdims."""
    shape = x.shape
    x = to_last(x, axis)
    # (1) y[n] = prod[d](x[n,d])
    y = x.prod(axis=-1)
    return keep_axes(y, axis, shape, keepdims), (x, axis, shape, keepdims)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (3) grad_x[n,d] = grad_output[n] * prod[d' != d](x[n,d'])
    # what stands before each entry times what stands behind it: a zero needs no division
    before, after = np.ones_like(x), np.ones_like(x)
    before[..., 1:] = np.cumprod(x[..., :-1], axis=-1)
    after[..., :-1] = np.cumprod(x[..., :0:-1], axis=-1)[..., ::-1]
    others_x = np.multiply(before, after, out=before)
    grad_x = others_x * grad_output[..., None]
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (5) tangent_y[n] = sum[d](prod[d' != d](x[n,d']) * tangent_x[n,d])
    # what stands before each entry times what stands behind it: a zero needs no division
    before, after = np.ones_like(x), np.ones_like(x)
    before[..., 1:] = np.cumprod(x[..., :-1], axis=-1)
    after[..., :-1] = np.cumprod(x[..., :0:-1], axis=-1)[..., ::-1]
    others_x = np.multiply(before, after, out=before)
    tangent_y = np.vecdot(others_x, tangent_x)
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (8) hvp_x[n,d] = grad_output[n] * sum[d'](tangent_x[n,d'] * prod[d'' != d, d'](x[n,d'']))
    # products of what stands before and behind each entry, and their slopes along the tangent
    before, after = np.ones_like(x), np.ones_like(x)
    before_slope, after_slope = np.zeros_like(x), np.zeros_like(x)
    for k in range(1, x.shape[-1]):
        before_slope[..., k] = before_slope[..., k - 1] * x[..., k - 1]
        before_slope[..., k] += before[..., k - 1] * tangent_x[..., k - 1]
        before[..., k] = before[..., k - 1] * x[..., k - 1]
    for k in range(x.shape[-1] - 1, 0, -1):
        after_slope[..., k - 1] = after_slope[..., k] * x[..., k] + after[..., k] * tangent_x[..., k]
        after[..., k - 1] = after[..., k] * x[..., k]
    moved_x = before_slope * after + before * after_slope
    hvp_x = moved_x * grad_output[..., None]
    return (from_last(hvp_x, axis, shape),)
