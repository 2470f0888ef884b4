"""rms_norm: Division by the root mean square over the last axis, with weight.

Generated from derivations/layer_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 9054621b4fffb0ad. Saved for the backward: weight, inv_rms, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive rms_norm --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, weight: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d),(d)->(...,d), and what `backward` needs: weight, inv_rms, x_hat."""
    d = x.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (1) mean_square[n] = sum[d](x[n,d]**2) / D
    dot_x = (x * x).sum(dim=-1)
    mean_square = dot_x * inverse_d
    # (2) t1[n] = mean_square[n] + eps
    t1 = mean_square.add_(eps)
    # (3) inv_rms[n] = 1 / sqrt(t1[n])
    inv_rms = torch.rsqrt(t1)
    # (4) x_hat[n,d] = inv_rms[n] * x[n,d]
    x_hat = x * inv_rms[..., None]
    # (5) y[n,d] = weight[d] * x_hat[n,d]
    y = x_hat * weight
    return y, (weight, inv_rms, x_hat)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    weight, inv_rms, x_hat = saved
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else math.nan
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    if needs[1]:
        # (21) grad_weight[d] = sum[n](grad_output[n,d] * x_hat[n,d])
        grad_weight = (grad_output * x_hat).sum_to_size(grad_output.shape[-1:])
    if needs[0]:
        # (19) grad_x[n,d] = inv_rms[n] / D * (D * weight[d] * grad_output[n,d] - x_hat[n,d] * sum[d'](weight[d'] *
        #     grad_output[n,d'] * x_hat[n,d']))
        part = grad_output * weight
        dot_part_x_hat = (part * x_hat).sum(dim=-1)
        grad_x = torch.addcmul(part, x_hat, (dot_part_x_hat * -inverse_d)[..., None])
        grad_x = grad_x * inv_rms[..., None]
    return grad_x, grad_weight


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_weight: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    weight, inv_rms, x_hat = saved
    d = tangent_x.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (35) tangent_y[n,d] = inv_rms[n] * weight[d] * tangent_x[n,d] + tangent_weight[d] * x_hat[n,d] - inv_rms[n] *
    #     weight[d] * x_hat[n,d] * sum[d'](tangent_x[n,d'] * x_hat[n,d']) / D
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=-1)
    tangent_y = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_d)[..., None])
    tangent_y = tangent_y * weight
    tangent_y = tangent_y * inv_rms[..., None]
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_weight)
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    weight, inv_rms, x_hat = saved
    d = grad_output.shape[-1]
    inverse_d = 1 / d if d else math.nan
    # (29) tangent_inv_rms[n] = -inv_rms[n]**2 * sum[d](tangent_x[n,d] * x_hat[n,d]) / D
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=-1)
    tangent_inv_rms = inv_rms * inv_rms
    tangent_inv_rms = tangent_inv_rms * dot_tangent_x_x_hat
    tangent_inv_rms *= -inverse_d
    # (33) tangent_x_hat[n,d] = inv_rms[n] / D * (D * tangent_x[n,d] - x_hat[n,d] * sum[d'](tangent_x[n,d'] *
    #     x_hat[n,d']))
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_d)[..., None])
    tangent_x_hat = tangent_x_hat * inv_rms[..., None]
    # (42) hvp_weight[d] = sum[n](grad_output[n,d] * tangent_x_hat[n,d])
    hvp_weight = (grad_output * tangent_x_hat).sum_to_size(grad_output.shape[-1:])
    # (40) hvp_x[n,d] = inv_rms[n] * tangent_weight[d] * grad_output[n,d] + tangent_inv_rms[n] * weight[d] *
    #     grad_output[n,d] - inv_rms[n] * x_hat[n,d] * sum[d'](tangent_weight[d'] * grad_output[n,d'] * x_hat[n,d'])
    #     / D - inv_rms[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * tangent_x_hat[n,d']) / D -
    #     inv_rms[n] * tangent_x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']) / D -
    #     tangent_inv_rms[n] * x_hat[n,d] * sum[d'](weight[d'] * grad_output[n,d'] * x_hat[n,d']) / D
    part = grad_output * tangent_weight
    dot_part_x_hat = (part * x_hat).sum(dim=-1)
    part_2 = grad_output * weight
    dot_part_2_tangent_x_hat = (part_2 * tangent_x_hat).sum(dim=-1)
    dot_part_2_x_hat = (part_2 * x_hat).sum(dim=-1)
    hvp_x = tangent_x_hat * (dot_part_2_x_hat * -inverse_d)[..., None]
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_part_2_tangent_x_hat * inverse_d)[..., None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (dot_part_x_hat * inverse_d)[..., None], value=-1)
    hvp_x += part
    hvp_x *= inv_rms[..., None]
    part_5 = torch.addcmul(part_2, x_hat, (dot_part_2_x_hat * -inverse_d)[..., None])
    part_5 = part_5 * tangent_inv_rms[..., None]
    hvp_x += part_5
    return hvp_x, hvp_weight


def reference(x: Tensor, weight: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.rms_norm(x, x.shape[-1:], weight, eps=eps)
    return result
