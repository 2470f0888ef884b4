"""add: The sum a + b, element by element, with broadcasting.

Generated from derivations/arithmetic.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: a9b44a81528fdfc2. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive add --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels.broadcasting import sum_to_shape
from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="add",
    summary="The sum a + b, element by element, with broadcasting.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("a", real()),
        Argument("b", real()),
    ),
    saved=(),
    reference="torch.add(a, b)",
    digest="a9b44a81528fdfc2",
    broadcast=True,
    output="y",
)


def forward(a: Array, b: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...) with broadcasting, and what `backward` needs: a_shape, b_shape."""
    a_shape = a.shape
    b_shape = b.shape
    # (1) y[n] = a[n] + b[n]
    y = a + b
    return y, (a_shape, b_shape)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    a_shape, b_shape = saved
    grad_a: Array | None = None
    grad_b: Array | None = None
    if needs[0]:
        # (3) grad_a[n] = grad_output[n]
        grad_a = grad_output.copy()
    if needs[1]:
        # (5) grad_b[n] = grad_output[n]
        grad_b = grad_output.copy()
    if needs[0]:
        grad_a = sum_to_shape(grad_a, a_shape)
    if needs[1]:
        grad_b = sum_to_shape(grad_b, b_shape)
    return grad_a, grad_b


def jvp(saved: tuple[Any, ...], tangent_a: Array, tangent_b: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _a_shape, _b_shape = saved
    # (7) tangent_y[n] = tangent_a[n] + tangent_b[n]
    tangent_y = tangent_a + tangent_b
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_a: Array, tangent_b: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    a_shape, b_shape = saved
    # (10) hvp_a[n] = 0
    hvp_a = np.zeros_like(tangent_a)
    # (11) hvp_b[n] = 0
    hvp_b = np.zeros_like(tangent_b)
    return sum_to_shape(hvp_a, a_shape), sum_to_shape(hvp_b, b_shape)
