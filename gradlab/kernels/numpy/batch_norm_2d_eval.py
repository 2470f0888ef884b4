"""batch_norm_2d_eval: Batch normalisation in evaluation mode, with given mean and variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: d21f0a13a1359f36. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm_2d_eval --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, non_negative, real

Array = NDArray[Any]

OPERATION = Operation(
    name="batch_norm_2d_eval",
    summary="Batch normalisation in evaluation mode, with given mean and variance.",
    signature=Signature.parse("(n,c,h,w),(c),(c),(c),(c)->(n,c,h,w)"),
    arguments=(
        Argument("x", real()),
        Argument("gamma", real()),
        Argument("beta", real()),
        Argument("mean", real(), differentiable=False),
        Argument("var", non_negative(), differentiable=False),
    ),
    saved=("gamma", "inv_std", "x_hat"),
    reference="torch.nn.functional.batch_norm(x, mean, var, gamma, beta, training=False, eps=eps)",
    digest="d21f0a13a1359f36",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "gamma"),
)


def forward(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float = 1e-05
) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,c,h,w),(c),(c),(c),(c)->(n,c,h,w), and what `backward` needs: gamma, inv_std, x_hat."""
    n, c, h, w = x.shape
    chw = c * h * w
    hw = h * w
    # (1) t1[c] = var[c] + eps
    t1 = var + eps
    # (2) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = 1 / np.sqrt(t1)
    # (3) t2[n,c,h,w] = x[n,c,h,w] - mean[c]
    t2 = x.reshape(n, chw) - np.repeat(mean, hw)
    # (4) x_hat[n,c,h,w] = inv_std[c] * t2[n,c,h,w]
    x_hat = np.multiply(t2, np.repeat(inv_std, hw), out=t2)
    # (5) y[n,c,h,w] = gamma[c] * x_hat[n,c,h,w] + beta[c]
    y = x_hat * np.repeat(gamma, hw)
    y += np.repeat(beta, hw)
    return y.reshape(n, c, h, w), (gamma, inv_std, x_hat.reshape(n, c, h, w))


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True, True, True)
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat = saved
    n, c, h, w = grad_output.shape
    hw = h * w
    chw = c * h * w
    grad_x: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None
    if needs[1]:
        # (13) grad_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
        grad_gamma = np.vecdot(grad_output.reshape(n, c, hw), x_hat.reshape(n, c, hw)).sum(axis=0)
    if needs[2]:
        # (15) grad_beta[c] = sum[n,h,w](grad_output[n,c,h,w])
        grad_beta = np.einsum("ncm->c", grad_output.reshape(n, c, hw))
    if needs[0]:
        # (11) grad_x[n,c,h,w] = gamma[c] * inv_std[c] * grad_output[n,c,h,w]
        grad_x = grad_output.reshape(n, chw) * np.repeat(gamma * inv_std, hw)
        grad_x = grad_x.reshape(n, c, h, w)
    return grad_x, grad_gamma, grad_beta, None, None


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_gamma: Array, tangent_beta: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat = saved
    n, c, h, w = tangent_x.shape
    chw = c * h * w
    hw = h * w
    # (21) tangent_y[n,c,h,w] = gamma[c] * inv_std[c] * tangent_x[n,c,h,w] + tangent_gamma[c] * x_hat[n,c,h,w] +
    #     tangent_beta[c]
    tangent_y = tangent_x.reshape(n, chw) * np.repeat(gamma * inv_std, hw)
    part = x_hat.reshape(n, chw) * np.repeat(tangent_gamma, hw)
    tangent_y += part
    tangent_y += np.repeat(tangent_beta, hw)
    return tangent_y.reshape(n, c, h, w)


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_gamma: Array, tangent_beta: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _gamma, inv_std, _x_hat = saved
    n, c, h, w = grad_output.shape
    chw = c * h * w
    hw = h * w
    # (26) hvp_x[n,c,h,w] = inv_std[c] * tangent_gamma[c] * grad_output[n,c,h,w]
    hvp_x = grad_output.reshape(n, chw) * np.repeat(inv_std * tangent_gamma, hw)
    # (28) hvp_gamma[c] = inv_std[c] * sum[n,h,w](grad_output[n,c,h,w] * tangent_x[n,c,h,w])
    dot_g_tangent_x = np.vecdot(grad_output.reshape(n, c, hw), tangent_x.reshape(n, c, hw)).sum(axis=0)
    hvp_gamma = inv_std * dot_g_tangent_x
    # (29) hvp_beta[c] = 0
    hvp_beta = np.zeros_like(tangent_beta)
    return hvp_x.reshape(n, c, h, w), hvp_gamma, hvp_beta, None, None
