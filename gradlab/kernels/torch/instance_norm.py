"""instance_norm: Normalisation over h and w for each n and c, with the biased variance, weight and bias.

Generated from derivations/instance_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 8d34c49aa17b05a4. Saved for the backward: weight, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive instance_norm --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w), and what `backward` needs: weight, inv_std, x_hat."""
    _, _, h, w = x.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (1) mu[n,c] = sum[h,w](x[n,c,h,w]) / (H * W)
    sum_x = x.sum(dim=(2, 3))
    mu = sum_x * inverse_hw
    # (2) xc[n,c,h,w] = x[n,c,h,w] - mu[n,c]
    xc = x - mu[:, :, None, None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=(2, 3))
    xc -= (drift_xc * inverse_hw)[:, :, None, None]
    # (3) var[n,c] = sum[h,w](xc[n,c,h,w]**2) / (H * W)
    dot_xc = (xc * xc).sum(dim=(2, 3))
    var = dot_xc * inverse_hw
    # (4) t1[n,c] = var[n,c] + eps
    t1 = var.add_(eps)
    # (5) inv_std[n,c] = 1 / sqrt(t1[n,c])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,c,h,w] = inv_std[n,c] * xc[n,c,h,w]
    x_hat = xc.mul_(inv_std[:, :, None, None])
    # (7) y[n,c,h,w] = weight[c] * x_hat[n,c,h,w] + bias[c]
    y = x_hat * weight[:, None, None]
    y = y + bias[:, None, None]
    return y, (weight, inv_std, x_hat)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat = saved
    _, _, h, w = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    grad_bias: Tensor | None = None
    # (32) grad_weight[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
    dot_g_x_hat = (grad_output * x_hat).sum(dim=(2, 3))
    if needs[1]:
        grad_weight = dot_g_x_hat.sum(dim=0)
    # (34) grad_bias[c] = sum[n,h,w](grad_output[n,c,h,w])
    sum_g = grad_output.sum(dim=(2, 3))
    if needs[2]:
        grad_bias = sum_g.sum(dim=0)
    if needs[0]:
        # (30) grad_x[n,c,h,w] = weight[c] * inv_std[n,c] / (H * W) * (H * W * grad_output[n,c,h,w] -
        #     sum[h',w'](grad_output[n,c,h',w']) - x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] *
        #     x_hat[n,c,h',w']))
        grad_x = torch.addcmul(grad_output, x_hat, (dot_g_x_hat * -inverse_hw)[:, :, None, None])
        grad_x -= (sum_g * inverse_hw)[:, :, None, None]
        grad_x = grad_x * (weight * inv_std)[:, :, None, None]
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat = saved
    _, _, h, w = tangent_x.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (53) tangent_y[n,c,h,w] = weight[c] * inv_std[n,c] * tangent_x[n,c,h,w] + tangent_weight[c] * x_hat[n,c,h,w] +
    #     tangent_bias[c] - weight[c] * inv_std[n,c] * sum[h',w'](tangent_x[n,c,h',w']) / (H * W) - weight[c] *
    #     inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](tangent_x[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W)
    sum_tangent_x = tangent_x.sum(dim=(2, 3))
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3))
    tangent_y = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_hw)[:, :, None, None])
    tangent_y -= (sum_tangent_x * inverse_hw)[:, :, None, None]
    tangent_y = tangent_y * (weight * inv_std)[:, :, None, None]
    tangent_y = tangent_y + tangent_bias[:, None, None]
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_weight[:, None, None])
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat = saved
    _, _, h, w = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (47) tangent_inv_std[n,c] = -inv_std[n,c]**2 * sum[h,w](tangent_x[n,c,h,w] * x_hat[n,c,h,w]) / (H * W)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3))
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std = tangent_inv_std * dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_hw
    # (51) tangent_x_hat[n,c,h,w] = inv_std[n,c] / (H * W) * (H * W * tangent_x[n,c,h,w] -
    #     sum[h',w'](tangent_x[n,c,h',w']) - x_hat[n,c,h,w] * sum[h',w'](tangent_x[n,c,h',w'] * x_hat[n,c,h',w']))
    sum_tangent_x = tangent_x.sum(dim=(2, 3))
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_hw)[:, :, None, None])
    tangent_x_hat -= (sum_tangent_x * inverse_hw)[:, :, None, None]
    tangent_x_hat = tangent_x_hat * inv_std[:, :, None, None]
    # (61) hvp_weight[c] = sum[n,h,w](grad_output[n,c,h,w] * tangent_x_hat[n,c,h,w])
    dot_g_tangent_x_hat = (grad_output * tangent_x_hat).sum(dim=(2, 3))
    hvp_weight = dot_g_tangent_x_hat.sum(dim=0)
    # (59) hvp_x[n,c,h,w] = tangent_weight[c] * inv_std[n,c] * grad_output[n,c,h,w] + weight[c] *
    #     tangent_inv_std[n,c] * grad_output[n,c,h,w] - tangent_weight[c] * inv_std[n,c] *
    #     sum[h',w'](grad_output[n,c,h',w']) / (H * W) - weight[c] * tangent_inv_std[n,c] *
    #     sum[h',w'](grad_output[n,c,h',w']) / (H * W) - tangent_weight[c] * inv_std[n,c] * x_hat[n,c,h,w] *
    #     sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W) - weight[c] * inv_std[n,c] *
    #     tangent_x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w']) / (H * W) - weight[c] *
    #     inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * tangent_x_hat[n,c,h',w']) / (H * W) -
    #     weight[c] * tangent_inv_std[n,c] * x_hat[n,c,h,w] * sum[h',w'](grad_output[n,c,h',w'] * x_hat[n,c,h',w'])
    #     / (H * W)
    sum_g = grad_output.sum(dim=(2, 3))
    dot_g_x_hat = (grad_output * x_hat).sum(dim=(2, 3))
    hvp_x = torch.addcmul(grad_output, x_hat, (dot_g_x_hat * -inverse_hw)[:, :, None, None])
    hvp_x -= (sum_g * inverse_hw)[:, :, None, None]
    hvp_x = hvp_x * (tangent_weight * inv_std)[:, :, None, None]
    part = grad_output * tangent_inv_std[:, :, None, None]
    part = torch.addcmul(part, tangent_x_hat, (inv_std * inverse_hw * dot_g_x_hat)[:, :, None, None], value=-1)
    part = torch.addcmul(part, x_hat, (inv_std * inverse_hw * dot_g_tangent_x_hat)[:, :, None, None], value=-1)
    part = torch.addcmul(part, x_hat, (tangent_inv_std * inverse_hw * dot_g_x_hat)[:, :, None, None], value=-1)
    part -= (tangent_inv_std * inverse_hw * sum_g)[:, :, None, None]
    part = part * weight[:, None, None]
    hvp_x = hvp_x + part
    # (62) hvp_bias[c] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias


def reference(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.instance_norm(x, weight=weight, bias=bias, eps=eps)
    return result
