"""group_norm: Normalisation over each group of channels, h and w, with weight and bias per channel.

Generated from derivations/group_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: d676aa89d3bdc18b. Saved for the backward: weight, inv_std, x_hat.
The backward has 2 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive group_norm --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.axes import pack, unpack
from gradlab.operation import Argument, Operation, Packed, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="group_norm",
    summary="Normalisation over each group of channels, h and w, with weight and bias per channel.",
    signature=Signature.parse("(n,c,h,w),(c),(c)->(n,c,h,w)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("weight", "inv_std", "x_hat"),
    reference="torch.nn.functional.group_norm(x, num_groups, weight, bias, eps)",
    digest="d676aa89d3bdc18b",
    parameters=(
        Parameter("num_groups", 1, 1, 4, integer=True),
        Parameter("eps", 1e-05, 1e-08, 0.1),
    ),
    packed=Packed("c", "num_groups", "k"),
    output="y",
    curved=("x", "weight"),
)


def forward(
    x: Array, weight: Array, bias: Array, *, num_groups: int = 1, eps: float = 1e-05
) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w).

    What `backward` needs: weight, inv_std, x_hat, num_groups.
    """
    x = unpack(x, 1, "group_norm", num_groups=num_groups)
    weight = unpack(weight, 0, "group_norm", num_groups=num_groups)
    bias = unpack(bias, 0, "group_norm", num_groups=num_groups)
    n, _, k, h, w = x.shape
    khw = k * h * w
    num_groups_k_h_w = num_groups * k * h * w
    hw = h * w
    inverse_khw = 1 / khw if khw else np.nan
    # (1) mu[n,g] = sum[k,h,w](x[n,g,k,h,w]) / (K * H * W)
    sum_x = np.einsum("abcde->ab", x)
    mu = sum_x * inverse_khw
    # (2) xc[n,g,k,h,w] = x[n,g,k,h,w] - mu[n,g]
    xc = x - mu[:, :, None, None, None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.einsum("abcde->ab", xc)
    xc -= (drift_xc * inverse_khw)[:, :, None, None, None]
    # (3) var[n,g] = sum[k,h,w](xc[n,g,k,h,w]**2) / (K * H * W)
    dot_xc = np.vecdot(xc.reshape(n, num_groups, khw), xc.reshape(n, num_groups, khw))
    var = dot_xc * inverse_khw
    # (4) t1[n,g] = var[n,g] + eps
    t1 = np.add(var, eps, out=var)
    # (5) inv_std[n,g] = 1 / sqrt(t1[n,g])
    inv_std = 1 / np.sqrt(t1)
    # (6) x_hat[n,g,k,h,w] = inv_std[n,g] * xc[n,g,k,h,w]
    x_hat = np.multiply(xc, inv_std[:, :, None, None, None], out=xc)
    # (7) y[n,g,k,h,w] = weight[g,k] * x_hat[n,g,k,h,w] + bias[g,k]
    y = x_hat.reshape(n, num_groups_k_h_w) * np.repeat(weight, hw)
    y += np.repeat(bias, hw)
    return pack(y.reshape(n, num_groups, k, h, w), 1), (weight, inv_std, x_hat, num_groups)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat, num_groups = saved
    grad_output = unpack(grad_output, 1, "group_norm", num_groups=num_groups)
    n, _, k, h, w = grad_output.shape
    hw = h * w
    num_groups_k_h_w = num_groups * k * h * w
    khw = k * h * w
    inverse_khw = 1 / khw if khw else np.nan
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    # (32) grad_weight[g,k] = sum[n,h,w](grad_output[n,g,k,h,w] * x_hat[n,g,k,h,w])
    dot_g_x_hat = np.vecdot(grad_output.reshape(n, num_groups, k, hw), x_hat.reshape(n, num_groups, k, hw))
    if needs[1]:
        grad_weight = np.einsum("abc->bc", dot_g_x_hat)
    # (34) grad_bias[g,k] = sum[n,h,w](grad_output[n,g,k,h,w])
    sum_g = np.einsum("abcde->abc", grad_output)
    if needs[2]:
        grad_bias = np.einsum("abc->bc", sum_g)
    if needs[0]:
        # (30) grad_x[n,g,k,h,w] = inv_std[n,g] / (K * H * W) * (K * H * W * weight[g,k] * grad_output[n,g,k,h,w] -
        #     sum[k',h',w'](weight[g,k'] * grad_output[n,g,k',h',w']) - x_hat[n,g,k,h,w] * sum[k',h',w'](weight[g,k'] *
        #     grad_output[n,g,k',h',w'] * x_hat[n,g,k',h',w']))
        dot_g_weight = np.einsum("abc,bc->ab", sum_g, weight)
        dot_g_x_hat_weight = np.einsum("abc,bc->ab", dot_g_x_hat, weight)
        grad_x = grad_output.reshape(n, num_groups_k_h_w) * np.repeat(weight, hw)
        part = x_hat * (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None]
        grad_x -= part.reshape(n, num_groups_k_h_w)
        grad_x = grad_x.reshape(n, num_groups, k, h, w)
        grad_x -= (dot_g_weight * inverse_khw)[:, :, None, None, None]
        grad_x *= inv_std[:, :, None, None, None]
        grad_x = pack(grad_x, 1)
    if needs[1]:
        grad_weight = pack(grad_weight, 0)
    if needs[2]:
        grad_bias = pack(grad_bias, 0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat, num_groups = saved
    tangent_x = unpack(tangent_x, 1, "group_norm", num_groups=num_groups)
    tangent_weight = unpack(tangent_weight, 0, "group_norm", num_groups=num_groups)
    tangent_bias = unpack(tangent_bias, 0, "group_norm", num_groups=num_groups)
    n, _, k, h, w = tangent_x.shape
    khw = k * h * w
    num_groups_k_h_w = num_groups * k * h * w
    hw = h * w
    inverse_khw = 1 / khw if khw else np.nan
    # (53) tangent_y[n,g,k,h,w] = inv_std[n,g] * weight[g,k] * tangent_x[n,g,k,h,w] + tangent_weight[g,k] *
    #     x_hat[n,g,k,h,w] + tangent_bias[g,k] - inv_std[n,g] * weight[g,k] * sum[k',h',w'](tangent_x[n,g,k',h',w'])
    #     / (K * H * W) - inv_std[n,g] * weight[g,k] * x_hat[n,g,k,h,w] * sum[k',h',w'](tangent_x[n,g,k',h',w'] *
    #     x_hat[n,g,k',h',w']) / (K * H * W)
    sum_tangent_x = np.einsum("abcde->ab", tangent_x)
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, num_groups, khw), x_hat.reshape(n, num_groups, khw))
    tangent_y = x_hat * (dot_tangent_x_x_hat * -inverse_khw)[:, :, None, None, None]
    tangent_y += tangent_x
    tangent_y -= (sum_tangent_x * inverse_khw)[:, :, None, None, None]
    tangent_y *= weight[:, :, None, None]
    tangent_y *= inv_std[:, :, None, None, None]
    tangent_y += tangent_bias[:, :, None, None]
    part = x_hat.reshape(n, num_groups_k_h_w) * np.repeat(tangent_weight, hw)
    tangent_y += part.reshape(n, num_groups, k, h, w)
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat, num_groups = saved
    grad_output = unpack(grad_output, 1, "group_norm", num_groups=num_groups)
    tangent_x = unpack(tangent_x, 1, "group_norm", num_groups=num_groups)
    tangent_weight = unpack(tangent_weight, 0, "group_norm", num_groups=num_groups)
    tangent_bias = unpack(tangent_bias, 0, "group_norm", num_groups=num_groups)
    n, _, k, h, w = grad_output.shape
    khw = k * h * w
    hw = h * w
    num_groups_k_h_w = num_groups * k * h * w
    inverse_khw = 1 / khw if khw else np.nan
    # (47) tangent_inv_std[n,g] = -inv_std[n,g]**2 * sum[k,h,w](tangent_x[n,g,k,h,w] * x_hat[n,g,k,h,w]) / (K * H *
    #     W)
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, num_groups, khw), x_hat.reshape(n, num_groups, khw))
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std *= dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_khw
    # (51) tangent_x_hat[n,g,k,h,w] = inv_std[n,g] / (K * H * W) * (K * H * W * tangent_x[n,g,k,h,w] -
    #     sum[k',h',w'](tangent_x[n,g,k',h',w']) - x_hat[n,g,k,h,w] * sum[k',h',w'](tangent_x[n,g,k',h',w'] *
    #     x_hat[n,g,k',h',w']))
    sum_tangent_x = np.einsum("abcde->ab", tangent_x)
    tangent_x_hat = x_hat * (dot_tangent_x_x_hat * -inverse_khw)[:, :, None, None, None]
    tangent_x_hat += tangent_x
    tangent_x_hat -= (sum_tangent_x * inverse_khw)[:, :, None, None, None]
    tangent_x_hat *= inv_std[:, :, None, None, None]
    # (61) hvp_weight[g,k] = sum[n,h,w](grad_output[n,g,k,h,w] * tangent_x_hat[n,g,k,h,w])
    dot_g_tangent_x_hat = np.vecdot(
        grad_output.reshape(n, num_groups, k, hw), tangent_x_hat.reshape(n, num_groups, k, hw)
    )
    hvp_weight = np.einsum("abc->bc", dot_g_tangent_x_hat)
    # (59) hvp_x[n,g,k,h,w] = inv_std[n,g] * tangent_weight[g,k] * grad_output[n,g,k,h,w] + tangent_inv_std[n,g] *
    #     weight[g,k] * grad_output[n,g,k,h,w] - inv_std[n,g] * sum[k',h',w'](tangent_weight[g,k'] *
    #     grad_output[n,g,k',h',w']) / (K * H * W) - tangent_inv_std[n,g] * sum[k',h',w'](weight[g,k'] *
    #     grad_output[n,g,k',h',w']) / (K * H * W) - inv_std[n,g] * x_hat[n,g,k,h,w] *
    #     sum[k',h',w'](tangent_weight[g,k'] * grad_output[n,g,k',h',w'] * x_hat[n,g,k',h',w']) / (K * H * W) -
    #     inv_std[n,g] * tangent_x_hat[n,g,k,h,w] * sum[k',h',w'](weight[g,k'] * grad_output[n,g,k',h',w'] *
    #     x_hat[n,g,k',h',w']) / (K * H * W) - inv_std[n,g] * x_hat[n,g,k,h,w] * sum[k',h',w'](weight[g,k'] *
    #     grad_output[n,g,k',h',w'] * tangent_x_hat[n,g,k',h',w']) / (K * H * W) - tangent_inv_std[n,g] *
    #     x_hat[n,g,k,h,w] * sum[k',h',w'](weight[g,k'] * grad_output[n,g,k',h',w'] * x_hat[n,g,k',h',w']) / (K * H
    #     * W)
    sum_g = np.einsum("abcde->abc", grad_output)
    dot_g_tangent_weight = np.einsum("abc,bc->ab", sum_g, tangent_weight)
    dot_g_x_hat = np.vecdot(grad_output.reshape(n, num_groups, k, hw), x_hat.reshape(n, num_groups, k, hw))
    dot_g_x_hat_tangent_weight = np.einsum("abc,bc->ab", dot_g_x_hat, tangent_weight)
    dot_g_x_hat_weight = np.einsum("abc,bc->ab", dot_g_x_hat, weight)
    dot_g_tangent_x_hat_weight = np.einsum("abc,bc->ab", dot_g_tangent_x_hat, weight)
    dot_g_weight = np.einsum("abc,bc->ab", sum_g, weight)
    hvp_x = grad_output.reshape(n, num_groups_k_h_w) * np.repeat(tangent_weight, hw)
    part = tangent_x_hat * (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None]
    hvp_x -= part.reshape(n, num_groups_k_h_w)
    part_2 = x_hat * (dot_g_tangent_x_hat_weight * inverse_khw)[:, :, None, None, None]
    hvp_x -= part_2.reshape(n, num_groups_k_h_w)
    part_3 = x_hat * (dot_g_x_hat_tangent_weight * inverse_khw)[:, :, None, None, None]
    hvp_x -= part_3.reshape(n, num_groups_k_h_w)
    hvp_x = hvp_x.reshape(n, num_groups, k, h, w)
    hvp_x -= (dot_g_tangent_weight * inverse_khw)[:, :, None, None, None]
    hvp_x *= inv_std[:, :, None, None, None]
    part_4 = grad_output.reshape(n, num_groups_k_h_w) * np.repeat(weight, hw)
    part_5 = x_hat * (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None]
    part_4 -= part_5.reshape(n, num_groups_k_h_w)
    part_4 = part_4.reshape(n, num_groups, k, h, w)
    part_4 -= (dot_g_weight * inverse_khw)[:, :, None, None, None]
    part_4 *= tangent_inv_std[:, :, None, None, None]
    hvp_x += part_4
    # (62) hvp_bias[g,k] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)
