"""kl_div: KL divergence of log-probabilities x from targets t, summed over d, mean over n (batchmean); 0 log 0 = 0.

Generated from derivations/kl_div.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: b657d62ce1351873. Saved for the backward: t.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive kl_div --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real, simplex

Array = NDArray[Any]

OPERATION = Operation(
    name="kl_div",
    summary="KL divergence of log-probabilities x from targets t, summed over d, mean over n (batchmean); 0 log 0 = 0.",
    signature=Signature.parse("(n,d),(n,d)->()"),
    arguments=(
        Argument("x", real()),
        Argument("t", simplex(zeros=True), differentiable=False),
    ),
    saved=("t",),
    reference="torch.nn.functional.kl_div(x, t, reduction='batchmean')",
    digest="b657d62ce1351873",
    output="loss",
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n,d)->(), and what `backward` needs: t."""
    n = x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (1) t1[n,d] = sign(t[n,d])
    t1 = np.sign(t)
    # (2) absent[n,d] = 1 - t1[n,d]
    absent = 1 - t1
    # (3) t2[n,d] = absent[n,d] + t[n,d]
    t2 = np.add(absent, t, out=absent)
    # (4) log_t[n,d] = log(t2[n,d])
    log_t = np.log(t2, out=t2)
    # (5) gap[n,d] = log_t[n,d] - x[n,d]
    gap = np.subtract(log_t, x, out=log_t)
    # (6) loss = sum[n,d](gap[n,d] * t[n,d]) / N
    dot_gap_t = np.vecdot(gap, t).sum()
    loss = dot_gap_t * inverse_n
    return loss, (t,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (t,) = saved
    n = t.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (10) grad_x[n,d] = -grad_output * t[n,d] / N
    grad_x = t * (grad_output * -inverse_n)
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (t,) = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (14) tangent_loss = -sum[n,d](t[n,d] * tangent_x[n,d]) / N
    dot_t_tangent_x = np.vecdot(t, tangent_x).sum()
    tangent_loss = dot_t_tangent_x * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_t,) = saved
    # (16) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
