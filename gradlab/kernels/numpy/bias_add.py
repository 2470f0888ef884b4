"""bias_add: The addition of a bias along the last axis.

Generated from derivations/matmul.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: ea170fd1a4c0e253. Saved for the backward: nothing.
The backward has 1 reduction and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive bias_add --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="bias_add",
    summary="The addition of a bias along the last axis.",
    signature=Signature.parse("(...,d),(d)->(...,d)"),
    arguments=(
        Argument("x", real()),
        Argument("bias", real()),
    ),
    saved=(),
    reference="x + bias",
    digest="ea170fd1a4c0e253",
    output="y",
)


def forward(x: Array, bias: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...,d),(d)->(...,d), and what `backward` needs: nothing."""
    # (1) y[n,d] = x[n,d] + bias[d]
    y = x + bias
    return y, ()


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    n = math.prod(grad_output.shape[:-1])
    d = grad_output.shape[-1]
    grad_x: Array | None = None
    grad_bias: Array | None = None
    if needs[1]:
        # (5) grad_bias[d] = sum[n](grad_output[n,d])
        grad_bias = np.ones(n, grad_output.dtype) @ grad_output.reshape(n, d)
    if needs[0]:
        # (3) grad_x[n,d] = grad_output[n,d]
        grad_x = grad_output.copy()
    return grad_x, grad_bias


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    # (7) tangent_y[n,d] = tangent_x[n,d] + tangent_bias[d]
    tangent_y = tangent_x + tangent_bias
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    # (10) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    # (11) hvp_bias[d] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return hvp_x, hvp_bias
