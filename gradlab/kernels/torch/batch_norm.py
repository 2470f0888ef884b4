"""batch_norm: Batch normalisation over n in training mode, with the biased variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: bbcac66f78b19f47. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c),(c),(c)->(n,c), and what `backward` needs: gamma, inv_std, x_hat."""
    n = x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (1) mu[c] = sum[n](x[n,c]) / N
    sum_x = x.sum(dim=0)
    mu = sum_x * inverse_n
    # (2) xc[n,c] = x[n,c] - mu[c]
    xc = x - mu
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = xc.sum(dim=0)
    xc = xc - (drift_xc * inverse_n)
    # (3) var[c] = sum[n](xc[n,c]**2) / N
    dot_xc = (xc * xc).sum(dim=0)
    var = dot_xc * inverse_n
    # (4) t1[c] = var[c] + eps
    t1 = var + eps
    # (5) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = torch.rsqrt(t1)
    # (6) x_hat[n,c] = inv_std[c] * xc[n,c]
    x_hat = xc * inv_std
    # (7) y[n,c] = gamma[c] * x_hat[n,c] + beta[c]
    y = x_hat * gamma
    y = y + beta
    return y, (gamma, inv_std, x_hat)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat = saved
    n = grad_output.shape[0]
    inverse_n = 1 / n if n else math.nan
    grad_x = None
    # (32) grad_gamma[c] = sum[n](grad_output[n,c] * x_hat[n,c])
    grad_gamma = (grad_output * x_hat).sum(dim=0)
    # (34) grad_beta[c] = sum[n](grad_output[n,c])
    grad_beta = grad_output.sum(dim=0)
    if needs[0]:
        # (30) grad_x[n,c] = gamma[c] * inv_std[c] / N * (N * grad_output[n,c] - sum[n'](grad_output[n',c]) - x_hat[n,c]
        #     * sum[n'](grad_output[n',c] * x_hat[n',c]))
        grad_x = x_hat * (grad_gamma * -inverse_n)
        grad_x = grad_x + grad_output
        grad_x = grad_x - (grad_beta * inverse_n)
        grad_x = grad_x * (gamma * inv_std)
    return grad_x, grad_gamma, grad_beta


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (52) tangent_y[n,c] = gamma[c] * inv_std[c] * tangent_x[n,c] + tangent_gamma[c] * x_hat[n,c] + tangent_beta[c]
    #     - gamma[c] * inv_std[c] * sum[n'](tangent_x[n',c]) / N - gamma[c] * inv_std[c] * x_hat[n,c] *
    #     sum[n'](tangent_x[n',c] * x_hat[n',c]) / N
    sum_tangent_x = tangent_x.sum(dim=0)
    dot_tangent_x_x_hat = (tangent_x * x_hat).sum(dim=0)
    tangent_y = tangent_x * (gamma * inv_std)
    part = x_hat * (gamma * inverse_n * inv_std * dot_tangent_x_x_hat)
    tangent_y = tangent_y - part
    part_2 = x_hat * tangent_gamma
    tangent_y = tangent_y + part_2
    tangent_y = tangent_y - (gamma * inverse_n * inv_std * sum_tangent_x)
    tangent_y = tangent_y + tangent_beta
    return tangent_y


def reference(x: Tensor, gamma: Tensor, beta: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)
    return result
