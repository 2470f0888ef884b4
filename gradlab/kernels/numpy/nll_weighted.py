"""nll_weighted: Mean negative log-likelihood of integer labels: class weights, rows left out.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: b44c3cf98a4abf59. Saved for the backward: label, share, t3.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll_weighted --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, mask, positive, real

Array = NDArray[Any]

OPERATION = Operation(
    name="nll_weighted",
    summary="Mean negative log-likelihood of integer labels: class weights, rows left out.",
    signature=Signature.parse("(n,d),(n),(d),(n)->()"),
    arguments=(
        Argument("log_p", real()),
        Argument("label", labels("d"), differentiable=False),
        Argument("weight", positive(), differentiable=False),
        Argument("keep", mask(0.8), differentiable=False),
    ),
    saved=("label", "share", "t3"),
    reference="torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight)",
    digest="b44c3cf98a4abf59",
    output="loss",
)


def forward(log_p: Array, label: Array, weight: Array, keep: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(), and what `backward` needs: label, share, t3, d."""
    n, d = log_p.shape
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
    # (1) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.take(label, axis=0)
    share = keep.astype(log_p.dtype)
    share *= weight_at_label
    # (2) hit = sum[n](share[n] * log_p[n,label[n]])
    log_p_at_label = log_p[np.arange(n), label]
    hit = np.vecdot(log_p_at_label, share)
    # (3) total = sum[n](share[n])
    total = share.sum()
    # (4) count = sum[n](keep[n])
    count = keep.astype(log_p.dtype).sum()
    # (5) t1 = 1 - count
    t1 = 1 - count
    # (6) none = max(t1, 0)
    none = np.zeros(t1.shape, t1.dtype)
    none = np.maximum(t1, none, out=none)
    # (8) t2 = 1 - none
    t2 = 1 - none
    # (9) undefined = none * t2 / count
    undefined = none * t2 / count
    # (10) t3 = none + total
    t3 = none
    t3 = t3 + total
    # (11) loss = undefined - hit / t3
    loss = -hit / t3
    loss = loss + undefined
    return loss, (label, share, t3, d)


def backward(
    grad_output: Array, saved: tuple[Any, ...]
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, t3, d = saved
    n = label.shape[0]
    # (14) grad_log_p[n,d] = -delta[label[n],d] * grad_output * share[n] / t3
    grad_log_p = np.zeros((n, d), grad_output.dtype)
    grad_log_p[np.arange(n), label] = -grad_output * share / t3
    return grad_log_p, None, None, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, t3, _d = saved
    n = tangent_log_p.shape[0]
    # (17) tangent_loss = -sum[n](share[n] * tangent_log_p[n,label[n]]) / t3
    tangent_log_p_at_label = tangent_log_p[np.arange(n), label]
    dot_share_tangent_log_p_at_label = np.vecdot(share, tangent_log_p_at_label)
    tangent_loss = -dot_share_tangent_log_p_at_label / t3
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_log_p: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _t3, _d = saved
    # (19) hvp_log_p[n,d] = 0
    hvp_log_p = np.zeros_like(tangent_log_p)
    return hvp_log_p, None, None, None
