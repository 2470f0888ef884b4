"""batch_norm: Batch normalisation over n in training mode, with the biased variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 6944159d3282e89c. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks
from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="batch_norm",
    summary="Batch normalisation over n in training mode, with the biased variance.",
    signature=Signature.parse("(n,c),(c),(c)->(n,c)"),
    arguments=(
        Argument("x", real()),
        Argument("gamma", real()),
        Argument("beta", real()),
    ),
    saved=("gamma", "inv_std", "x_hat", "mu", "var"),
    reference="torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)",
    digest="6944159d3282e89c",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "gamma"),
)


def forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-05) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,c),(c),(c)->(n,c), and what `backward` needs: gamma, inv_std, x_hat; besides mu, var."""
    n = x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (1) mu[c] = sum[n](x[n,c]) / N
    sum_x = np.ones(len(x), x.dtype) @ x
    mu = sum_x * inverse_n
    # (2) xc[n,c] = x[n,c] - mu[c]
    xc = x - mu
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.ones(len(xc), xc.dtype) @ xc
    xc -= drift_xc * inverse_n
    # (3) var[c] = sum[n](xc[n,c]**2) / N
    dot_xc = np.einsum("nc,nc->c", xc, xc)
    var = dot_xc * inverse_n
    # (4) t1[c] = var[c] + eps
    t1 = var + eps
    # (5) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = 1 / np.sqrt(t1)
    # (6) x_hat[n,c] = inv_std[c] * xc[n,c]
    x_hat = np.multiply(xc, inv_std, out=xc)
    # (7) y[n,c] = gamma[c] * x_hat[n,c] + beta[c]
    y = x_hat * gamma
    y += beta
    return y, (gamma, inv_std, x_hat, mu, var)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = grad_output.shape[0]
    inverse_n = 1 / n if n else np.nan
    grad_x: Array | None = None
    # (32) grad_gamma[c] = sum[n](grad_output[n,c] * x_hat[n,c])
    grad_gamma = np.einsum("nc,nc->c", grad_output, x_hat)
    # (34) grad_beta[c] = sum[n](grad_output[n,c])
    grad_beta = np.ones(len(grad_output), grad_output.dtype) @ grad_output
    if needs[0]:
        # (30) grad_x[n,c] = gamma[c] * inv_std[c] / N * (N * grad_output[n,c] - sum[n'](grad_output[n',c]) - x_hat[n,c]
        #     * sum[n'](grad_output[n',c] * x_hat[n',c]))
        slope = grad_gamma * -inverse_n
        shift = grad_beta * inverse_n
        scale = gamma * inv_std
        grad_x = np.empty(x_hat.shape, x_hat.dtype)
        for rows in blocks(grad_x.shape):
            part = np.multiply(x_hat[rows], slope, out=grad_x[rows])
            part += grad_output[rows]
            part -= shift
            part *= scale
    return grad_x, grad_gamma, grad_beta


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_gamma: Array, tangent_beta: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (53) tangent_y[n,c] = gamma[c] * inv_std[c] * tangent_x[n,c] + tangent_gamma[c] * x_hat[n,c] + tangent_beta[c]
    #     - gamma[c] * inv_std[c] * sum[n'](tangent_x[n',c]) / N - gamma[c] * inv_std[c] * x_hat[n,c] *
    #     sum[n'](tangent_x[n',c] * x_hat[n',c]) / N
    sum_tangent_x = np.ones(len(tangent_x), tangent_x.dtype) @ tangent_x
    dot_tangent_x_x_hat = np.einsum("nc,nc->c", tangent_x, x_hat)
    slope = dot_tangent_x_x_hat * -inverse_n
    shift = sum_tangent_x * inverse_n
    scale = gamma * inv_std
    shift_2 = tangent_beta
    tangent_y = np.empty(x_hat.shape, x_hat.dtype)
    for rows in blocks(tangent_y.shape):
        part_2 = np.multiply(x_hat[rows], slope, out=tangent_y[rows])
        part_2 += tangent_x[rows]
        part_2 -= shift
        part_2 *= scale
        part_2 += shift_2
    part = x_hat * tangent_gamma
    tangent_y += part
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_gamma: Array, tangent_beta: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n = grad_output.shape[0]
    inverse_n = 1 / n if n else np.nan
    # (47) tangent_inv_std[c] = -inv_std[c]**2 * sum[n](tangent_x[n,c] * x_hat[n,c]) / N
    dot_tangent_x_x_hat = np.einsum("nc,nc->c", tangent_x, x_hat)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std *= dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_n
    # (51) tangent_x_hat[n,c] = inv_std[c] / N * (N * tangent_x[n,c] - sum[n'](tangent_x[n',c]) - x_hat[n,c] *
    #     sum[n'](tangent_x[n',c] * x_hat[n',c]))
    sum_tangent_x = np.ones(len(tangent_x), tangent_x.dtype) @ tangent_x
    slope = dot_tangent_x_x_hat * -inverse_n
    shift = sum_tangent_x * inverse_n
    scale = inv_std
    tangent_x_hat = np.empty(x_hat.shape, x_hat.dtype)
    for rows in blocks(tangent_x_hat.shape):
        part_5 = np.multiply(x_hat[rows], slope, out=tangent_x_hat[rows])
        part_5 += tangent_x[rows]
        part_5 -= shift
        part_5 *= scale
    # (61) hvp_gamma[c] = sum[n](grad_output[n,c] * tangent_x_hat[n,c])
    hvp_gamma = np.einsum("nc,nc->c", grad_output, tangent_x_hat)
    # (59) hvp_x[n,c] = gamma[c] * tangent_inv_std[c] * grad_output[n,c] + inv_std[c] * tangent_gamma[c] *
    #     grad_output[n,c] - gamma[c] * tangent_inv_std[c] * sum[n'](grad_output[n',c]) / N - inv_std[c] *
    #     tangent_gamma[c] * sum[n'](grad_output[n',c]) / N - gamma[c] * inv_std[c] * tangent_x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N - gamma[c] * inv_std[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * tangent_x_hat[n',c]) / N - gamma[c] * tangent_inv_std[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N - inv_std[c] * tangent_gamma[c] * x_hat[n,c] *
    #     sum[n'](grad_output[n',c] * x_hat[n',c]) / N
    dot_g_x_hat = np.einsum("nc,nc->c", grad_output, x_hat)
    sum_g = np.ones(len(grad_output), grad_output.dtype) @ grad_output
    hvp_x = grad_output * tangent_inv_std
    part = tangent_x_hat * (inv_std * inverse_n * dot_g_x_hat)
    hvp_x -= part
    part_2 = x_hat * (inv_std * inverse_n * hvp_gamma)
    hvp_x -= part_2
    part_3 = x_hat * (tangent_inv_std * inverse_n * dot_g_x_hat)
    hvp_x -= part_3
    hvp_x -= tangent_inv_std * inverse_n * sum_g
    hvp_x *= gamma
    slope_2 = dot_g_x_hat * -inverse_n
    shift_2 = sum_g * inverse_n
    scale_2 = inv_std * tangent_gamma
    part_4 = np.empty(x_hat.shape, x_hat.dtype)
    for rows_2 in blocks(part_4.shape):
        part_6 = np.multiply(x_hat[rows_2], slope_2, out=part_4[rows_2])
        part_6 += grad_output[rows_2]
        part_6 -= shift_2
        part_6 *= scale_2
    hvp_x += part_4
    # (62) hvp_beta[c] = 0
    hvp_beta = np.zeros_like(tangent_beta)
    return hvp_x, hvp_gamma, hvp_beta
