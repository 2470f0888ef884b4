"""mean: The mean along one or several axes; that of nothing is NaN.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 3ed6a9d59db43c79. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mean --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="mean",
    summary="The mean along one or several axes; that of nothing is NaN.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=(),
    reference="torch.mean(x, dim=axis)",
    digest="3ed6a9d59db43c79",
    along=Along("d", several=True),
    output="y",
)


def forward(
    x: Array, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: d, axis, shape, keepdims."""
    shape = x.shape
    x = to_last(x, axis)
    d = x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (1) y[n] = sum[d](x[n,d]) / D
    sum_x = np.einsum("...i->...", x)
    y = sum_x * inverse_d
    return keep_axes(y, axis, shape, keepdims), (d, axis, shape, keepdims)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    inverse_d = 1 / d if d else np.nan
    # (3) grad_x[n,d] = grad_output[n] / D
    grad_x = np.broadcast_to(grad_output[..., None] * inverse_d, (*grad_output.shape, d)).copy()
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    d, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    inverse_d = 1 / d if d else np.nan
    # (5) tangent_y[n] = sum[d](tangent_x[n,d]) / D
    sum_tangent_x = np.einsum("...i->...", tangent_x)
    tangent_y = sum_tangent_x * inverse_d
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _d, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (7) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (from_last(hvp_x, axis, shape),)
