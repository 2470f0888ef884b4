"""mse_each: Entry by entry the squared error.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 57b30e47afd64859. Saved for the backward: residual.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive mse_each --to text` prints.
"""

from typing import Any

from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="mse_each",
    summary="Entry by entry the squared error.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real()),
    ),
    saved=("residual",),
    reference="torch.nn.functional.mse_loss(x, t, reduction='none')",
    digest="57b30e47afd64859",
    output="y",
    curved=("x", "t"),
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: residual."""
    # (1) residual[n] = x[n] - t[n]
    residual = x - t
    # (2) y[n] = residual[n]**2
    y = residual * residual
    return y, (residual,)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    (residual,) = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    if needs[0]:
        # (6) grad_x[n] = 2 * grad_output[n] * residual[n]
        grad_x = grad_output * residual
        grad_x *= 2
    if needs[1]:
        # (8) grad_t[n] = -2 * grad_output[n] * residual[n]
        grad_t = grad_output * residual
        grad_t *= -2
    return grad_x, grad_t


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (residual,) = saved
    # (13) tangent_y[n] = 2 * residual[n] * (tangent_x[n] - tangent_t[n])
    tangent_y = tangent_x - tangent_t
    tangent_y *= 2
    tangent_y *= residual
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_residual,) = saved
    # (10) tangent_residual[n] = tangent_x[n] - tangent_t[n]
    tangent_residual = tangent_x - tangent_t
    # (17) hvp_x[n] = 2 * grad_output[n] * tangent_residual[n]
    hvp_x = grad_output * tangent_residual
    hvp_x *= 2
    # (19) hvp_t[n] = -2 * grad_output[n] * tangent_residual[n]
    hvp_t = grad_output * tangent_residual
    hvp_t *= -2
    return hvp_x, hvp_t
