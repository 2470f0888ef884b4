"""layer_norm: Layer normalisation over the last axis, with the biased variance, weight and bias.

Generated from derivations/layer_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: bcd71796cfde3168. Saved for the backward: weight, inv_std, x_hat.
The backward has 4 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive layer_norm --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d),(d),(d)->(...,d), and what `backward` needs: weight, inv_std, x_hat."""
    d = x.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (1) mu[n] = sum[d](x[n,d]) / D
    sum_x = x.sum(dim=-1)
    mu = sum_x * inverse_d
    # (2) xc[n,d] = x[n,d] - mu[n]
    xc = x - mu[..., None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=-1)
    xc -= (drift_xc * inverse_d)[..., None]
    # (3) var[n] = sum[d](xc[n,d]**2) / D
    dot_xc = (xc * xc).sum(dim=-1)
    var = dot_xc * inverse_d
    # (4) t1[n] = var[n] + eps
    t1 = var.add_(eps)
    # (5) inv_std[n] = 1 / sqrt(t1[n])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,d] = inv_std[n] * xc[n,d]
    x_hat = xc.mul_(inv_std[..., None])
    # (7) y[n,d] = weight[d] * x_hat[n,d] + bias[d]
    y = torch.addcmul(bias, x_hat, weight)
    return y, (weight, inv_std, x_hat)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_std, x_hat = saved
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else math.nan
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    grad_bias: Tensor | None = None
    if needs[1]:
        # (32) grad_weight[d] = sum[n](grad_output[n,d] * x_hat[n,d])
        grad_weight = (grad_output * x_hat).sum_to_size(grad_output.shape[-1:])
    if needs[2]:
        # (34) grad_bias[d] = sum[n](grad_output[n,d])
        grad_bias = grad_output.sum_to_size(grad_output.shape[-1:])
    if needs[0]:
        # (30) grad_x[n,d] = inv_std[n] / D * (D * weight[d] * grad_output[n,d] - sum[d'](weight[d'] *
        #     grad_output[n,d']) - x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']))
        dot_g_weight = grad_output @ weight
        part = grad_output * weight
        dot_part_x_hat = (part * x_hat).sum(dim=-1)
        grad_x = torch.addcmul(part, x_hat, (dot_part_x_hat * -inverse_d)[..., None])
        grad_x -= (dot_g_weight * inverse_d)[..., None]
        grad_x = grad_x * inv_std[..., None]
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_std, x_hat = saved
    d = tangent_x.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (53) tangent_y[n,d] = inv_std[n] * weight[d] * tangent_x[n,d] + tangent_weight[d] * x_hat[n,d] +
    #     tangent_bias[d] - inv_std[n] * weight[d] * sum[d'](tangent_x[n,d']) / D - inv_std[n] * weight[d] *
    #     x_hat[n,d] * sum[d'](tangent_x[n,d'] * x_hat[n,d']) / D
    sum_tangent_x = tangent_x.sum(dim=-1)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=-1)
    tangent_y = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_d)[..., None])
    tangent_y -= (sum_tangent_x * inverse_d)[..., None]
    tangent_y = tangent_y * weight
    tangent_y = tangent_y * inv_std[..., None]
    tangent_y = tangent_y + tangent_bias
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_weight)
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_std, x_hat = saved
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (47) tangent_inv_std[n] = -inv_std[n]**2 * sum[d](tangent_x[n,d] * x_hat[n,d]) / D
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=-1)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std = tangent_inv_std * dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_d
    # (51) tangent_x_hat[n,d] = inv_std[n] / D * (D * tangent_x[n,d] - sum[d'](tangent_x[n,d']) - x_hat[n,d] *
    #     sum[d'](tangent_x[n,d'] * x_hat[n,d']))
    sum_tangent_x = tangent_x.sum(dim=-1)
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_d)[..., None])
    tangent_x_hat -= (sum_tangent_x * inverse_d)[..., None]
    tangent_x_hat = tangent_x_hat * inv_std[..., None]
    # (61) hvp_weight[d] = sum[n](grad_output[n,d] * tangent_x_hat[n,d])
    hvp_weight = (grad_output * tangent_x_hat).sum_to_size(grad_output.shape[-1:])
    # (59) hvp_x[n,d] = inv_std[n] * tangent_weight[d] * grad_output[n,d] + tangent_inv_std[n] * weight[d] *
    #     grad_output[n,d] - inv_std[n] * sum[d'](tangent_weight[d'] * grad_output[n,d']) / D - tangent_inv_std[n] *
    #     sum[d'](weight[d'] * grad_output[n,d']) / D - inv_std[n] * x_hat[n,d] * sum[d'](tangent_weight[d'] *
    #     grad_output[n,d'] * x_hat[n,d']) / D - inv_std[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] *
    #     tangent_x_hat[n,d']) / D - inv_std[n] * tangent_x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] *
    #     x_hat[n,d']) / D - tangent_inv_std[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d'])
    #     / D
    dot_g_tangent_weight = grad_output @ tangent_weight
    part = grad_output * tangent_weight
    dot_part_x_hat = (part * x_hat).sum(dim=-1)
    part_2 = grad_output * weight
    dot_part_2_tangent_x_hat = (part_2 * tangent_x_hat).sum(dim=-1)
    dot_part_2_x_hat = (part_2 * x_hat).sum(dim=-1)
    dot_g_weight = grad_output @ weight
    hvp_x = tangent_x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_part_2_tangent_x_hat * inverse_d)[..., None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_part_x_hat * inverse_d)[..., None], value=-1)
    hvp_x += part
    hvp_x -= (dot_g_tangent_weight * inverse_d)[..., None]
    hvp_x *= inv_std[..., None]
    part_5 = torch.addcmul(part_2, x_hat, (dot_part_2_x_hat * -inverse_d)[..., None])
    part_5 -= (dot_g_weight * inverse_d)[..., None]
    part_5 = part_5 * tangent_inv_std[..., None]
    hvp_x += part_5
    # (62) hvp_bias[d] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias


def reference(x: Tensor, weight: Tensor, bias: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, eps=eps)
    return result
