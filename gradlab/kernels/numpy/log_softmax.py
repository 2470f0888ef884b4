"""log_softmax: Logarithm of the softmax over the last axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: edcbacad73cc16ef. Saved for the backward: p.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive log_softmax --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="log_softmax",
    summary="Logarithm of the softmax over the last axis.",
    signature=Signature.parse("(...,d)->(...,d)"),
    arguments=(Argument("x", real()),),
    saved=("p",),
    reference="torch.log_softmax(x, dim=-1)",
    digest="edcbacad73cc16ef",
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,d)->(...,d), and what `backward` needs: p."""
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(axis=-1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[..., None], out=e)
    # (4) t1[n] = log(s[n])
    t1 = np.log(s)
    # (5) y[n,d] = x[n,d] - t1[n]
    y = np.subtract(z, t1[..., None], out=z)
    return y, (p,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (p,) = saved
    # (17) grad_x[n,d] = grad_output[n,d] - p[n,d] * sum[k](grad_output[n,k])
    sum_g = grad_output.sum(axis=-1)
    part = p * sum_g[..., None]
    grad_x = grad_output - part
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (p,) = saved
    # (30) tangent_y[n,d] = tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k])
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    tangent_y = tangent_x - dot_p_tangent_x[..., None]
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (p,) = saved
    # (35) hvp_x[n,d] = p[n,d] * (sum[k](grad_output[n,k]) * sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d] *
    #     sum[k](grad_output[n,k]))
    sum_g = grad_output.sum(axis=-1)
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x * sum_g[..., None]
    hvp_x = (sum_g * dot_p_tangent_x)[..., None] - hvp_x
    hvp_x *= p
    return (hvp_x,)
