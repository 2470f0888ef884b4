"""batch_norm_2d: Batch normalisation over n, h, w in training mode, with the biased variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 08eb6d45f2f3ccfe. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm_2d --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w).

    What `backward` needs: gamma, inv_std, x_hat; besides mu, var.
    """
    n, _, h, w = x.shape
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else math.nan
    # (1) mu[c] = sum[n,h,w](x[n,c,h,w]) / (N * H * W)
    sum_x = x.sum(dim=(2, 3)).sum(dim=0)
    mu = sum_x * inverse_nhw
    # (2) xc[n,c,h,w] = x[n,c,h,w] - mu[c]
    xc = x - mu[:, None, None]
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=(2, 3)).sum(dim=0)
    xc -= (drift_xc * inverse_nhw)[:, None, None]
    # (3) var[c] = sum[n,h,w](xc[n,c,h,w]**2) / (N * H * W)
    dot_xc = (xc * xc).sum(dim=(2, 3)).sum(dim=0)
    var = dot_xc * inverse_nhw
    # (4) t1[c] = var[c] + eps
    t1 = var + eps
    # (5) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,c,h,w] = inv_std[c] * xc[n,c,h,w]
    x_hat = xc.mul_(inv_std[:, None, None])
    # (7) y[n,c,h,w] = gamma[c] * x_hat[n,c,h,w] + beta[c]
    y = x_hat * gamma[:, None, None]
    y = y + beta[:, None, None]
    return y, (gamma, inv_std, x_hat, mu, var)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, _, h, w = grad_output.shape
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else math.nan
    grad_x: Tensor | None = None
    # (32) grad_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
    grad_gamma = (grad_output * x_hat).sum(dim=(2, 3)).sum(dim=0)
    # (34) grad_beta[c] = sum[n,h,w](grad_output[n,c,h,w])
    grad_beta = grad_output.sum(dim=(2, 3)).sum(dim=0)
    if needs[0]:
        # (30) grad_x[n,c,h,w] = gamma[c] * inv_std[c] / (N * H * W) * (N * H * W * grad_output[n,c,h,w] -
        #     sum[n',h',w'](grad_output[n',c,h',w']) - x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] *
        #     x_hat[n',c,h',w']))
        grad_x = torch.addcmul(grad_output, x_hat, (grad_gamma * -inverse_nhw)[:, None, None])
        grad_x -= (grad_beta * inverse_nhw)[:, None, None]
        grad_x = grad_x * (gamma * inv_std)[:, None, None]
    return grad_x, grad_gamma, grad_beta


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, _, h, w = tangent_x.shape
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else math.nan
    # (53) tangent_y[n,c,h,w] = gamma[c] * inv_std[c] * tangent_x[n,c,h,w] + tangent_gamma[c] * x_hat[n,c,h,w] +
    #     tangent_beta[c] - gamma[c] * inv_std[c] * sum[n',h',w'](tangent_x[n',c,h',w']) / (N * H * W) - gamma[c] *
    #     inv_std[c] * x_hat[n,c,h,w] * sum[n',h',w'](tangent_x[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W)
    sum_tangent_x = tangent_x.sum(dim=(2, 3)).sum(dim=0)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3)).sum(dim=0)
    tangent_y = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_nhw)[:, None, None])
    tangent_y -= (sum_tangent_x * inverse_nhw)[:, None, None]
    tangent_y = tangent_y * (gamma * inv_std)[:, None, None]
    tangent_y = tangent_y + tangent_beta[:, None, None]
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_gamma[:, None, None])
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, _, h, w = grad_output.shape
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else math.nan
    # (47) tangent_inv_std[c] = -inv_std[c]**2 * sum[n,h,w](tangent_x[n,c,h,w] * x_hat[n,c,h,w]) / (N * H * W)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=(2, 3)).sum(dim=0)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std = tangent_inv_std * dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_nhw
    # (51) tangent_x_hat[n,c,h,w] = inv_std[c] / (N * H * W) * (N * H * W * tangent_x[n,c,h,w] -
    #     sum[n',h',w'](tangent_x[n',c,h',w']) - x_hat[n,c,h,w] * sum[n',h',w'](tangent_x[n',c,h',w'] *
    #     x_hat[n',c,h',w']))
    sum_tangent_x = tangent_x.sum(dim=(2, 3)).sum(dim=0)
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, (dot_tangent_x_x_hat * -inverse_nhw)[:, None, None])
    tangent_x_hat -= (sum_tangent_x * inverse_nhw)[:, None, None]
    tangent_x_hat = tangent_x_hat * inv_std[:, None, None]
    # (61) hvp_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * tangent_x_hat[n,c,h,w])
    hvp_gamma = (grad_output * tangent_x_hat).sum(dim=(2, 3)).sum(dim=0)
    # (59) hvp_x[n,c,h,w] = gamma[c] * tangent_inv_std[c] * grad_output[n,c,h,w] + inv_std[c] * tangent_gamma[c] *
    #     grad_output[n,c,h,w] - gamma[c] * tangent_inv_std[c] * sum[n',h',w'](grad_output[n',c,h',w']) / (N * H *
    #     W) - inv_std[c] * tangent_gamma[c] * sum[n',h',w'](grad_output[n',c,h',w']) / (N * H * W) - gamma[c] *
    #     inv_std[c] * tangent_x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H
    #     * W) - gamma[c] * inv_std[c] * x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] *
    #     tangent_x_hat[n',c,h',w']) / (N * H * W) - gamma[c] * tangent_inv_std[c] * x_hat[n,c,h,w] *
    #     sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W) - inv_std[c] * tangent_gamma[c] *
    #     x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W)
    dot_g_x_hat = (grad_output * x_hat).sum(dim=(2, 3)).sum(dim=0)
    sum_g = grad_output.sum(dim=(2, 3)).sum(dim=0)
    hvp_x = grad_output * tangent_inv_std[:, None, None]
    hvp_x = torch.addcmul(hvp_x, tangent_x_hat, (inv_std * inverse_nhw * dot_g_x_hat)[:, None, None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (inv_std * inverse_nhw * hvp_gamma)[:, None, None], value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, (tangent_inv_std * inverse_nhw * dot_g_x_hat)[:, None, None], value=-1)
    hvp_x -= (tangent_inv_std * inverse_nhw * sum_g)[:, None, None]
    hvp_x = hvp_x * gamma[:, None, None]
    part_4 = torch.addcmul(grad_output, x_hat, (dot_g_x_hat * -inverse_nhw)[:, None, None])
    part_4 -= (sum_g * inverse_nhw)[:, None, None]
    part_4 = part_4 * (inv_std * tangent_gamma)[:, None, None]
    hvp_x = hvp_x + part_4
    # (62) hvp_beta[c] = 0
    hvp_beta = torch.zeros_like(tangent_beta)
    return hvp_x, hvp_gamma, hvp_beta


def reference(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    return result
