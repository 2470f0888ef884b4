"""nll_weighted_each: Negative log-likelihood of each integer label: class weights, rows left out.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 80744b5cad6c27b2. Saved for the backward: label, share.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll_weighted_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, mask, positive, real

Array = NDArray[Any]

OPERATION = Operation(
    name="nll_weighted_each",
    summary="Negative log-likelihood of each integer label: class weights, rows left out.",
    signature=Signature.parse("(n,d),(n),(d),(n)->(n)"),
    arguments=(
        Argument("log_p", real()),
        Argument("label", labels("d"), differentiable=False),
        Argument("weight", positive(), differentiable=False),
        Argument("keep", mask(0.8), differentiable=False),
    ),
    saved=("label", "share"),
    reference="torch.nn.functional.nll_loss(log_p, label.where(keep, -100), weight, reduction='none')",
    digest="80744b5cad6c27b2",
    output="each",
)


def forward(log_p: Array, label: Array, weight: Array, keep: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(n), and what `backward` needs: label, share, d."""
    n, d = log_p.shape
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
    # (1) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.take(label, axis=0)
    share = keep.astype(log_p.dtype)
    share *= weight_at_label
    # (2) each[n] = -share[n] * log_p[n,label[n]]
    log_p_at_label = log_p[np.arange(n), label]
    each = share * log_p_at_label
    each *= -1
    return each, (label, share, d)


def backward(
    grad_output: Array, saved: tuple[Any, ...]
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, d = saved
    n = grad_output.shape[0]
    # (4) grad_log_p[n,d] = -delta[label[n],d] * grad_output[n] * share[n]
    grad_log_p = np.zeros((n, d), grad_output.dtype)
    grad_log_p[np.arange(n), label] = -grad_output * share
    return grad_log_p, None, None, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, _d = saved
    n = tangent_log_p.shape[0]
    # (6) tangent_each[n] = -share[n] * tangent_log_p[n,label[n]]
    tangent_log_p_at_label = tangent_log_p[np.arange(n), label]
    tangent_each = share * tangent_log_p_at_label
    tangent_each *= -1
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_log_p: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _d = saved
    # (8) hvp_log_p[n,d] = 0
    hvp_log_p = np.zeros_like(tangent_log_p)
    return hvp_log_p, None, None, None
