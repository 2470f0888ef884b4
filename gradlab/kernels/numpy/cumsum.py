"""cumsum: Running sums along an axis.

Generated from derivations/reductions.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 459738857da8e3f3. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive cumsum --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import from_last, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="cumsum",
    summary="Running sums along an axis.",
    signature=Signature.parse("(...,d)->(...,d)"),
    arguments=(Argument("x", real()),),
    saved=(),
    reference="torch.cumsum(x, dim=axis)",
    digest="459738857da8e3f3",
    along=Along("d"),
    output="y",
)


def forward(x: Array, *, axis: int = -1) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: axis."""
    x = to_last(x, axis)
    # (1) y[n,d] = sum[k]([k <= d] * x[n,k])
    y = np.cumsum(x, axis=-1)
    return from_last(y, axis), (axis,)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (axis,) = saved
    grad_output = to_last(grad_output, axis)
    # (3) grad_x[n,d] = sum[k]([d <= k] * grad_output[n,k])
    grad_x = np.cumsum(grad_output[..., ::-1], axis=-1)[..., ::-1]
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (axis,) = saved
    tangent_x = to_last(tangent_x, axis)
    # (5) tangent_y[n,d] = sum[k]([k <= d] * tangent_x[n,k])
    tangent_y = np.cumsum(tangent_x, axis=-1)
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (axis,) = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (7) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (from_last(hvp_x, axis),)
