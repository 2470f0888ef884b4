"""cross_entropy: Mean cross-entropy of probabilities p against targets t (one-hot or soft).

Generated from derivations/cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 7586395354a3dd30. Saved for the backward: p, t.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive cross_entropy --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks
from gradlab.operation import Argument, Operation, Signature, positive, simplex

Array = NDArray[Any]

OPERATION = Operation(
    name="cross_entropy",
    summary="Mean cross-entropy of probabilities p against targets t (one-hot or soft).",
    signature=Signature.parse("(n,d),(n,d)->()"),
    arguments=(
        Argument("p", positive()),
        Argument("t", simplex(zeros=True), differentiable=False),
    ),
    saved=("p", "t"),
    reference="-(t * torch.log(p)).sum(dim=-1).mean()",
    digest="7586395354a3dd30",
    output="loss",
    curved=("p",),
)


def forward(p: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: p, t."""
    n = p.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (1) log_p[n,d] = log(p[n,d])
    log_p = np.log(p)
    # (2) loss = -sum[n,d](log_p[n,d] * t[n,d]) / N
    dot_log_p_t = np.vecdot(log_p, t).sum()
    loss = dot_log_p_t * -inverse_n
    return loss, (p, t)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, t = saved
    n = p.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (6) grad_p[n,d] = -grad_output * t[n,d] / (N * p[n,d])
    grad_p = t / p
    grad_p *= grad_output * -inverse_n
    return grad_p, None


def jvp(saved: tuple[Array, ...], tangent_p: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, t = saved
    n = tangent_p.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (10) tangent_loss = -sum[n,d](t[n,d] * tangent_p[n,d] / p[n,d]) / N
    part = t / p
    dot_part_tangent_p = np.vecdot(part, tangent_p).sum()
    tangent_loss = dot_part_tangent_p * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_p: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, t = saved
    n = tangent_p.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (13) hvp_p[n,d] = grad_output * t[n,d] * tangent_p[n,d] / (N * p[n,d]**2)
    scale = grad_output * inverse_n
    hvp_p = np.empty(t.shape, t.dtype)
    for rows in blocks(hvp_p.shape):
        part = np.divide(t[rows], p[rows], out=hvp_p[rows])
        part /= p[rows]
        part *= tangent_p[rows]
        part *= scale
    return hvp_p, None
