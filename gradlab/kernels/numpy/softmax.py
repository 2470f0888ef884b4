"""softmax: Softmax along an axis: positive entries that sum to 1.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: f7fbfa10a50dff46. Saved for the backward: y.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import from_last, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax",
    summary="Softmax along an axis: positive entries that sum to 1.",
    signature=Signature.parse("(...,d)->(...,d)"),
    arguments=(Argument("x", real()),),
    saved=("y",),
    reference="torch.softmax(x, dim=axis)",
    digest="f7fbfa10a50dff46",
    along=Along("d"),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, axis: int = -1) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: y, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z, out=z)
    # (2) s[n] = sum[d](e[n,d])
    s = np.einsum("...i->...", e)
    # (3) y[n,d] = e[n,d] / s[n]
    y = np.multiply(e, (1 / s)[..., None], out=e)
    return from_last(y, axis), (y, axis)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    y, axis = saved
    grad_output = to_last(grad_output, axis)
    # (15) grad_x[n,d] = y[n,d] * (grad_output[n,d] - sum[k](grad_output[n,k] * y[n,k]))
    dot_g_y = np.vecdot(grad_output, y)
    grad_x = grad_output - dot_g_y[..., None]
    grad_x *= y
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    y, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = np.vecdot(tangent_x, y)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y *= y
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    y, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = np.vecdot(tangent_x, y)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y *= y
    # (29) hvp_x[n,d] = grad_output[n,d] * tangent_y[n,d] - y[n,d] * sum[k](grad_output[n,k] * tangent_y[n,k]) -
    #     tangent_y[n,d] * sum[k](grad_output[n,k] * y[n,k])
    dot_g_tangent_y = np.vecdot(grad_output, tangent_y)
    dot_g_y = np.vecdot(grad_output, y)
    hvp_x = grad_output - dot_g_y[..., None]
    hvp_x *= tangent_y
    part = y * dot_g_tangent_y[..., None]
    hvp_x -= part
    return (from_last(hvp_x, axis),)
