"""softmax_cross_entropy_weighted_each: Cross-entropy of each row against its label: weights, smoothing.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: deb910905daa7b80. Saved for the backward: label, weight, keep, p, t2.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_weighted_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, labels, mask, positive, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy_weighted_each",
    summary="Cross-entropy of each row against its label: weights, smoothing.",
    signature=Signature.parse("(n,d),(n),(d),(n)->(n)"),
    arguments=(
        Argument("x", real()),
        Argument("label", labels("d"), differentiable=False),
        Argument("weight", positive(), differentiable=False),
        Argument("keep", mask(0.8), differentiable=False),
    ),
    saved=("label", "weight", "keep", "p"),
    reference=(
        "torch.nn.functional.cross_entropy(x, label.where(keep, -100), weight, reduction='none', "
        "label_smoothing=label_smoothing)"
    ),
    digest="deb910905daa7b80",
    parameters=(Parameter("label_smoothing", 0.0, 0.0, 1.0),),
    output="each",
    curved=("x",),
)


def forward(
    x: Array, label: Array, weight: Array, keep: Array, *, label_smoothing: float = 0.0
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->(n).

    What `backward` needs: label, weight, keep, p, t2, at_label, label_smoothing.
    """
    n, d = x.shape
    inverse_d = 1 / d if d else np.nan
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
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
    # (6) share[n] = keep[n] * weight[label[n]]
    weight_at_label = weight.take(label, axis=0)
    share = keep.astype(x.dtype)
    share *= weight_at_label
    # (7) even[n] = sum[d](weight[d] * log_p[n,d])
    even = log_p @ weight
    # (8) t2 = label_smoothing - 1
    t2 = -1 + label_smoothing
    # (9) each[n] = t2 * share[n] * log_p[n,label[n]] - label_smoothing * even[n] * keep[n] / D
    at_label = np.arange(n) * d + label
    log_p_at_label = log_p.take(at_label)
    each = np.multiply(share, log_p_at_label, out=share)
    each *= t2
    part = keep.astype(x.dtype)
    part *= even
    part *= label_smoothing * inverse_d
    each -= part
    return each, (label, weight, keep, p, t2, at_label, label_smoothing)


def backward(
    grad_output: Array, saved: tuple[Any, ...]
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, weight, keep, p, t2, at_label, label_smoothing = saved
    d = weight.shape[0]
    inverse_d = 1 / d if d else np.nan
    # (27) grad_x[n,d] = grad_output[n] * keep[n] / D * (D * delta[label[n],d] * t2 * weight[label[n]] +
    #     label_smoothing * p[n,d] * sum[k](weight[k]) - label_smoothing * weight[d] - D * t2 * weight[label[n]] *
    #     p[n,d])
    weight_at_label = weight.take(label, axis=0)
    sum_weight = weight.sum()
    part = weight_at_label * t2
    part = np.subtract((label_smoothing * sum_weight * inverse_d), part, out=part)
    grad_x = p * part[:, None]
    grad_x -= label_smoothing * inverse_d * weight
    grad_x *= (grad_output * keep)[:, None]
    grad_x.reshape(-1)[at_label] += t2 * grad_output * weight_at_label * keep
    return grad_x, None, None, None


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, weight, keep, p, t2, at_label, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else np.nan
    # (47) tangent_each[n] = keep[n] / D * (D * t2 * weight[label[n]] * tangent_x[n,label[n]] + label_smoothing *
    #     sum[d](p[n,d] * tangent_x[n,d]) * sum[d](weight[d]) - label_smoothing * sum[d](weight[d] * tangent_x[n,d])
    #     - D * t2 * weight[label[n]] * sum[d](p[n,d] * tangent_x[n,d]))
    tangent_x_at_label = tangent_x.take(at_label)
    weight_at_label = weight.take(label, axis=0)
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    sum_weight = weight.sum()
    dot_tangent_x_weight = tangent_x @ weight
    tangent_each = tangent_x_at_label - dot_p_tangent_x
    tangent_each *= t2
    tangent_each *= weight_at_label
    part = dot_p_tangent_x * (sum_weight * inverse_d)
    part_2 = dot_tangent_x_weight * inverse_d
    part -= part_2
    part *= label_smoothing
    tangent_each += part
    tangent_each *= keep
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    label, weight, keep, p, t2, _at_label, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else np.nan
    # (37) tangent_p[n,d] = p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    tangent_p = tangent_x - dot_p_tangent_x[:, None]
    tangent_p *= p
    # (51) hvp_x[n,d] = grad_output[n] * keep[n] * tangent_p[n,d] / D * (label_smoothing * sum[k](weight[k]) - D *
    #     t2 * weight[label[n]])
    weight_at_label = weight.take(label, axis=0)
    sum_weight = weight.sum()
    hvp_x = -t2 * grad_output[:, None] * weight_at_label[:, None] * tangent_p * keep[:, None]
    part = label_smoothing * sum_weight * inverse_d * grad_output[:, None] * tangent_p * keep[:, None]
    hvp_x += part
    return hvp_x, None, None, None
