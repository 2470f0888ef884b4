"""nll: Mean negative log-likelihood of integer labels, from log-probabilities.

Generated from derivations/nll.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 7829bf0c5076049a. Saved for the backward: label.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive nll --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, real

Array = NDArray[Any]

OPERATION = Operation(
    name="nll",
    summary="Mean negative log-likelihood of integer labels, from log-probabilities.",
    signature=Signature.parse("(n,d),(n)->()"),
    arguments=(
        Argument("log_p", real()),
        Argument("label", labels("d"), differentiable=False),
    ),
    saved=("label",),
    reference="torch.nn.functional.nll_loss(log_p, label)",
    digest="7829bf0c5076049a",
    output="loss",
)


def forward(log_p: Array, label: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, d."""
    n, d = log_p.shape
    inverse_n = 1 / n if n else np.nan
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
    # (1) picked[n] = log_p[n,label[n]]
    picked = log_p[np.arange(n), label]
    # (2) loss = -sum[n](picked[n]) / N
    sum_picked = picked.sum()
    loss = sum_picked * -inverse_n
    return loss, (label, d)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, d = saved
    n = label.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (6) grad_log_p[n,d] = -delta[label[n],d] * grad_output / N
    grad_log_p = np.zeros((n, d), grad_output.dtype)
    grad_log_p[np.arange(n), label] = grad_output * -inverse_n
    return grad_log_p, None


def jvp(saved: tuple[Any, ...], tangent_log_p: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, _d = saved
    n = tangent_log_p.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (10) tangent_loss = -sum[n](tangent_log_p[n,label[n]]) / N
    tangent_log_p_at_label = tangent_log_p[np.arange(n), label]
    sum_tangent_log_p_at_label = tangent_log_p_at_label.sum()
    tangent_loss = sum_tangent_log_p_at_label * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_log_p: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _d = saved
    # (12) hvp_log_p[n,d] = 0
    hvp_log_p = np.zeros_like(tangent_log_p)
    return hvp_log_p, None
