"""clamp: x, kept between min and max; its slope is 0 at both.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: c7a1fe63a1953f4c. Saved for the backward: mask.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive clamp --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="clamp",
    summary="x, kept between min and max; its slope is 0 at both.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("mask",),
    reference="torch.clamp(x, min, max)",
    digest="c7a1fe63a1953f4c",
    parameters=(
        Parameter("min", -1.0, -2.0, 0.0),
        Parameter("max", 1.0, 0.5, 2.0),
    ),
    kinks=(
        Kink("x", where="x == min", derivative=0.0),
        Kink("x", where="x == max", derivative=0.0),
    ),
    output="y",
)


def forward(x: Array, *, min: float = -1.0, max: float = 1.0) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask."""
    # (1) y[n] = clip(x[n], min, max)
    y = np.clip(x, min, max)
    # (2) mask[n] = [min < x[n] < max]
    mask = (x > min) & (x < max)
    return y, (mask,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (mask,) = saved
    # (5) grad_x[n] = grad_output[n] * mask[n]
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (mask,) = saved
    # (8) tangent_y[n] = mask[n] * tangent_x[n]
    tangent_y = mask.astype(tangent_x.dtype)
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_mask,) = saved
    # (10) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
