"""layer_norm: Layer normalisation over the last axis, with the biased variance, weight and bias.

Generated from derivations/layer_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: bcd71796cfde3168. Saved for the backward: weight, inv_std, x_hat.
The backward has 4 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive layer_norm --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="layer_norm",
    summary="Layer normalisation over the last axis, with the biased variance, weight and bias.",
    signature=Signature.parse("(...,d),(d),(d)->(...,d)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("weight", "inv_std", "x_hat"),
    reference="torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps=eps)",
    digest="bcd71796cfde3168",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "weight"),
)


def forward(x: Array, weight: Array, bias: Array, *, eps: float = 1e-05) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,d),(d),(d)->(...,d), and what `backward` needs: weight, inv_std, x_hat."""
    d = x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (1) mu[n] = sum[d](x[n,d]) / D
    sum_x = np.einsum("...i->...", x)
    mu = sum_x * inverse_d
    # (2) xc[n,d] = x[n,d] - mu[n]
    xc = x - mu[..., None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.einsum("...i->...", xc)
    xc -= (drift_xc * inverse_d)[..., None]
    # (3) var[n] = sum[d](xc[n,d]**2) / D
    dot_xc = np.vecdot(xc, xc)
    var = dot_xc * inverse_d
    # (4) t1[n] = var[n] + eps
    t1 = var + eps
    # (5) inv_std[n] = 1 / sqrt(t1[n])
    inv_std = 1 / np.sqrt(t1)
    # (6) x_hat[n,d] = inv_std[n] * xc[n,d]
    x_hat = np.multiply(xc, inv_std[..., None], out=xc)
    # (7) y[n,d] = weight[d] * x_hat[n,d] + bias[d]
    y = x_hat * weight
    y += bias
    return y, (weight, inv_std, x_hat)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat = saved
    n = math.prod(grad_output.shape[:-1])
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else np.nan
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    if needs[1]:
        # (32) grad_weight[d] = sum[n](grad_output[n,d] * x_hat[n,d])
        grad_weight = np.einsum("nc,nc->c", grad_output.reshape(n, d), x_hat.reshape(n, d))
    if needs[2]:
        # (34) grad_bias[d] = sum[n](grad_output[n,d])
        grad_bias = np.ones(n, grad_output.dtype) @ grad_output.reshape(n, d)
    if needs[0]:
        # (30) grad_x[n,d] = inv_std[n] / D * (D * weight[d] * grad_output[n,d] - sum[d'](weight[d'] *
        #     grad_output[n,d']) - x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']))
        dot_g_weight = grad_output @ weight
        part = grad_output * weight
        dot_part_x_hat = np.vecdot(part, x_hat)
        grad_x = x_hat * (dot_part_x_hat * -inverse_d)[..., None]
        grad_x += part
        grad_x -= (dot_g_weight * inverse_d)[..., None]
        grad_x *= inv_std[..., None]
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat = saved
    d = tangent_x.shape[-1]
    inverse_d = 1 / d if d else np.nan
    # (53) tangent_y[n,d] = inv_std[n] * weight[d] * tangent_x[n,d] + tangent_weight[d] * x_hat[n,d] +
    #     tangent_bias[d] - inv_std[n] * weight[d] * sum[d'](tangent_x[n,d']) / D - inv_std[n] * weight[d] *
    #     x_hat[n,d] * sum[d'](tangent_x[n,d'] * x_hat[n,d']) / D
    sum_tangent_x = np.einsum("...i->...", tangent_x)
    dot_tangent_x_x_hat = np.vecdot(tangent_x, x_hat)
    tangent_y = x_hat * (dot_tangent_x_x_hat * -inverse_d)[..., None]
    tangent_y += tangent_x
    tangent_y -= (sum_tangent_x * inverse_d)[..., None]
    tangent_y *= weight
    tangent_y *= inv_std[..., None]
    tangent_y += tangent_bias
    part = x_hat * tangent_weight
    tangent_y += part
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat = saved
    d = grad_output.shape[-1]
    n = math.prod(grad_output.shape[:-1])
    inverse_d = 1 / d if d else np.nan
    # (47) tangent_inv_std[n] = -inv_std[n]**2 * sum[d](tangent_x[n,d] * x_hat[n,d]) / D
    dot_tangent_x_x_hat = np.vecdot(tangent_x, x_hat)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std *= dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_d
    # (51) tangent_x_hat[n,d] = inv_std[n] / D * (D * tangent_x[n,d] - sum[d'](tangent_x[n,d']) - x_hat[n,d] *
    #     sum[d'](tangent_x[n,d'] * x_hat[n,d']))
    sum_tangent_x = np.einsum("...i->...", tangent_x)
    tangent_x_hat = x_hat * (dot_tangent_x_x_hat * -inverse_d)[..., None]
    tangent_x_hat += tangent_x
    tangent_x_hat -= (sum_tangent_x * inverse_d)[..., None]
    tangent_x_hat *= inv_std[..., None]
    # (61) hvp_weight[d] = sum[n](grad_output[n,d] * tangent_x_hat[n,d])
    hvp_weight = np.einsum("nc,nc->c", grad_output.reshape(n, d), tangent_x_hat.reshape(n, d))
    # (59) hvp_x[n,d] = inv_std[n] * tangent_weight[d] * grad_output[n,d] + tangent_inv_std[n] * weight[d] *
    #     grad_output[n,d] - inv_std[n] * sum[d'](tangent_weight[d'] * grad_output[n,d']) / D - tangent_inv_std[n] *
    #     sum[d'](weight[d'] * grad_output[n,d']) / D - inv_std[n] * x_hat[n,d] * sum[d'](tangent_weight[d'] *
    #     grad_output[n,d'] * x_hat[n,d']) / D - inv_std[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] *
    #     tangent_x_hat[n,d']) / D - inv_std[n] * tangent_x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] *
    #     x_hat[n,d']) / D - tangent_inv_std[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d'])
    #     / D
    dot_g_tangent_weight = grad_output @ tangent_weight
    part = grad_output * tangent_weight
    dot_part_x_hat = np.vecdot(part, x_hat)
    part_2 = grad_output * weight
    dot_part_2_tangent_x_hat = np.vecdot(part_2, tangent_x_hat)
    dot_part_2_x_hat = np.vecdot(part_2, x_hat)
    dot_g_weight = grad_output @ weight
    hvp_x = tangent_x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    part_3 = x_hat * (dot_part_2_tangent_x_hat * inverse_d)[..., None]
    hvp_x -= part_3
    part_4 = x_hat * (dot_part_x_hat * inverse_d)[..., None]
    hvp_x -= part_4
    hvp_x += part
    hvp_x -= (dot_g_tangent_weight * inverse_d)[..., None]
    hvp_x *= inv_std[..., None]
    part_5 = x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    part_5 += part_2
    part_5 -= (dot_g_weight * inverse_d)[..., None]
    part_5 *= tangent_inv_std[..., None]
    hvp_x += part_5
    # (62) hvp_bias[d] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias
