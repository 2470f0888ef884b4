"""softmax_cross_entropy: Mean cross-entropy of softmax(x) against targets t (one-hot or soft).

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 953ef6f7e8fac135. Saved for the backward: t, p.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real, simplex

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy",
    summary="Mean cross-entropy of softmax(x) against targets t (one-hot or soft).",
    signature=Signature.parse("(n,d),(n,d)->()"),
    arguments=(
        Argument("x", real()),
        Argument("t", simplex(zeros=True), differentiable=False),
    ),
    saved=("t", "p"),
    reference="torch.nn.functional.cross_entropy(x, t)",
    digest="953ef6f7e8fac135",
    output="loss",
    curved=("x",),
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: t, p."""
    n = x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), order="C")
    # (1) e[n,d] = exp(x[n,d])
    e = np.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = np.einsum("...i->...", e)
    # (3) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[:, None], out=e)
    # (4) t1[n] = log(s[n])
    t1 = np.log(s, out=s)
    # (5) log_p[n,d] = x[n,d] - t1[n]
    log_p = np.subtract(z, t1[:, None], out=z)
    # (6) loss = -sum[n,d](log_p[n,d] * t[n,d]) / N
    dot_log_p_t = np.vecdot(log_p, t).sum()
    loss = dot_log_p_t * -inverse_n
    return loss, (t, p)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t, p = saved
    n = t.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (24) grad_x[n,d] = grad_output * (p[n,d] - t[n,d]) / N
    grad_x = p - t
    grad_x *= grad_output * inverse_n
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (41) tangent_loss = (sum[n,d](p[n,d] * tangent_x[n,d]) - sum[n,d](t[n,d] * tangent_x[n,d])) / N
    dot_p_tangent_x = np.vecdot(p, tangent_x).sum()
    dot_t_tangent_x = np.vecdot(t, tangent_x).sum()
    tangent_loss = dot_p_tangent_x * inverse_n
    tangent_loss = tangent_loss - (dot_t_tangent_x * inverse_n)
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _t, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (45) hvp_x[n,d] = grad_output * p[n,d] / N * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x *= grad_output * inverse_n
    hvp_x *= p
    return hvp_x, None
