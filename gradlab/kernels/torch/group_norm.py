"""group_norm: Normalisation over each group of channels, h and w, with weight and bias per channel.

Generated from derivations/group_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: d676aa89d3bdc18b. Saved for the backward: weight, inv_std, x_hat.
The backward has 2 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive group_norm --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import pack, unpack


def forward(
    x: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int = 1, eps: float = 1e-05
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w).

    What `backward` needs: weight, inv_std, x_hat, num_groups.
    """
    x = unpack(x, 1, "group_norm", num_groups=num_groups)
    weight = unpack(weight, 0, "group_norm", num_groups=num_groups)
    bias = unpack(bias, 0, "group_norm", num_groups=num_groups)
    _, _, k, h, w = x.shape
    khw = k * h * w
    inverse_khw = 1 / khw if khw else math.nan
    # (1) mu[n,g] = sum[k,h,w](x[n,g,k,h,w]) / (K * H * W)
    sum_x = x.sum(dim=(2, 3, 4))
    mu = sum_x * inverse_khw
    # (2) xc[n,g,k,h,w] = x[n,g,k,h,w] - mu[n,g]
    xc = x - mu[:, :, None, None, None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=(2, 3, 4))
    xc -= (drift_xc * inverse_khw)[:, :, None, None, None]
    # (3) var[n,g] = sum[k,h,w](xc[n,g,k,h,w]**2) / (K * H * W)
    dot_xc = (xc * xc).sum(dim=(2, 3, 4))
    var = dot_xc * inverse_khw
    # (4) t1[n,g] = var[n,g] + eps
    t1 = var.add_(eps)
    # (5) inv_std[n,g] = 1 / sqrt(t1[n,g])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,g,k,h,w] = inv_std[n,g] * xc[n,g,k,h,w]
    x_hat = xc.mul_(inv_std[:, :, None, None, None])
    # (7) y[n,g,k,h,w] = weight[g,k] * x_hat[n,g,k,h,w] + bias[g,k]
    y = x_hat * weight[:, :, None, None]
    y = y + bias[:, :, None, None]
    return pack(y, 1), (weight, inv_std, x_hat, num_groups)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat, num_groups = saved
    grad_output = unpack(grad_output, 1, "group_norm", num_groups=num_groups)
    _, _, k, h, w = grad_output.shape
    khw = k * h * w
    inverse_khw = 1 / khw if khw else math.nan
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    grad_bias: Tensor | None = None
    # (32) grad_weight[g,k] = sum[n,h,w](grad_output[n,g,k,h,w] * x_hat[n,g,k,h,w])
    dot_g_x_hat = (grad_output * x_hat).sum(dim=(3, 4))
    if needs[1]:
        grad_weight = dot_g_x_hat.sum(dim=0)
    # (34) grad_bias[g,k] = sum[n,h,w](grad_output[n,g,k,h,w])
    sum_g = grad_output.sum(dim=(3, 4))
    if needs[2]:
        grad_bias = sum_g.sum(dim=0)
    if needs[0]:
        # (30) grad_x[n,g,k,h,w] = inv_std[n,g] / (K * H * W) * (K * H * W * weight[g,k] * grad_output[n,g,k,h,w] -
        #     sum[k',h',w'](weight[g,k'] * grad_output[n,g,k',h',w']) - x_hat[n,g,k,h,w] * sum[k',h',w'](weight[g,k'] *
        #     grad_output[n,g,k',h',w'] * x_hat[n,g,k',h',w']))
        dot_g_weight = (sum_g * weight).sum(dim=2)
        dot_g_x_hat_weight = (dot_g_x_hat * weight).sum(dim=2)
        grad_x = grad_output * weight[:, :, None, None]
        grad_x = torch.addcmul(grad_x, x_hat, (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None], value=-1)
        grad_x -= (dot_g_weight * inverse_khw)[:, :, None, None, None]
        grad_x = grad_x * inv_std[:, :, None, None, None]
        grad_x = pack(grad_x, 1)
    if needs[1]:
        grad_weight = pack(grad_weight, 0)
    if needs[2]:
        grad_bias = pack(grad_bias, 0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat, num_groups = saved
    tangent_x = unpack(tangent_x, 1, "group_norm", num_groups=num_groups)
    tangent_weight = unpack(tangent_weight, 0, "group_norm", num_groups=num_groups)
    tangent_bias = unpack(tangent_bias, 0, "group_norm", num_groups=num_groups)
    _, _, k, h, w = tangent_x.shape
    khw = k * h * w
    inverse_khw = 1 / khw if khw else math.nan
    # (53) tangent_y[n,g,k,h,w] = inv_std[n,g] * weight[g,k] * tangent_x[n,g,k,h,w] + tangent_weight[g,k] *
    #     x_hat[n,g,k,h,w] + tangent_bias[g,k] - inv_std[n,g] * weight[g,k] * sum[k',h',w'](tangent_x[n,g,k',h',w'])
    #     / (K * H * W) - inv_std[n,g] * weight[g,k] * x_hat[n,g,k,h,w] * sum[k',h',w'](tangent_x[n,g,k',h',w'] *
    #     x_hat[n,g,k',h',w']) / (K * H * W)
    sum_tangent_x = tangent_x.sum(dim=(2, 3, 4))
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3, 4))
    tangent_y = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_khw)[:, :, None, None, None])
    tangent_y -= (sum_tangent_x * inverse_khw)[:, :, None, None, None]
    tangent_y = tangent_y * weight[:, :, None, None]
    tangent_y = tangent_y * inv_std[:, :, None, None, None]
    tangent_y = tangent_y + tangent_bias[:, :, None, None]
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_weight[:, :, None, None])
    return pack(tangent_y, 1)


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat, num_groups = saved
    grad_output = unpack(grad_output, 1, "group_norm", num_groups=num_groups)
    tangent_x = unpack(tangent_x, 1, "group_norm", num_groups=num_groups)
    tangent_weight = unpack(tangent_weight, 0, "group_norm", num_groups=num_groups)
    tangent_bias = unpack(tangent_bias, 0, "group_norm", num_groups=num_groups)
    _, _, k, h, w = grad_output.shape
    khw = k * h * w
    inverse_khw = 1 / khw if khw else math.nan
    # (47) tangent_inv_std[n,g] = -inv_std[n,g]**2 * sum[k,h,w](tangent_x[n,g,k,h,w] * x_hat[n,g,k,h,w]) / (K * H *
    #     W)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3, 4))
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std = tangent_inv_std * dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_khw
    # (51) tangent_x_hat[n,g,k,h,w] = inv_std[n,g] / (K * H * W) * (K * H * W * tangent_x[n,g,k,h,w] -
    #     sum[k',h',w'](tangent_x[n,g,k',h',w']) - x_hat[n,g,k,h,w] * sum[k',h',w'](tangent_x[n,g,k',h',w'] *
    #     x_hat[n,g,k',h',w']))
    sum_tangent_x = tangent_x.sum(dim=(2, 3, 4))
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_khw)[:, :, None, None, None])
    tangent_x_hat -= (sum_tangent_x * inverse_khw)[:, :, None, None, None]
    tangent_x_hat = tangent_x_hat * inv_std[:, :, None, None, None]
    # (61) hvp_weight[g,k] = sum[n,h,w](grad_output[n,g,k,h,w] * tangent_x_hat[n,g,k,h,w])
    dot_g_tangent_x_hat = (grad_output * tangent_x_hat).sum(dim=(3, 4))
    hvp_weight = dot_g_tangent_x_hat.sum(dim=0)
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
    sum_g = grad_output.sum(dim=(3, 4))
    dot_g_tangent_weight = (sum_g * tangent_weight).sum(dim=2)
    dot_g_x_hat = (grad_output * x_hat).sum(dim=(3, 4))
    dot_g_x_hat_tangent_weight = (dot_g_x_hat * tangent_weight).sum(dim=2)
    dot_g_x_hat_weight = (dot_g_x_hat * weight).sum(dim=2)
    dot_g_tangent_x_hat_weight = (dot_g_tangent_x_hat * weight).sum(dim=2)
    dot_g_weight = (sum_g * weight).sum(dim=2)
    hvp_x = grad_output * tangent_weight[:, :, None, None]
    hvp_x = torch.addcmul(hvp_x, tangent_x_hat, (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_g_tangent_x_hat_weight * inverse_khw)[:, :, None, None, None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_g_x_hat_tangent_weight * inverse_khw)[:, :, None, None, None], value=-1)
    hvp_x -= (dot_g_tangent_weight * inverse_khw)[:, :, None, None, None]
    hvp_x *= inv_std[:, :, None, None, None]
    part_4 = grad_output * weight[:, :, None, None]
    part_4 = torch.addcmul(part_4, x_hat, (dot_g_x_hat_weight * inverse_khw)[:, :, None, None, None], value=-1)
    part_4 -= (dot_g_weight * inverse_khw)[:, :, None, None, None]
    part_4 = part_4 * tangent_inv_std[:, :, None, None, None]
    hvp_x += part_4
    # (62) hvp_bias[g,k] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return pack(hvp_x, 1), pack(hvp_weight, 0), pack(hvp_bias, 0)


def reference(x: Tensor, weight: Tensor, bias: Tensor, *, num_groups: int = 1, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.group_norm(x, num_groups, weight, bias, eps)
    return result
