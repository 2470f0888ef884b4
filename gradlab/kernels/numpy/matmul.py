"""matmul: The matrix product a @ b, with leading dimensions that broadcast.

Generated from derivations/matmul.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: f6a2df292aa5a964. Saved for the backward: a, b.
The backward has 2 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive matmul --to text` prints.
"""

from typing import Any

from numpy.typing import NDArray

from gradlab.kernels.broadcasting import sum_to_shape
from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="matmul",
    summary="The matrix product a @ b, with leading dimensions that broadcast.",
    signature=Signature.parse("(...,m,i),(...,i,o)->(...,m,o)"),
    arguments=(
        Argument("a", real()),
        Argument("b", real()),
    ),
    saved=("a", "b"),
    reference="torch.matmul(a, b)",
    digest="f6a2df292aa5a964",
    broadcast=True,
    output="y",
    curved=("a", "b"),
)


def forward(a: Array, b: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,m,i),(...,i,o)->(...,m,o) with broadcasting.

    What `backward` needs: a, b, a_shape, b_shape.
    """
    a_shape = a.shape
    b_shape = b.shape
    # (1) y[n,m,o] = sum[i](a[n,m,i] * b[n,i,o])
    y = a @ b
    return y, (a, b, a_shape, b_shape)


def backward(
    grad_output: Array, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    a, b, a_shape, b_shape = saved
    grad_a: Array | None = None
    grad_b: Array | None = None
    if needs[0]:
        # (3) grad_a[n,m,i] = sum[o](b[n,i,o] * grad_output[n,m,o])
        grad_a = grad_output @ b.mT
    if needs[1]:
        # (5) grad_b[n,i,o] = sum[m](a[n,m,i] * grad_output[n,m,o])
        grad_b = a.mT @ grad_output
    if needs[0]:
        grad_a = sum_to_shape(grad_a, a_shape)
    if needs[1]:
        grad_b = sum_to_shape(grad_b, b_shape)
    return grad_a, grad_b


def jvp(saved: tuple[Any, ...], tangent_a: Array, tangent_b: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    a, b, _a_shape, _b_shape = saved
    # (7) tangent_y[n,m,o] = sum[i](a[n,m,i] * tangent_b[n,i,o]) + sum[i](b[n,i,o] * tangent_a[n,m,i])
    dot_a_tangent_b = a @ tangent_b
    dot_b_tangent_a = tangent_a @ b
    tangent_y = dot_a_tangent_b + dot_b_tangent_a
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Array, tangent_a: Array, tangent_b: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _a, _b, a_shape, b_shape = saved
    # (11) hvp_a[n,m,i] = sum[o](grad_output[n,m,o] * tangent_b[n,i,o])
    hvp_a = grad_output @ tangent_b.mT
    # (13) hvp_b[n,i,o] = sum[m](grad_output[n,m,o] * tangent_a[n,m,i])
    hvp_b = tangent_a.mT @ grad_output
    return sum_to_shape(hvp_a, a_shape), sum_to_shape(hvp_b, b_shape)
