"""max: The largest entry along one or several axes; at a tie the first one gets the whole gradient.

Generated from derivations/max.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 3f759d34efc99ca0. Saved for the backward: at.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive max --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="max",
    summary="The largest entry along one or several axes; at a tie the first one gets the whole gradient.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("at",),
    reference="torch.max(to_last(x, axis), dim=-1).values",
    digest="3f759d34efc99ca0",
    along=Along("d", several=True),
    output="y",
)


def forward(
    x: Array, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`.

    What `backward` needs: at, d, axis, shape, keepdims.
    """
    shape = x.shape
    x = to_last(x, axis)
    d = x.shape[-1]
    # (1) at[n] = argmax[d](x[n,d])
    at = x.argmax(axis=-1)
    # (2) y[n] = x[n,at[n]]
    y = np.take_along_axis(x, at[..., None], axis=-1)[..., 0]
    return keep_axes(y, axis, shape, keepdims), (at, d, axis, shape, keepdims)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    at, d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (4) grad_x[n,d] = delta[at[n],d] * grad_output[n]
    grad_x = np.zeros((*grad_output.shape, d), grad_output.dtype)
    np.put_along_axis(grad_x, at[..., None], grad_output[..., None], axis=-1)
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    at, _d, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (6) tangent_y[n] = tangent_x[n,at[n]]
    tangent_y = np.take_along_axis(tangent_x, at[..., None], axis=-1)[..., 0]
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _at, _d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (8) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (from_last(hvp_x, axis, shape),)
