"""l1_each: Entry by entry the absolute error.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 9986a1a8e4f5108c. Saved for the backward: residual.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive l1_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="l1_each",
    summary="Entry by entry the absolute error.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real()),
    ),
    saved=("residual",),
    reference="torch.nn.functional.l1_loss(x, t, reduction='none')",
    digest="9986a1a8e4f5108c",
    output="y",
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) y[n] = |residual[n]|
    y = np.abs(residual)
    return y, (residual,)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    (residual,) = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    # (6) grad_x[n] = grad_output[n] * sign(residual[n])
    sign_residual = np.sign(residual)
    if needs[0]:
        grad_x = grad_output * sign_residual
    if needs[1]:
        # (8) grad_t[n] = -grad_output[n] * sign(residual[n])
        grad_t = grad_output * sign_residual
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    # (13) tangent_y[n] = sign(residual[n]) * (tangent_x[n] - tangent_t[n])
    sign_residual = np.sign(residual)
    tangent_y = tangent_x - tangent_t
    tangent_y *= sign_residual
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    # (16) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    # (17) hvp_t[n] = 0
    hvp_t = np.zeros_like(tangent_t)
    return hvp_x, hvp_t
