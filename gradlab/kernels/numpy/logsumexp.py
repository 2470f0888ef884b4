"""logsumexp: Logarithm of the sum of exponentials along one or several axes.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 01ac229dfcb5284f. Saved for the backward: p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive logsumexp --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import drop_axes, from_last, keep_axes, to_last
from gradlab.operation import Along, Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="logsumexp",
    summary="Logarithm of the sum of exponentials along one or several axes.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("p",),
    reference="torch.logsumexp(to_last(x, axis), dim=-1)",
    digest="01ac229dfcb5284f",
    along=Along("d", several=True),
    output="y",
    curved=("x",),
)


def forward(
    x: Array, *, axis: int | tuple[int, ...] | None = -1, keepdims: bool = False
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: p, axis, shape, keepdims."""
    shape = x.shape
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift; y gets it back
    largest = x.max(axis=-1, initial=np.finfo(x.dtype).min)
    z = np.subtract(x, largest[..., None], order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z, out=z)
    # (2) s[n] = sum[d](e[n,d])
    s = np.einsum("...i->...", e)
    # (3) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[..., None], out=e)
    # (4) y[n] = log(s[n])
    y = np.log(s)
    y += largest
    return keep_axes(y, axis, shape, keepdims), (p, axis, shape, keepdims)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    # (14) grad_x[n,d] = grad_output[n] * p[n,d]
    grad_x = p * grad_output[..., None]
    return (from_last(grad_x, axis, shape),)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, axis, shape, keepdims = saved
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n] = sum[d](p[n,d] * tangent_x[n,d])
    tangent_y = np.vecdot(p, tangent_x)
    return keep_axes(tangent_y, axis, shape, keepdims)


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, axis, shape, keepdims = saved
    grad_output = drop_axes(grad_output, axis, shape, keepdims)
    tangent_x = to_last(tangent_x, axis)
    # (29) hvp_x[n,d] = grad_output[n] * p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[..., None]
    hvp_x *= grad_output[..., None]
    hvp_x *= p
    return (from_last(hvp_x, axis, shape),)
