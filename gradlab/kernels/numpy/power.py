"""power: x to a real power, for positive x.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 26882fe0f1d5e860. Saved for the backward: x.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive power --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, positive

Array = NDArray[Any]

OPERATION = Operation(
    name="power",
    summary="x to a real power, for positive x.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", positive()),),
    saved=("x",),
    reference="torch.pow(x, exponent)",
    digest="26882fe0f1d5e860",
    parameters=(Parameter("exponent", 2.0, -3.0, 3.0),),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, exponent: float = 2.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x, exponent."""
    # (1) y[n] = x[n]**exponent
    y = np.power(x, exponent)
    return y, (x, exponent)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, exponent = saved
    # (3) grad_x[n] = exponent * grad_output[n] * x[n]**exponent / x[n]
    power_x = np.power(x, exponent)
    grad_x = grad_output / x
    grad_x *= power_x
    grad_x *= exponent
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, exponent = saved
    # (5) tangent_y[n] = exponent * x[n]**exponent * tangent_x[n] / x[n]
    tangent_y = np.power(x, exponent)
    tangent_y /= x
    tangent_y *= tangent_x
    tangent_y *= exponent
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, exponent = saved
    # (9) hvp_x[n] = exponent * grad_output[n] * x[n]**exponent * tangent_x[n] * (exponent - 1) / x[n]**2
    power_x = np.power(x, exponent)
    hvp_x = -exponent * grad_output * power_x * tangent_x / x / x
    hvp_x += exponent * exponent * grad_output * power_x * tangent_x / x / x
    return (hvp_x,)
