"""batch_norm_2d: Batch normalisation over n, h, w in training mode, with the biased variance.

Generated from derivations/batch_norm.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 08eb6d45f2f3ccfe. Saved for the backward: gamma, inv_std, x_hat.
The backward has 2 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive batch_norm_2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.blocks import blocks
from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="batch_norm_2d",
    summary="Batch normalisation over n, h, w in training mode, with the biased variance.",
    signature=Signature.parse("(n,c,h,w),(c),(c)->(n,c,h,w)"),
    arguments=(
        Argument("x", real()),
        Argument("gamma", real()),
        Argument("beta", real()),
    ),
    saved=("gamma", "inv_std", "x_hat", "mu", "var"),
    reference="torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=eps)",
    digest="08eb6d45f2f3ccfe",
    parameters=(Parameter("eps", 1e-05, 1e-08, 0.1),),
    output="y",
    curved=("x", "gamma"),
)


def forward(x: Array, gamma: Array, beta: Array, *, eps: float = 1e-05) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,c,h,w),(c),(c)->(n,c,h,w).

    What `backward` needs: gamma, inv_std, x_hat; besides mu, var.
    """
    n, c, h, w = x.shape
    hw = h * w
    nhw = n * h * w
    chw = c * h * w
    inverse_nhw = 1 / nhw if nhw else np.nan
    # (1) mu[c] = sum[n,h,w](x[n,c,h,w]) / (N * H * W)
    sum_x = np.einsum("ncm->c", x.reshape(n, c, hw))
    mu = sum_x * inverse_nhw
    # (2) xc[n,c,h,w] = x[n,c,h,w] - mu[c]
    xc = x.reshape(n, chw) - np.repeat(mu, hw)
    # the exact sum of xc is 0; what it comes to is the rounding of its mean, taken out here
    drift_xc = np.einsum("ncm->c", xc.reshape(n, c, hw))
    xc -= np.repeat(drift_xc * inverse_nhw, hw)
    # (3) var[c] = sum[n,h,w](xc[n,c,h,w]**2) / (N * H * W)
    dot_xc = np.vecdot(xc.reshape(n, c, hw), xc.reshape(n, c, hw)).sum(axis=0)
    var = dot_xc * inverse_nhw
    # (4) t1[c] = var[c] + eps
    t1 = var + eps
    # (5) inv_std[c] = 1 / sqrt(t1[c])
    inv_std = 1 / np.sqrt(t1)
    # (6) x_hat[n,c,h,w] = inv_std[c] * xc[n,c,h,w]
    x_hat = np.multiply(xc, np.repeat(inv_std, hw), out=xc)
    # (7) y[n,c,h,w] = gamma[c] * x_hat[n,c,h,w] + beta[c]
    y = x_hat * np.repeat(gamma, hw)
    y += np.repeat(beta, hw)
    return y.reshape(n, c, h, w), (gamma, inv_std, x_hat.reshape(n, c, h, w), mu, var)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, c, h, w = grad_output.shape
    hw = h * w
    chw = c * h * w
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else np.nan
    grad_x: Array | None = None
    # (32) grad_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * x_hat[n,c,h,w])
    grad_gamma = np.vecdot(grad_output.reshape(n, c, hw), x_hat.reshape(n, c, hw)).sum(axis=0)
    # (34) grad_beta[c] = sum[n,h,w](grad_output[n,c,h,w])
    grad_beta = np.einsum("ncm->c", grad_output.reshape(n, c, hw))
    if needs[0]:
        # (30) grad_x[n,c,h,w] = gamma[c] * inv_std[c] / (N * H * W) * (N * H * W * grad_output[n,c,h,w] -
        #     sum[n',h',w'](grad_output[n',c,h',w']) - x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] *
        #     x_hat[n',c,h',w']))
        slope = np.repeat(grad_gamma * -inverse_nhw, hw)
        shift = np.repeat(grad_beta * inverse_nhw, hw)
        scale = np.repeat(gamma * inv_std, hw)
        grad_x = np.empty(x_hat.reshape(n, chw).shape, x_hat.dtype)
        for rows in blocks(grad_x.shape):
            part = np.multiply(x_hat.reshape(n, chw)[rows], slope, out=grad_x[rows])
            part += grad_output.reshape(n, chw)[rows]
            part -= shift
            part *= scale
        grad_x = grad_x.reshape(n, c, h, w)
    return grad_x, grad_gamma, grad_beta


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_gamma: Array, tangent_beta: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, c, h, w = tangent_x.shape
    hw = h * w
    chw = c * h * w
    nhw = n * h * w
    inverse_nhw = 1 / nhw if nhw else np.nan
    # (53) tangent_y[n,c,h,w] = gamma[c] * inv_std[c] * tangent_x[n,c,h,w] + tangent_gamma[c] * x_hat[n,c,h,w] +
    #     tangent_beta[c] - gamma[c] * inv_std[c] * sum[n',h',w'](tangent_x[n',c,h',w']) / (N * H * W) - gamma[c] *
    #     inv_std[c] * x_hat[n,c,h,w] * sum[n',h',w'](tangent_x[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W)
    sum_tangent_x = np.einsum("ncm->c", tangent_x.reshape(n, c, hw))
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, c, hw), x_hat.reshape(n, c, hw)).sum(axis=0)
    slope = np.repeat(dot_tangent_x_x_hat * -inverse_nhw, hw)
    shift = np.repeat(sum_tangent_x * inverse_nhw, hw)
    scale = np.repeat(gamma * inv_std, hw)
    shift_2 = np.repeat(tangent_beta, hw)
    tangent_y = np.empty(x_hat.reshape(n, chw).shape, x_hat.dtype)
    for rows in blocks(tangent_y.shape):
        part_2 = np.multiply(x_hat.reshape(n, chw)[rows], slope, out=tangent_y[rows])
        part_2 += tangent_x.reshape(n, chw)[rows]
        part_2 -= shift
        part_2 *= scale
        part_2 += shift_2
    part = x_hat.reshape(n, chw) * np.repeat(tangent_gamma, hw)
    tangent_y += part
    return tangent_y.reshape(n, c, h, w)


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_gamma: Array, tangent_beta: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    gamma, inv_std, x_hat, _mu, _var = saved
    n, c, h, w = grad_output.shape
    hw = h * w
    nhw = n * h * w
    chw = c * h * w
    inverse_nhw = 1 / nhw if nhw else np.nan
    # (47) tangent_inv_std[c] = -inv_std[c]**2 * sum[n,h,w](tangent_x[n,c,h,w] * x_hat[n,c,h,w]) / (N * H * W)
    dot_tangent_x_x_hat = np.vecdot(tangent_x.reshape(n, c, hw), x_hat.reshape(n, c, hw)).sum(axis=0)
    tangent_inv_std = inv_std * inv_std
    tangent_inv_std *= dot_tangent_x_x_hat
    tangent_inv_std *= -inverse_nhw
    # (51) tangent_x_hat[n,c,h,w] = inv_std[c] / (N * H * W) * (N * H * W * tangent_x[n,c,h,w] -
    #     sum[n',h',w'](tangent_x[n',c,h',w']) - x_hat[n,c,h,w] * sum[n',h',w'](tangent_x[n',c,h',w'] *
    #     x_hat[n',c,h',w']))
    sum_tangent_x = np.einsum("ncm->c", tangent_x.reshape(n, c, hw))
    slope = np.repeat(dot_tangent_x_x_hat * -inverse_nhw, hw)
    shift = np.repeat(sum_tangent_x * inverse_nhw, hw)
    scale = np.repeat(inv_std, hw)
    tangent_x_hat = np.empty(x_hat.reshape(n, chw).shape, x_hat.dtype)
    for rows in blocks(tangent_x_hat.shape):
        part_5 = np.multiply(x_hat.reshape(n, chw)[rows], slope, out=tangent_x_hat[rows])
        part_5 += tangent_x.reshape(n, chw)[rows]
        part_5 -= shift
        part_5 *= scale
    # (61) hvp_gamma[c] = sum[n,h,w](grad_output[n,c,h,w] * tangent_x_hat[n,c,h,w])
    hvp_gamma = np.vecdot(grad_output.reshape(n, c, hw), tangent_x_hat.reshape(n, c, hw)).sum(axis=0)
    # (59) hvp_x[n,c,h,w] = gamma[c] * tangent_inv_std[c] * grad_output[n,c,h,w] + inv_std[c] * tangent_gamma[c] *
    #     grad_output[n,c,h,w] - gamma[c] * tangent_inv_std[c] * sum[n',h',w'](grad_output[n',c,h',w']) / (N * H *
    #     W) - inv_std[c] * tangent_gamma[c] * sum[n',h',w'](grad_output[n',c,h',w']) / (N * H * W) - gamma[c] *
    #     inv_std[c] * tangent_x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H
    #     * W) - gamma[c] * inv_std[c] * x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] *
    #     tangent_x_hat[n',c,h',w']) / (N * H * W) - gamma[c] * tangent_inv_std[c] * x_hat[n,c,h,w] *
    #     sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W) - inv_std[c] * tangent_gamma[c] *
    #     x_hat[n,c,h,w] * sum[n',h',w'](grad_output[n',c,h',w'] * x_hat[n',c,h',w']) / (N * H * W)
    dot_g_x_hat = np.vecdot(grad_output.reshape(n, c, hw), x_hat.reshape(n, c, hw)).sum(axis=0)
    sum_g = np.einsum("ncm->c", grad_output.reshape(n, c, hw))
    hvp_x = grad_output.reshape(n, chw) * np.repeat(tangent_inv_std, hw)
    part = tangent_x_hat * np.repeat(inv_std * inverse_nhw * dot_g_x_hat, hw)
    hvp_x -= part
    part_2 = x_hat.reshape(n, chw) * np.repeat(inv_std * inverse_nhw * hvp_gamma, hw)
    hvp_x -= part_2
    part_3 = x_hat.reshape(n, chw) * np.repeat(tangent_inv_std * inverse_nhw * dot_g_x_hat, hw)
    hvp_x -= part_3
    hvp_x -= np.repeat(tangent_inv_std * inverse_nhw * sum_g, hw)
    hvp_x *= np.repeat(gamma, hw)
    slope_2 = np.repeat(dot_g_x_hat * -inverse_nhw, hw)
    shift_2 = np.repeat(sum_g * inverse_nhw, hw)
    scale_2 = np.repeat(inv_std * tangent_gamma, hw)
    part_4 = np.empty(x_hat.reshape(n, chw).shape, x_hat.dtype)
    for rows_2 in blocks(part_4.shape):
        part_6 = np.multiply(x_hat.reshape(n, chw)[rows_2], slope_2, out=part_4[rows_2])
        part_6 += grad_output.reshape(n, chw)[rows_2]
        part_6 -= shift_2
        part_6 *= scale_2
    hvp_x += part_4
    # (62) hvp_beta[c] = 0
    hvp_beta = np.zeros_like(tangent_beta)
    return hvp_x.reshape(n, c, h, w), hvp_gamma, hvp_beta
