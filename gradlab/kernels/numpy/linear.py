"""linear: The linear layer x @ weight.T + bias.

Generated from derivations/linear.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 7219e7e8b2604300. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive linear --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="linear",
    summary="The linear layer x @ weight.T + bias.",
    signature=Signature.parse("(n,i),(o,i),(o)->(n,o)"),
    arguments=(
        Argument("x", real()),
        Argument("weight", real()),
        Argument("bias", real()),
    ),
    saved=("x", "weight"),
    reference="torch.nn.functional.linear(x, weight, bias)",
    digest="7219e7e8b2604300",
    output="y",
    curved=("x", "weight"),
)


def forward(x: Array, weight: Array, bias: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,i),(o,i),(o)->(n,o), and what `backward` needs: x, weight."""
    # (1) z[n,o] = sum[i](weight[o,i] * x[n,i])
    z = x @ weight.T
    # (2) y[n,o] = z[n,o] + bias[o]
    y = np.add(z, bias, out=z)
    return y, (x, weight)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight = saved
    grad_x: Array | None = None
    grad_weight: Array | None = None
    grad_bias: Array | None = None
    if needs[0]:
        # (6) grad_x[n,i] = sum[o](grad_output[n,o] * weight[o,i])
        grad_x = grad_output @ weight
    if needs[1]:
        # (8) grad_weight[o,i] = sum[n](grad_output[n,o] * x[n,i])
        grad_weight = grad_output.T @ x
    if needs[2]:
        # (10) grad_bias[o] = sum[n](grad_output[n,o])
        grad_bias = np.ones(len(grad_output), grad_output.dtype) @ grad_output
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_weight: Array, tangent_bias: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight = saved
    # (14) tangent_y[n,o] = tangent_bias[o] + sum[i](tangent_weight[o,i] * x[n,i]) + sum[i](tangent_x[n,i] *
    #     weight[o,i])
    dot_tangent_weight_x = x @ tangent_weight.T
    dot_tangent_x_weight = tangent_x @ weight.T
    tangent_y = dot_tangent_weight_x + dot_tangent_x_weight
    tangent_y += tangent_bias
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_weight: Array, tangent_bias: Array
) -> tuple[Array | None, Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight = saved
    # (19) hvp_x[n,i] = sum[o](grad_output[n,o] * tangent_weight[o,i])
    hvp_x = grad_output @ tangent_weight
    # (21) hvp_weight[o,i] = sum[n](grad_output[n,o] * tangent_x[n,i])
    hvp_weight = grad_output.T @ tangent_x
    # (22) hvp_bias[o] = 0
    hvp_bias = np.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias
