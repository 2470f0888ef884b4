"""softmax_cross_entropy_soft_each: Cross-entropy of each row against targets of 0 to 1: weights, smoothing.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 4e06db7d3665b5ad. Saved for the backward: weight, p, log_p, wanted, t2.
The backward has 1 reduction and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_soft_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, positive, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softmax_cross_entropy_soft_each",
    summary="Cross-entropy of each row against targets of 0 to 1: weights, smoothing.",
    signature=Signature.parse("(n,d),(n,d),(d)->(n)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real(0, 1)),
        Argument("weight", positive(), differentiable=False),
    ),
    saved=("weight", "p", "log_p", "wanted"),
    reference="torch.nn.functional.cross_entropy(x, t, weight, reduction='none', label_smoothing=label_smoothing)",
    digest="4e06db7d3665b5ad",
    parameters=(Parameter("label_smoothing", 0.0, 0.0, 1.0),),
    output="each",
    curved=("x", "t"),
)


def forward(x: Array, t: Array, weight: Array, *, label_smoothing: float = 0.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,d),(n,d),(d)->(n), and what `backward` needs: weight, p, log_p, wanted, t2."""
    d = x.shape[1]
    inverse_d = 1 / d if d else np.nan
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
    # (6) t2 = 1 - label_smoothing
    t2 = 1 - label_smoothing
    # (7) t3[n,d] = t2 * t[n,d] + label_smoothing / D
    t3 = t * t2
    t3 += label_smoothing * inverse_d
    # (8) wanted[n,d] = weight[d] * t3[n,d]
    wanted = np.multiply(t3, weight, out=t3)
    # (9) each[n] = -sum[d](log_p[n,d] * wanted[n,d])
    dot_log_p_wanted = np.vecdot(log_p, wanted)
    each = dot_log_p_wanted * -1
    return each, (weight, p, log_p, wanted, t2)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, p, log_p, wanted, t2 = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    if needs[0]:
        # (28) grad_x[n,d] = grad_output[n] * (p[n,d] * sum[k](wanted[n,k]) - wanted[n,d])
        sum_wanted = np.einsum("...i->...", wanted)
        grad_x = p * sum_wanted[:, None]
        grad_x -= wanted
        grad_x *= grad_output[:, None]
    if needs[1]:
        # (30) grad_t[n,d] = -t2 * grad_output[n] * weight[d] * log_p[n,d]
        grad_t = log_p * (-t2 * grad_output)[:, None]
        grad_t *= weight
    return grad_x, grad_t, None


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, p, log_p, wanted, t2 = saved
    # (49) tangent_each[n] = sum[d](p[n,d] * tangent_x[n,d]) * sum[d](wanted[n,d]) - sum[d](tangent_x[n,d] *
    #     wanted[n,d]) - t2 * sum[d](weight[d] * log_p[n,d] * tangent_t[n,d])
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    sum_wanted = np.einsum("...i->...", wanted)
    part = log_p * weight
    dot_part_tangent_t = np.vecdot(part, tangent_t)
    dot_tangent_x_wanted = np.vecdot(tangent_x, wanted)
    tangent_each = dot_p_tangent_x * sum_wanted
    part_2 = dot_part_tangent_t * t2
    tangent_each -= part_2
    tangent_each -= dot_tangent_x_wanted
    return tangent_each


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, p, _log_p, wanted, t2 = saved
    # (54) hvp_x[n,d] = grad_output[n] * (t2 * p[n,d] * sum[k](weight[k] * tangent_t[n,k]) + p[n,d] * tangent_x[n,d]
    #     * sum[k](wanted[n,k]) - t2 * weight[d] * tangent_t[n,d] - p[n,d] * sum[k](p[n,k] * tangent_x[n,k]) *
    #     sum[k](wanted[n,k]))
    dot_p_tangent_x = np.vecdot(p, tangent_x)
    sum_wanted = np.einsum("...i->...", wanted)
    dot_tangent_t_weight = tangent_t @ weight
    hvp_x = tangent_x * sum_wanted[:, None]
    hvp_x -= (dot_p_tangent_x * sum_wanted)[:, None]
    hvp_x += (t2 * dot_tangent_t_weight)[:, None]
    hvp_x *= p
    part = tangent_t * (t2 * weight)
    hvp_x -= part
    hvp_x *= grad_output[:, None]
    # (57) hvp_t[n,d] = t2 * grad_output[n] * weight[d] * (sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d])
    hvp_t = dot_p_tangent_x[:, None] - tangent_x
    hvp_t *= (t2 * grad_output)[:, None]
    hvp_t *= weight
    return hvp_x, hvp_t, None
