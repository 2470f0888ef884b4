"""logsumexp: Logarithm of the sum of exponentials along an axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: eb14c0ccafa9519a. Saved for the backward: p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive logsumexp --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import from_last, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="logsumexp",
    summary="Logarithm of the sum of exponentials along an axis.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("p",),
    reference="torch.logsumexp(x, dim=axis)",
    digest="eb14c0ccafa9519a",
    along=Along("d"),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, axis: int = -1) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: p, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift; y gets it back
    largest = x.max(axis=-1, initial=np.finfo(x.dtype).min)
    z = np.subtract(x, largest[..., None], order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z, out=z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(axis=-1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[..., None], out=e)
    # (4) y[n] = log(s[n])
    y = np.log(s)
    y += largest
    return y, (p, axis)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, axis = saved
    # (14) grad_x[n,d] = grad_output[n] * p[n,d]
    grad_x = p * grad_output[..., None]
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n] = sum[d](p[n,d] * tangent_x[n,d])
    tangent_y = np.vecdot(p, tangent_x)
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (29) hvp_x[n,d] = grad_output[n] * p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[..., None]
    hvp_x *= grad_output[..., None]
    hvp_x *= p
    return (from_last(hvp_x, axis),)
