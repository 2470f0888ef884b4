"""batch_norm_eval: Batch normalisation in evaluation mode, with given mean and variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 93d7c23f2c18530b. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm_eval --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, non_negative, real

Array = NDArray[Any]

OPERATION = Operation(
    name="batch_norm_eval",
    summary="Batch normalisation in evaluation mode, with given mean and variance.",
    signature=Signature.parse("(n,c),(c),(c),(c),(c)->(n,c)"),
    arguments=(
        Argument("x", real()),
        Argument("gamma", real()),
        Argument("beta", real()),
        Argument("mean", real(), differentiable=False),
        Argument("var", non_negative(), differentiable=False),
    ),
    saved=("gamma", "inv_std", "x_hat"),
    reference="torch.nn.functional.batch_norm(x, mean, var, gamma, beta, training=False, eps=eps)",
    digest="93d7c23f2c18530b",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "gamma"),
)


def forward(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float = 1e-05
) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,c),(c),(c),(c),(c)->(n,c), and what `backward` needs: gamma, inv_std, x_hat."""
    # (1) t1[c] = var[c] + eps
    t1 = var + eps
    # (2) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = 1 / np.sqrt(t1)
    # (3) t2[n,c] = x[n,c] - mean[c]
    t2 = x - mean
    # (4) x_hat[n,c] = inv_std[c] * t2[n,c]
    x_hat = np.multiply(t2, inv_std, out=t2)
    # (5) y[n,c] = gamma[c] * x_hat[n,c] + beta[c]
    y = x_hat * gamma
    y += beta
    return y, (gamma, inv_std, x_hat)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True, True, True)
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat = saved
    grad_x: Array | None = None
    grad_gamma: Array | None = None
    grad_beta: Array | None = None
    if needs[1]:
        # (13) grad_gamma[c] = sum[n](grad_output[n,c] * x_hat[n,c])
        grad_gamma = np.einsum("nc,nc->c", grad_output, x_hat)
    if needs[2]:
        # (15) grad_beta[c] = sum[n](grad_output[n,c])
        grad_beta = np.ones(len(grad_output), grad_output.dtype) @ grad_output
    if needs[0]:
        # (11) grad_x[n,c] = gamma[c] * inv_std[c] * grad_output[n,c]
        grad_x = grad_output * (gamma * inv_std)
    return grad_x, grad_gamma, grad_beta, None, None


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_gamma: Array, tangent_beta: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat = saved
    # (21) tangent_y[n,c] = gamma[c] * inv_std[c] * tangent_x[n,c] + tangent_gamma[c] * x_hat[n,c] + tangent_beta[c]
    tangent_y = tangent_x * (gamma * inv_std)
    part = x_hat * tangent_gamma
    tangent_y += part
    tangent_y += tangent_beta
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_gamma: Array, tangent_beta: Array
) -> tuple[Array | None, Array | None, Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _gamma, inv_std, _x_hat = saved
    # (26) hvp_x[n,c] = inv_std[c] * tangent_gamma[c] * grad_output[n,c]
    hvp_x = grad_output * (inv_std * tangent_gamma)
    # (28) hvp_gamma[c] = inv_std[c] * sum[n](grad_output[n,c] * tangent_x[n,c])
    dot_g_tangent_x = np.einsum("nc,nc->c", grad_output, tangent_x)
    hvp_gamma = inv_std * dot_g_tangent_x
    # (29) hvp_beta[c] = 0
    hvp_beta = np.zeros_like(tangent_beta)
    return hvp_x, hvp_gamma, hvp_beta, None, None
