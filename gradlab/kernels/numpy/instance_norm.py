"""instance_norm: Normalisation over h and w for each n and c, with the biased variance, weight and bias.

Generated from derivations/instance_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 8d34c49aa17b05a4. Saved for the backward: weight, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive instance_norm --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="instance_norm",
    summary="Normalisation over h and w for each n and c, with the biased variance, weight and bias.",
    signature=Signature.parse("(n,c,h,w),(c),(c)->(n,c,h,w)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("weight", "inv_std", "x_hat"),
    reference="torch.nn.functional.instance_norm(x, weight=weight, bias=bias, eps=eps)",
    digest="8d34c49aa17b05a4",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "weight"),
)


def forward(x: Array, weight: Array, bias: Array, *, eps: float = 1e-05) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w), and what `backward` needs: weight, inv_std, x_hat."""
    n, c, h, w = x.shape
    hw = h * w
    chw = c * h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (1) mu[n,c] = sum[h,w](x[n,c,h,w]) / (H * W)
    sum_x = np.einsum("abcd->ab", x)
    mu = sum_x * inverse_hw
    # (2) xc[n,c,h,w] = x[n,c,h,w] - mu[n,c]
    xc = x - mu[:, :, None, None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.einsum("abcd->ab", xc)
    xc -= (drift_xc * inverse_hw)[:, :, None, None]
    # (3) var[n,c] = sum[h,w](xc[n,c,h,w]**2) / (H * W)
    dot_xc = np.vecdot(xc.reshape(n, c, hw), xc.reshape(n, c, hw))
    var = dot_xc * inverse_hw
    # (4) t1[n,c] = var[n,c] + eps
    t1 = np.add(var, eps, out=var)
    # (5) inv_std[n,c] = 1 / sqrt(t1[n,c])
    inv_std = 1 / np.sqrt(t1)
    # (6) x_hat[n,c,h,w] = inv_std[n,c] * xc[n,c,h,w]
    x_hat = np.multiply(xc, inv_std[:, :, None, None], out=xc)
    # (7) y[n,c,h,w] = weight[c] * x_hat[n,c,h,w] + bias[c]
    y = x_hat.reshape(n, chw) * np.repeat(weight, hw)
    y += np.repeat(bias, hw)
    return y.reshape(n, c, h, w), (weight, inv_std, x_hat)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat = saved
    n, c, h, w = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else np.nan
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    # (32) grad_weight[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
    dot_g_x_hat = np.vecdot(grad_output.reshape(n, c, hw), x_hat.reshape(n, c, hw))
    if needs[1]:
        grad_weight = np.ones(len(dot_g_x_hat), dot_g_x_hat.dtype) @ dot_g_x_hat
    # (34) grad_bias[c] = sum[n,h,w](grad_output[n,c,h,w])
    sum_g = np.einsum("abcd->ab", grad_output)
    if needs[2]:
        grad_bias = np.ones(len(sum_g), sum_g.dtype) @ sum_g
    if needs[0]:
        # (30) grad_x[n,c,h,w] = weight[c] * inv_std[n,c] / (H * W) * (H * W * grad_output[n,c,h,w] -
        #     sum[h',w'](grad_output[n,c,h',w']) - x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] *
        #     x_hat[n,c,h',w']))
        grad_x = x_hat * (dot_g_x_hat * -inverse_hw)[:, :, None, None]
        grad_x += grad_output
        grad_x -= (sum_g * inverse_hw)[:, :, None, None]
        grad_x *= (weight * inv_std)[:, :, None, None]
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat = saved
    n, c, h, w = tangent_x.shape
    hw = h * w
    chw = c * h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (53) tangent_y[n,c,h,w] = weight[c] * inv_std[n,c] * tangent_x[n,c,h,w] + tangent_weight[c] * x_hat[n,c,h,w] +
    #     tangent_bias[c] - weight[c] * inv_std[n,c] * sum[h',w'](tangent_x[n,c,h',w']) / (H * W) - weight[c] *
    #     inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](tangent_x[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W)
    sum_tangent_x = np.einsum("abcd->ab", tangent_x)
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, c, hw), x_hat.reshape(n, c, hw))
    tangent_y = x_hat * (dot_tangent_x_x_hat * -inverse_hw)[:, :, None, None]
    tangent_y += tangent_x
    tangent_y -= (sum_tangent_x * inverse_hw)[:, :, None, None]
    tangent_y *= (weight * inv_std)[:, :, None, None]
    tangent_y += tangent_bias[:, None, None]
    part = x_hat.reshape(n, chw) * np.repeat(tangent_weight, hw)
    tangent_y += part.reshape(n, c, h, w)
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat = saved
    n, c, h, w = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (47) tangent_inv_std[n,c] = -inv_std[n,c]**2 * sum[h,w](tangent_x[n,c,h,w] * x_hat[n,c,h,w]) / (H * W)
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, c, hw), x_hat.reshape(n, c, hw))
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std *= dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_hw
    # (51) tangent_x_hat[n,c,h,w] = inv_std[n,c] / (H * W) * (H * W * tangent_x[n,c,h,w] -
    #     sum[h',w'](tangent_x[n,c,h',w']) - x_hat[n,c,h,w] * sum[h',w'](tangent_x[n,c,h',w'] * x_hat[n,c,h',w']))
    sum_tangent_x = np.einsum("abcd->ab", tangent_x)
    tangent_x_hat = x_hat * (dot_tangent_x_x_hat * -inverse_hw)[:, :, None, None]
    tangent_x_hat += tangent_x
    tangent_x_hat -= (sum_tangent_x * inverse_hw)[:, :, None, None]
    tangent_x_hat *= inv_std[:, :, None, None]
    # (61) hvp_weight[c] = sum[n,h,w](grad_output[n,c,h,w] * tangent_x_hat[n,c,h,w])
    dot_g_tangent_x_hat = np.vecdot(grad_output.reshape(n, c, hw), tangent_x_hat.reshape(n, c, hw))
    hvp_weight = np.ones(len(dot_g_tangent_x_hat), dot_g_tangent_x_hat.dtype) @ dot_g_tangent_x_hat
    # (59) hvp_x[n,c,h,w] = tangent_weight[c] * inv_std[n,c] * grad_output[n,c,h,w] + weight[c] *
    #     tangent_inv_std[n,c] * grad_output[n,c,h,w] - tangent_weight[c] * inv_std[n,c] *
    #     sum[h',w'](grad_output[n,c,h',w']) / (H * W) - weight[c] * tangent_inv_std[n,c] *
    #     sum[h',w'](grad_output[n,c,h',w']) / (H * W) - tangent_weight[c] * inv_std[n,c] * x_hat[n,c,h,w] *
    #     sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W) - weight[c] * inv_std[n,c] *
    #     tangent_x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W) - weight[c] *
    #     inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * tangent_x_hat[n,c,h',w']) / (H * W) -
    #     weight[c] * tangent_inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w'])
    #     / (H * W)
    sum_g = np.einsum("abcd->ab", grad_output)
    dot_g_x_hat = np.vecdot(grad_output.reshape(n, c, hw), x_hat.reshape(n, c, hw))
    hvp_x = x_hat * (dot_g_x_hat * -inverse_hw)[:, :, None, None]
    hvp_x += grad_output
    hvp_x -= (sum_g * inverse_hw)[:, :, None, None]
    hvp_x *= (tangent_weight * inv_std)[:, :, None, None]
    part = grad_output * tangent_inv_std[:, :, None, None]
    part_2 = tangent_x_hat * (inv_std * inverse_hw * dot_g_x_hat)[:, :, None, None]
    part -= part_2
    part_3 = x_hat * (inv_std * inverse_hw * dot_g_tangent_x_hat)[:, :, None, None]
    part -= part_3
    part_4 = x_hat * (tangent_inv_std * inverse_hw * dot_g_x_hat)[:, :, None, None]
    part -= part_4
    part -= (tangent_inv_std * inverse_hw * sum_g)[:, :, None, None]
    part *= weight[:, None, None]
    hvp_x += part
    # (62) hvp_bias[c] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias
