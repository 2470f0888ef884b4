"""smooth_l1_each: Entry by entry the smooth L1 loss.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 2bddd931eba2897d. Saved for the backward: residual.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive smooth_l1_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="smooth_l1_each",
    summary="Entry by entry the smooth L1 loss.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real()),
    ),
    saved=("residual",),
    reference="torch.nn.functional.smooth_l1_loss(x, t, reduction='none', beta=beta)",
    digest="2bddd931eba2897d",
    parameters=(Parameter("beta", 1.0, 0.25, 4.0),),
    output="y",
    curved=("x", "t"),
)


def forward(x: Array, t: Array, *, beta: float = 1.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual, beta."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -beta, beta)
    clipped = np.clip(residual, -beta, beta)
    # (4) t1[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    t1 = residual * 2
    t1 -= clipped
    t1 *= 0.5
    t1 *= clipped
    # (5) y[n] = t1[n] / beta
    reciprocal_beta = 1 / beta if beta else np.nan
    y = t1 * reciprocal_beta
    return y, (residual, beta)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, beta = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    # (16) grad_x[n] = clamp(residual[n], -beta, beta) * grad_output[n] / beta
    reciprocal_beta = 1 / beta if beta else np.nan
    clamp_residual = np.clip(residual, -beta, beta)
    if needs[0]:
        grad_x = grad_output * clamp_residual
        grad_x *= reciprocal_beta
    if needs[1]:
        # (18) grad_t[n] = -clamp(residual[n], -beta, beta) * grad_output[n] / beta
        grad_t = grad_output * clamp_residual
        grad_t *= -reciprocal_beta
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, beta = saved
    # (29) tangent_y[n] = clamp(residual[n], -beta, beta) * (tangent_x[n] - tangent_t[n]) / beta
    reciprocal_beta = 1 / beta if beta else np.nan
    clamp_residual = np.clip(residual, -beta, beta)
    tangent_y = tangent_x - tangent_t
    tangent_y *= reciprocal_beta
    tangent_y *= clamp_residual
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, beta = saved
    # (20) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (33) hvp_x[n] = [-beta <= residual[n] <= beta] * grad_output[n] * tangent_residual[n] / beta
    reciprocal_beta = 1 / beta if beta else np.nan
    mask_residual = (residual >= -beta) & (residual <= beta)
    hvp_x = grad_output * tangent_residual
    hvp_x *= mask_residual
    hvp_x *= reciprocal_beta
    # (35) hvp_t[n] = -[-beta <= residual[n] <= beta] * grad_output[n] * tangent_residual[n] / beta
    hvp_t = grad_output * tangent_residual
    hvp_t *= mask_residual
    hvp_t *= -reciprocal_beta
    return hvp_x, hvp_t
