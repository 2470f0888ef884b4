"""huber_each: Entry by entry the Huber loss.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 5530632f506395f6. Saved for the backward: residual.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive huber_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="huber_each",
    summary="Entry by entry the Huber loss.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real()),
    ),
    saved=("residual",),
    reference="torch.nn.functional.huber_loss(x, t, reduction='none', delta=delta)",
    digest="5530632f506395f6",
    parameters=(Parameter("delta", 1.0, 0.25, 4.0),),
    output="y",
    curved=("x", "t"),
)


def forward(x: Array, t: Array, *, delta: float = 1.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual, delta."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) clipped[n] = clamp(residual[n], -delta, delta)
    clipped = np.clip(residual, -delta, delta)
    # (4) y[n] = clipped[n] * residual[n] - clipped[n]**2 / 2
    y = residual * 2
    y -= clipped
    y *= 0.5
    y *= clipped
    return y, (residual, delta)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    residual, delta = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    # (13) grad_x[n] = clamp(residual[n], -delta, delta) * grad_output[n]
    clamp_residual = np.clip(residual, -delta, delta)
    if needs[0]:
        grad_x = grad_output * clamp_residual
    if needs[1]:
        # (15) grad_t[n] = -clamp(residual[n], -delta, delta) * grad_output[n]
        grad_t = grad_output * clamp_residual
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Any, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    residual, delta = saved
    # (24) tangent_y[n] = clamp(residual[n], -delta, delta) * (tangent_x[n] - tangent_t[n])
    clamp_residual = np.clip(residual, -delta, delta)
    tangent_y = tangent_x - tangent_t
    tangent_y *= clamp_residual
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    residual, delta = saved
    # (17) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (28) hvp_x[n] = [-delta <= residual[n] <= delta] * grad_output[n] * tangent_residual[n]
    mask_residual = (residual >= -delta) & (residual <= delta)
    hvp_x = grad_output * tangent_residual
    hvp_x *= mask_residual
    # (30) hvp_t[n] = -[-delta <= residual[n] <= delta] * grad_output[n] * tangent_residual[n]
    hvp_t = grad_output * tangent_residual
    hvp_t *= mask_residual
    hvp_t *= -1
    return hvp_x, hvp_t
