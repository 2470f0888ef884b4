"""rms_norm: Division by the root mean square over the last axis, with weight.

Generated from derivations/layer_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 9054621b4fffb0ad. Saved for the backward: weight, inv_rms, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive rms_norm --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="rms_norm",
    summary="Division by the root mean square over the last axis, with weight.",
    signature=Signature.parse("(...,d),(d)->(...,d)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
    ),
    saved=("weight", "inv_rms", "x_hat"),
    reference="torch.nn.functional.rms_norm(x, x.shape[-1:], weight, eps=eps)",
    digest="9054621b4fffb0ad",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "weight"),
)


def forward(x: Array, weight: Array, *, eps: float = 1e-05) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,d),(d)->(...,d), and what `backward` needs: weight, inv_rms, x_hat."""
    d = x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (1) mean_square[n] = sum[d](x[n,d]**2) / D
    dot_x = np.vecdot(x, x)
    mean_square = dot_x * inverse_d
    # (2) t1[n] = mean_square[n] + eps
    t1 = mean_square + eps
    # (3) inv_rms[n] = 1 / sqrt(t1[n])
    inv_rms = 1 / np.sqrt(t1)
    # (4) x_hat[n,d] = inv_rms[n] * x[n,d]
    x_hat = x * inv_rms[..., None]
    # (5) y[n,d] = weight[d] * x_hat[n,d]
    y = x_hat * weight
    return y, (weight, inv_rms, x_hat)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_rms, x_hat = saved
    n = math.prod(grad_output.shape[:-1])
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else np.nan
    grad_x: Array | None = None
    grad_weight: Array | None = None
    if needs[1]:
        # (21) grad_weight[d] = sum[n](grad_output[n,d] * x_hat[n,d])
        grad_weight = np.einsum("nc,nc->c", grad_output.reshape(n, d), x_hat.reshape(n, d))
    if needs[0]:
        # (19) grad_x[n,d] = inv_rms[n] / D * (D * weight[d] * grad_output[n,d] - x_hat[n,d] * sum[d'](weight[d'] *
        #     grad_output[n,d'] * x_hat[n,d']))
        part = grad_output * weight
        dot_part_x_hat = np.vecdot(part, x_hat)
        grad_x = x_hat * (dot_part_x_hat * -inverse_d)[..., None]
        grad_x += part
        grad_x *= inv_rms[..., None]
    return grad_x, grad_weight


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_weight: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_rms, x_hat = saved
    d = tangent_x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (35) tangent_y[n,d] = inv_rms[n] * weight[d] * tangent_x[n,d] + tangent_weight[d] * x_hat[n,d] - inv_rms[n] *
    #     weight[d] * x_hat[n,d] * sum[d'](tangent_x[n,d'] * x_hat[n,d']) / D
    dot_tangent_x_x_hat = np.vecdot(tangent_x, x_hat)
    tangent_y = x_hat * (dot_tangent_x_x_hat * -inverse_d)[..., None]
    tangent_y += tangent_x
    tangent_y *= weight
    tangent_y *= inv_rms[..., None]
    part = x_hat * tangent_weight
    tangent_y += part
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_rms, x_hat = saved
    d = grad_output.shape[-1]
    n = math.prod(grad_output.shape[:-1])
    inverse_d = 1 / d if d else np.nan
    # (29) tangent_inv_rms[n] = -inv_rms[n]**2 * sum[d](tangent_x[n,d] * x_hat[n,d]) / D
    dot_tangent_x_x_hat = np.vecdot(tangent_x, x_hat)
    tangent_inv_rms = inv_rms * inv_rms
    tangent_inv_rms *= dot_tangent_x_x_hat
    tangent_inv_rms *= -inverse_d
    # (33) tangent_x_hat[n,d] = inv_rms[n] / D * (D * tangent_x[n,d] - x_hat[n,d] * sum[d'](tangent_x[n,d'] *
    #     x_hat[n,d']))
    tangent_x_hat = x_hat * (dot_tangent_x_x_hat * -inverse_d)[..., None]
    tangent_x_hat += tangent_x
    tangent_x_hat *= inv_rms[..., None]
    # (42) hvp_weight[d] = sum[n](grad_output[n,d] * tangent_x_hat[n,d])
    hvp_weight = np.einsum("nc,nc->c", grad_output.reshape(n, d), tangent_x_hat.reshape(n, d))
    # (40) hvp_x[n,d] = inv_rms[n] * tangent_weight[d] * grad_output[n,d] + tangent_inv_rms[n] * weight[d] *
    #     grad_output[n,d] - inv_rms[n] * x_hat[n,d] * sum[d'](tangent_weight[d'] * grad_output[n,d'] * x_hat[n,d'])
    #     / D - inv_rms[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * tangent_x_hat[n,d']) / D -
    #     inv_rms[n] * tangent_x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']) / D -
    #     tangent_inv_rms[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']) / D
    part = grad_output * tangent_weight
    dot_part_x_hat = np.vecdot(part, x_hat)
    part_2 = grad_output * weight
    dot_part_2_tangent_x_hat = np.vecdot(part_2, tangent_x_hat)
    dot_part_2_x_hat = np.vecdot(part_2, x_hat)
    hvp_x = tangent_x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    part_3 = x_hat * (dot_part_2_tangent_x_hat * inverse_d)[..., None]
    hvp_x -= part_3
    part_4 = x_hat * (dot_part_x_hat * inverse_d)[..., None]
    hvp_x -= part_4
    hvp_x += part
    hvp_x *= inv_rms[..., None]
    part_5 = x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    part_5 += part_2
    part_5 *= tangent_inv_rms[..., None]
    hvp_x += part_5
    return hvp_x, hvp_weight
