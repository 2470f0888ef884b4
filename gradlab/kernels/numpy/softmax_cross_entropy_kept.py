"""softmax_cross_entropy_kept: Mean cross-entropy of softmax(x) against integer labels, of the rows that are kept.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: bdbca10d725c98d9. Saved for the backward: label, keep, p, t5.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_kept --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, mask, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy_kept",
    summary="Mean cross-entropy of softmax(x) against integer labels, of the rows that are kept.",
    signature=Signature.parse("(n,d),(n),(n)->()"),
    arguments=(
        Argument("x", real()),
        Argument("label", labels("d"), differentiable=False),
        Argument("keep", mask(0.8), differentiable=False),
    ),
    saved=("label", "keep", "p", "t5"),
    reference="torch.nn.functional.cross_entropy(x, label.where(keep, -100))",
    digest="bdbca10d725c98d9",
    output="loss",
    curved=("x",),
)


def forward(x: Array, label: Array, keep: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n),(n)->(), and what `backward` needs: label, keep, p, t5, at_label."""
    n, d = x.shape
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
    # (5) count = sum[n](keep[n])
    count = keep.astype(x.dtype).sum()
    # (6) t1 = 1 - count
    t1 = 1 - count
    # (7) none = max(t1, 0)
    none = np.zeros(t1.shape, t1.dtype)
    none = np.maximum(t1, none, out=none)
    # (9) t2 = 1 - none
    t2 = 1 - none
    # (10) undefined = none * t2 / count
    undefined = none * t2 / count
    # (11) t3[n] = log(s[n])
    t3 = np.log(s, out=s)
    # (12) t4[n] = picked[n] - t3[n]
    t4 = np.subtract(picked, t3, out=picked)
    # (13) hit = sum[n](keep[n] * t4[n])
    hit = np.vecdot(keep, t4)
    # (14) t5 = count + none
    t5 = count
    t5 = t5 + none
    # (15) loss = undefined - hit / t5
    loss = -hit / t5
    loss = loss + undefined
    return loss, (label, keep, p, t5, at_label)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    _label, keep, p, t5, at_label = saved
    # (33) grad_x[n,d] = grad_output * keep[n] * (p[n,d] - delta[label[n],d]) / t5
    grad_x = p * (grad_output * keep / t5)[:, None]
    grad_x.reshape(-1)[at_label] -= grad_output * keep / t5
    return grad_x, None, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _label, keep, p, t5, at_label = saved
    # (52) tangent_loss = (sum[n,d](keep[n] * p[n,d] * tangent_x[n,d]) - sum[n](keep[n] * tangent_x[n,label[n]])) /
    #     t5
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    dot_p_tangent_x_keep = np.vecdot(dot_p_tangent_x, keep)
    tangent_x_at_label = tangent_x.take(at_label)
    dot_keep_tangent_x_at_label = np.vecdot(keep, tangent_x_at_label)
    tangent_loss = dot_p_tangent_x_keep / t5
    tangent_loss = tangent_loss - (dot_keep_tangent_x_at_label / t5)
    return tangent_loss


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, keep, p, t5, _at_label = saved
    # (56) hvp_x[n,d] = grad_output * keep[n] * p[n,d] / t5 * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x *= (grad_output * keep / t5)[:, None]
    hvp_x *= p
    return hvp_x, None, None
