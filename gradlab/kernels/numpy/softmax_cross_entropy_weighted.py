"""softmax_cross_entropy_weighted: Cross-entropy of softmax(x) against labels: class weights, smoothing, rows left out.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: b2698c9c7812dbfc. Saved for the backward: label, weight, keep, p, t4, t5.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_weighted --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, labels, mask, positive, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy_weighted",
    summary="Cross-entropy of softmax(x) against labels: class weights, smoothing, rows left out.",
    signature=Signature.parse("(n,d),(n),(d),(n)->()"),
    arguments=(
        Argument("x", real()),
        Argument("label", labels("d"), differentiable=False),
        Argument("weight", positive(), differentiable=False),
        Argument("keep", mask(0.8), differentiable=False),
    ),
    saved=("label", "weight", "keep", "p", "t4"),
    reference="torch.nn.functional.cross_entropy(x, label.where(keep, -100), weight, label_smoothing=label_smoothing)",
    digest="b2698c9c7812dbfc",
    parameters=(Parameter("label_smoothing", 0.0, 0.0, 1.0),),
    output="loss",
    curved=("x",),
)


def forward(
    x: Array, label: Array, weight: Array, keep: Array, *, label_smoothing: float = 0.0
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n),(d),(n)->().

    What `backward` needs: label, weight, keep, p, t4, t5, at_label, label_smoothing.
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
    # (8) count = sum[n](keep[n])
    count = keep.astype(x.dtype).sum()
    # (9) t2 = 1 - count
    t2 = 1 - count
    # (10) none = max(t2, 0)
    none = np.zeros(t2.shape, t2.dtype)
    none = np.maximum(t2, none, out=none)
    # (12) t3 = 1 - none
    t3 = 1 - none
    # (13) undefined = none * t3 / count
    undefined = none * t3 / count
    # (14) hit = sum[n](share[n] * log_p[n,label[n]])
    at_label = np.arange(n) * d + label
    log_p_at_label = log_p.take(at_label)
    hit = np.vecdot(log_p_at_label, share)
    # (15) spread = sum[n](even[n] * keep[n])
    spread = np.vecdot(even, keep)
    # (16) total = sum[n](share[n])
    total = share.sum()
    # (17) t4 = none + total
    t4 = none
    t4 = t4 + total
    # (18) t5 = label_smoothing - 1
    t5 = -1 + label_smoothing
    # (19) t6 = hit * t5 - label_smoothing * spread / D
    t6 = label_smoothing * spread * -inverse_d
    t6 = t6 + (hit * t5)
    # (20) loss = t6 / t4 + undefined
    loss = t6 / t4
    loss = loss + undefined
    return loss, (label, weight, keep, p, t4, t5, at_label, label_smoothing)


def backward(
    grad_output: Array, saved: tuple[Any, ...]
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, weight, keep, p, t4, t5, at_label, label_smoothing = saved
    d = weight.shape[0]
    inverse_d = 1 / d if d else np.nan
    # (41) grad_x[n,d] = grad_output * keep[n] / (D * t4) * (D * delta[label[n],d] * t5 * weight[label[n]] +
    #     label_smoothing * p[n,d] * sum[k](weight[k]) - label_smoothing * weight[d] - D * t5 * weight[label[n]] *
    #     p[n,d])
    weight_at_label = weight.take(label, axis=0)
    sum_weight = weight.sum()
    part = weight_at_label * t5
    part = np.subtract((label_smoothing * sum_weight * inverse_d), part, out=part)
    grad_x = p * part[:, None]
    grad_x -= label_smoothing * inverse_d * weight
    grad_x *= (grad_output * keep / t4)[:, None]
    grad_x.reshape(-1)[at_label] += grad_output * t5 * weight_at_label * keep / t4
    return grad_x, None, None, None


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, weight, keep, p, t4, t5, at_label, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else np.nan
    # (65) tangent_loss = (label_smoothing * sum[n,d](keep[n] * p[n,d] * tangent_x[n,d]) * sum[d](weight[d]) + D *
    #     t5 * sum[n](keep[n] * weight[label[n]] * tangent_x[n,label[n]]) - label_smoothing * sum[n,d](keep[n] *
    #     weight[d] * tangent_x[n,d]) - D * t5 * sum[n,d](keep[n] * weight[label[n]] * p[n,d] * tangent_x[n,d])) /
    #     (D * t4)
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    dot_p_tangent_x_keep = np.vecdot(dot_p_tangent_x, keep)
    sum_weight = weight.sum()
    weight_at_label = weight.take(label, axis=0)
    part = keep.astype(tangent_x.dtype)
    part *= weight_at_label
    dot_p_tangent_x_part = np.vecdot(dot_p_tangent_x, part)
    dot_tangent_x_weight = tangent_x @ weight
    dot_tangent_x_weight_keep = np.vecdot(dot_tangent_x_weight, keep)
    tangent_x_at_label = tangent_x.take(at_label)
    weight_at_label_2 = weight.take(label, axis=0)
    part_2 = keep.astype(tangent_x.dtype)
    part_2 *= tangent_x_at_label
    dot_part_2_weight_at_label_2 = np.vecdot(part_2, weight_at_label_2)
    tangent_loss = label_smoothing * dot_p_tangent_x_keep * sum_weight * inverse_d
    tangent_loss = tangent_loss - (label_smoothing * dot_tangent_x_weight_keep * inverse_d)
    part_3 = -t5 * dot_p_tangent_x_part
    part_3 = part_3 + (t5 * dot_part_2_weight_at_label_2)
    tangent_loss += part_3
    tangent_loss *= 1 / t4
    return tangent_loss


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    label, weight, keep, p, t4, t5, _at_label, label_smoothing = saved
    d = tangent_x.shape[1]
    inverse_d = 1 / d if d else np.nan
    # (51) tangent_p[n,d] = p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    tangent_p = tangent_x - dot_p_tangent_x[:, None]
    tangent_p *= p
    # (69) hvp_x[n,d] = grad_output * keep[n] * tangent_p[n,d] / (D * t4) * (label_smoothing * sum[k](weight[k]) - D
    #     * t5 * weight[label[n]])
    weight_at_label = weight.take(label, axis=0)
    sum_weight = weight.sum()
    hvp_x = -grad_output * t5 * weight_at_label[:, None] * tangent_p * keep[:, None] / t4
    hvp_x += grad_output * label_smoothing * sum_weight * inverse_d * tangent_p * keep[:, None] / t4
    return hvp_x, None, None, None
