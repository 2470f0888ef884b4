"""batch_norm_2d_eval: Batch normalisation in evaluation mode, with given mean and variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: d21f0a13a1359f36. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm_2d_eval --to text` prints.
"""

import torch
from torch import Tensor


def forward(
    x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, *, eps: float = 1e-05
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c,h,w),(c),(c),(c),(c)->(n,c,h,w), and what `backward` needs: gamma, inv_std, x_hat."""
    # (1) t1[c] = var[c] + eps
    t1 = var + eps
    # (2) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = torch.rsqrt(t1)
    # (3) t2[n,c,h,w] = x[n,c,h,w] - mean[c]
    t2 = x - mean[:, None, None]
    # (4) x_hat[n,c,h,w] = inv_std[c] * t2[n,c,h,w]
    x_hat = t2 * inv_std[:, None, None]
    # (5) y[n,c,h,w] = gamma[c] * x_hat[n,c,h,w] + beta[c]
    y = x_hat * gamma[:, None, None]
    y = y + beta[:, None, None]
    return y, (gamma, inv_std, x_hat)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat = saved
    grad_x: Tensor | None = None
    grad_gamma: Tensor | None = None
    grad_beta: Tensor | None = None
    if needs[1]:
        # (13) grad_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
        grad_gamma = (grad_output * x_hat).sum(dim=(2, 3)).sum(dim=0)
    if needs[2]:
        # (15) grad_beta[c] = sum[n,h,w](grad_output[n,c,h,w])
        grad_beta = grad_output.sum(dim=(2, 3)).sum(dim=0)
    if needs[0]:
        # (11) grad_x[n,c,h,w] = gamma[c] * inv_std[c] * grad_output[n,c,h,w]
        grad_x = grad_output * (gamma * inv_std)[:, None, None]
    return grad_x, grad_gamma, grad_beta, None, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat = saved
    # (21) tangent_y[n,c,h,w] = gamma[c] * inv_std[c] * tangent_x[n,c,h,w] + tangent_gamma[c] * x_hat[n,c,h,w] +
    #     tangent_beta[c]
    tangent_y = tangent_x * (gamma * inv_std)[:, None, None]
    tangent_y = torch.addcmul(tangent_y, x_hat, tangent_gamma[:, None, None])
    tangent_y = tangent_y + tangent_beta[:, None, None]
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_gamma: Tensor, tangent_beta: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _gamma, inv_std, _x_hat = saved
    # (26) hvp_x[n,c,h,w] = inv_std[c] * tangent_gamma[c] * grad_output[n,c,h,w]
    hvp_x = grad_output * (inv_std * tangent_gamma)[:, None, None]
    # (28) hvp_gamma[c] = inv_std[c] * sum[n,h,w](grad_output[n,c,h,w] * tangent_x[n,c,h,w])
    dot_g_tangent_x = (grad_output * tangent_x).sum(dim=(2, 3)).sum(dim=0)
    hvp_gamma = inv_std * dot_g_tangent_x
    # (29) hvp_beta[c] = 0
    hvp_beta = torch.zeros_like(tangent_beta)
    return hvp_x, hvp_gamma, hvp_beta, None, None


def reference(x: Tensor, gamma: Tensor, beta: Tensor, mean: Tensor, var: Tensor, *, eps: float = 1e-05) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.batch_norm(x, mean, var, gamma, beta, training=False, eps=eps)
    return result
