"""logsumexp: Logarithm of the sum of exponentials over the last axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 4ccbe717f5633b2c. Saved for the backward: p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive logsumexp --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="logsumexp",
    summary="Logarithm of the sum of exponentials over the last axis.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("p",),
    reference="torch.logsumexp(x, dim=-1)",
    digest="4ccbe717f5633b2c",
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,d)->(...), and what `backward` needs: p."""
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
    return y, (p,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (p,) = saved
    # (14) grad_x[n,d] = grad_output[n] * p[n,d]
    grad_x = p * grad_output[..., None]
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (p,) = saved
    # (25) tangent_y[n] = sum[d](p[n,d] * tangent_x[n,d])
    tangent_y = np.vecdot(p, tangent_x)
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (p,) = saved
    # (29) hvp_x[n,d] = grad_output[n] * p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[..., None]
    hvp_x *= grad_output[..., None]
    hvp_x *= p
    return (hvp_x,)
