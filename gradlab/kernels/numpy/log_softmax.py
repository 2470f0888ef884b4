"""log_softmax: Logarithm of the softmax along an axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 9f43805a15bf84b4. Saved for the backward: p.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive log_softmax --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import from_last, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="log_softmax",
    summary="Logarithm of the softmax along an axis.",
    signature=Signature.parse("(...,d)->(...,d)"),
    arguments=(Argument("x", real()),),
    saved=("p",),
    reference="torch.log_softmax(x, dim=axis)",
    digest="9f43805a15bf84b4",
    along=Along("d"),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, axis: int = -1) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: p, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = np.einsum("...i->...", e)
    # (3) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[..., None], out=e)
    # (4) t1[n] = log(s[n])
    t1 = np.log(s)
    # (5) y[n,d] = x[n,d] - t1[n]
    y = np.subtract(z, t1[..., None], out=z)
    return from_last(y, axis), (p, axis)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, axis = saved
    grad_output = to_last(grad_output, axis)
    # (17) grad_x[n,d] = grad_output[n,d] - p[n,d] * sum[k](grad_output[n,k])
    sum_g = np.einsum("...i->...", grad_output)
    grad_x = p * (-sum_g)[..., None]
    grad_x += grad_output
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (30) tangent_y[n,d] = tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k])
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    tangent_y = tangent_x - dot_p_tangent_x[..., None]
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (35) hvp_x[n,d] = p[n,d] * (sum[k](grad_output[n,k]) * sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d] *
    #     sum[k](grad_output[n,k]))
    sum_g = np.einsum("...i->...", grad_output)
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = dot_p_tangent_x[..., None] - tangent_x
    hvp_x *= sum_g[..., None]
    hvp_x *= p
    return (from_last(hvp_x, axis),)
