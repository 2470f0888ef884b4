"""exp: The exponential function.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 1d14464022ed71fe. Saved for the backward: y.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive exp --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="exp",
    summary="The exponential function.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("y",),
    reference="torch.exp(x)",
    digest="1d14464022ed71fe",
    output="y",
    curved=("x",),
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: y."""
    # (1) y[n] = exp(x[n])
    y = np.exp(x)
    return y, (y,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (y,) = saved
    # (4) grad_x[n] = grad_output[n] * y[n]
    grad_x = grad_output * y
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (y,) = saved
    # (7) tangent_y[n] = tangent_x[n] * y[n]
    tangent_y = tangent_x * y
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (y,) = saved
    # (10) hvp_x[n] = grad_output[n] * tangent_x[n] * y[n]
    hvp_x = grad_output * tangent_x
    hvp_x *= y
    return (hvp_x,)
