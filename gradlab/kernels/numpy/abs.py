"""abs: The absolute value; its slope at 0 is 0.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 7909a2e7edb4c393. Saved for the backward: x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive abs --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="abs",
    summary="The absolute value; its slope at 0 is 0.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("x",),
    reference="torch.abs(x)",
    digest="7909a2e7edb4c393",
    kinks=(Kink("x", where="x == 0", derivative=0.0),),
    output="y",
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) y[n] = |x[n]|
    y = np.abs(x)
    return y, (x,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (3) grad_x[n] = grad_output[n] * sign(x[n])
    grad_x = np.sign(x)
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (5) tangent_y[n] = sign(x[n]) * tangent_x[n]
    tangent_y = np.sign(x)
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_x,) = saved
    # (7) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
