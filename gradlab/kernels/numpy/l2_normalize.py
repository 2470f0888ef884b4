"""l2_normalize: x / max(norm(x), eps) along an axis; the gradient at the zero vector is grad_output / eps.

Generated from derivations/l2_normalize.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: b13dc40fd96ffcc4. Saved for the backward: mask, inv_norm, y.
The backward has 1 reduction and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive l2_normalize --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import from_last, to_last
from gradlab.operation import Along, Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="l2_normalize",
    summary="x / max(norm(x), eps) along an axis; the gradient at the zero vector is grad_output / eps.",
    signature=Signature.parse("(...,d)->(...,d)"),
    arguments=(Argument("x", real()),),
    saved=("mask", "inv_norm", "y"),
    reference="torch.nn.functional.normalize(x, dim=axis, eps=eps)",
    digest="b13dc40fd96ffcc4",
    parameters=(Parameter("eps", 1e-12, 1e-12, 0.1),),
    along=Along("d"),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, axis: int = -1, eps: float = 1e-12) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: mask, inv_norm, y, axis."""
    x = to_last(x, axis)
    # (1) square[n] = sum[d](x[n,d]**2)
    square = np.vecdot(x, x)
    # (2) t1[n] = square[n] - eps**2
    t1 = square - (eps * eps)
    # (3) t2[n] = max(t1[n], 0)
    t2 = np.zeros(t1.shape, t1.dtype)
    t2 = np.maximum(t1, t2, out=t2)
    # (4) mask[n] = [t1[n] > 0]
    mask = t1 > 0
    # (5) floored[n] = t2[n] + eps**2
    floored = t2 + (eps * eps)
    # (6) inv_norm[n] = 1 / sqrt(floored[n])
    inv_norm = 1 / np.sqrt(floored)
    # (7) y[n,d] = inv_norm[n] * x[n,d]
    y = x * inv_norm[..., None]
    return from_last(y, axis), (mask, inv_norm, y, axis)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, inv_norm, y, axis = saved
    grad_output = to_last(grad_output, axis)
    # (24) grad_x[n,d] = inv_norm[n] * (grad_output[n,d] - mask[n] * y[n,d] * sum[d'](grad_output[n,d'] * y[n,d']))
    dot_g_y = np.vecdot(grad_output, y)
    grad_x = y * (-dot_g_y * mask)[..., None]
    grad_x += grad_output
    grad_x *= inv_norm[..., None]
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, inv_norm, y, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (41) tangent_y[n,d] = inv_norm[n] * (tangent_x[n,d] - mask[n] * y[n,d] * sum[d'](tangent_x[n,d'] * y[n,d']))
    dot_tangent_x_y = np.vecdot(tangent_x, y)
    tangent_y = y * (-dot_tangent_x_y * mask)[..., None]
    tangent_y += tangent_x
    tangent_y *= inv_norm[..., None]
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    mask, inv_norm, y, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (37) tangent_inv_norm[n] = -inv_norm[n]**2 * mask[n] * sum[d](tangent_x[n,d] * y[n,d])
    dot_tangent_x_y = np.vecdot(tangent_x, y)
    tangent_inv_norm = inv_norm * inv_norm
    tangent_inv_norm *= dot_tangent_x_y
    tangent_inv_norm *= mask
    tangent_inv_norm *= -1
    # (41) tangent_y[n,d] = inv_norm[n] * (tangent_x[n,d] - mask[n] * y[n,d] * sum[d'](tangent_x[n,d'] * y[n,d']))
    tangent_y = y * (-dot_tangent_x_y * mask)[..., None]
    tangent_y += tangent_x
    tangent_y *= inv_norm[..., None]
    # (45) hvp_x[n,d] = tangent_inv_norm[n] * grad_output[n,d] - inv_norm[n] * mask[n] * y[n,d] *
    #     sum[d'](grad_output[n,d'] * tangent_y[n,d']) - inv_norm[n] * mask[n] * tangent_y[n,d] *
    #     sum[d'](grad_output[n,d'] * y[n,d']) - mask[n] * tangent_inv_norm[n] * y[n,d] * sum[d'](grad_output[n,d']
    #     * y[n,d'])
    dot_g_tangent_y = np.vecdot(grad_output, tangent_y)
    dot_g_y = np.vecdot(grad_output, y)
    hvp_x = y * (-dot_g_y * mask)[..., None]
    hvp_x += grad_output
    hvp_x *= tangent_inv_norm[..., None]
    part = tangent_y * (-dot_g_y * mask)[..., None]
    part_2 = y * (dot_g_tangent_y * mask)[..., None]
    part -= part_2
    part *= inv_norm[..., None]
    hvp_x += part
    return (from_last(hvp_x, axis),)
