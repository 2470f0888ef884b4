"""softmax_cross_entropy_labels: Mean cross-entropy of softmax(x) against integer labels.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: a093d405e4b64035. Saved for the backward: label, p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_labels --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy_labels",
    summary="Mean cross-entropy of softmax(x) against integer labels.",
    signature=Signature.parse("(n,d),(n)->()"),
    arguments=(
        Argument("x", real()),
        Argument("label", labels("d"), differentiable=False),
    ),
    saved=("label", "p"),
    reference="torch.nn.functional.cross_entropy(x, label)",
    digest="a093d405e4b64035",
    output="loss",
    curved=("x",),
)


def forward(x: Array, label: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, p, at_label."""
    n, d = x.shape
    inverse_n = 1 / n if n else np.nan
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = np.subtract(x, x.max(axis=-1, keepdims=True, initial=-np.inf), order="C")
    # (1) picked[n] = x[n,label[n]]
    at_label = np.arange(n) * d + label
    picked = z.take(at_label)
    # (2) e[n,d] = exp(x[n,d])
    e = np.exp(z, out=z)
    # (3) s[n] = sum[d](e[n,d])
    s = np.einsum("...i->...", e)
    # (4) p[n,d] = e[n,d] / s[n]
    p = np.multiply(e, (1 / s)[:, None], out=e)
    # (5) t1[n] = log(s[n])
    t1 = np.log(s, out=s)
    # (6) t2[n] = picked[n] - t1[n]
    t2 = np.subtract(picked, t1, out=picked)
    # (7) loss = -sum[n](t2[n]) / N
    sum_t2 = t2.sum()
    loss = sum_t2 * -inverse_n
    return loss, (label, p, at_label)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, p, at_label = saved
    n = label.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (24) grad_x[n,d] = grad_output * (p[n,d] - delta[label[n],d]) / N
    grad_x = p * (grad_output * inverse_n)
    grad_x.reshape(-1)[at_label] -= grad_output * inverse_n
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _label, p, at_label = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (42) tangent_loss = (sum[n,d](p[n,d] * tangent_x[n,d]) - sum[n](tangent_x[n,label[n]])) / N
    dot_p_tangent_x = np.vecdot(p, tangent_x).sum()
    tangent_x_at_label = tangent_x.take(at_label)
    sum_tangent_x_at_label = tangent_x_at_label.sum()
    tangent_loss = dot_p_tangent_x * inverse_n
    tangent_loss = tangent_loss - (sum_tangent_x_at_label * inverse_n)
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, p, _at_label = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (46) hvp_x[n,d] = grad_output * p[n,d] / N * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x *= grad_output * inverse_n
    hvp_x *= p
    return hvp_x, None
