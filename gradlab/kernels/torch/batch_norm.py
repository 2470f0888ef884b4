"""batch_norm: Batch normalisation over n in training mode, with the biased variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6944159d3282e89c. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c),(c),(c)->(n,c), and what `backward` needs: gamma, inv_std, x_hat; besides mu, var."""
    n = x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (1) mu[c] = sum[n](x[n,c]) / N
    sum_x = x.sum(dim=0)
    mu = sum_x * inverse_n
    # (2) xc[n,c] = x[n,c] - mu[c]
    xc = x - mu
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=0)
    xc -= drift_xc * inverse_n
    # (3) var[c] = sum[n](xc[n,c]**2) / N
    dot_xc = (xc * xc).sum(dim=0)
    var = dot_xc * inverse_n
    # (4) t1[c] = var[c] + eps
    t1 = var + eps
    # (5) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,c] = inv_std[c] * xc[n,c]
    x_hat = xc.mul_(inv_std)
    # (7) y[n,c] = gamma[c] * x_hat[n,c] + beta[c]
    y = torch.addcmul(beta, x_hat, gamma)
    return y, (gamma, inv_std, x_hat, mu, var)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = grad_output.shape[0]
    inverse_n = 1 / n if n else math.nan
    grad_x: Tensor | None = None
    # (32) grad_gamma[c] = sum[n](grad_output[n,c] * x_hat[n,c])
    grad_gamma = (grad_output * x_hat).sum(dim=0)
    # (34) grad_beta[c] = sum[n](grad_output[n,c])
    grad_beta = grad_output.sum(dim=0)
    if needs[0]:
        # (30) grad_x[n,c] = gamma[c] * inv_std[c] / N * (N * grad_output[n,c] - sum[n'](grad_output[n',c]) - x_hat[n,c]
        #     * sum[n'](grad_output[n',c] * x_hat[n',c]))
        grad_x = torch.addcmul(grad_output, x_hat, grad_gamma * -inverse_n)
        grad_x -= grad_beta * inverse_n
        grad_x = grad_x * (gamma * inv_std)
    return grad_x, grad_gamma, grad_beta


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (53) tangent_y[n,c] = gamma[c] * inv_std[c] * tangent_x[n,c] + tangent_gamma[c] * x_hat[n,c] + tangent_beta[c]
    #     - gamma[c] * inv_std[c] * sum[n'](tangent_x[n',c]) / N - gamma[c] * inv_std[c] * x_hat[n,c] *
    #     sum[n'](tangent_x[n',c] * x_hat[n',c]) / N
    sum_tangent_x = tangent_x.sum(dim=0)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=0)
    tangent_y = torch.addcmul(tangent_x, x_hat, dot_tangent_x_x_hat * -inverse_n)
    tangent_y -= sum_tangent_x * inverse_n
    tangent_y = tangent_y * (gamma * inv_std)
    tangent_y = tangent_y + tangent_beta
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_gamma)
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = grad_output.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (47) tangent_inv_std[c] = -inv_std[c]**2 * sum[n](tangent_x[n,c] * x_hat[n,c]) / N
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=0)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std = tangent_inv_std * dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_n
    # (51) tangent_x_hat[n,c] = inv_std[c] / N * (N * tangent_x[n,c] - sum[n'](tangent_x[n',c]) - x_hat[n,c] *
    #     sum[n'](tangent_x[n',c] * x_hat[n',c]))
    sum_tangent_x = tangent_x.sum(dim=0)
    tangent_x_hat = torch.addcmul(tangent_x, x_hat, dot_tangent_x_x_hat * -inverse_n)
    tangent_x_hat -= sum_tangent_x * inverse_n
    tangent_x_hat = tangent_x_hat * inv_std
    # (61) hvp_gamma[c] = sum[n](grad_output[n,c] * tangent_x_hat[n,c])
    hvp_gamma = (grad_output * tangent_x_hat).sum(dim=0)
    # (59) hvp_x[n,c] = gamma[c] * tangent_inv_std[c] * grad_output[n,c] + inv_std[c] * tangent_gamma[c] *
    #     grad_output[n,c] - gamma[c] * tangent_inv_std[c] * sum[n'](grad_output[n',c]) / N - inv_std[c] *
    #     tangent_gamma[c] * sum[n'](grad_output[n',c]) / N - gamma[c] * inv_std[c] * tangent_x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N - gamma[c] * inv_std[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * tangent_x_hat[n',c]) / N - gamma[c] * tangent_inv_std[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N - inv_std[c] * tangent_gamma[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N
    dot_g_x_hat = (grad_output * x_hat).sum(dim=0)
    sum_g = grad_output.sum(dim=0)
    hvp_x = grad_output * tangent_inv_std
    hvp_x = torch.addcmul(hvp_x, tangent_x_hat, inv_std * inverse_n * dot_g_x_hat, value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, inv_std * inverse_n * hvp_gamma, value=-1)
    hvp_x = torch.addcmul(hvp_x, x_hat, tangent_inv_std * inverse_n * dot_g_x_hat, value=-1)
    hvp_x -= tangent_inv_std * inverse_n * sum_g
    hvp_x = hvp_x * gamma
    part_4 = torch.addcmul(grad_output, x_hat, dot_g_x_hat * -inverse_n)
    part_4 -= sum_g * inverse_n
    part_4 = part_4 * (inv_std * tangent_gamma)
    hvp_x = hvp_x + part_4
    # (62) hvp_beta[c] = 0
    hvp_beta = torch.zeros_like(tangent_beta)
    return hvp_x, hvp_gamma, hvp_beta


def reference(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    return result
