"""binary_cross_entropy_with_logits_each: Entry by entry the cross-entropy of sigmoid(x) and t.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: f076d670a4b86d30. Saved for the backward: x, t.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive binary_cross_entropy_with_logits_each --to text` prints.
"""

from typing import Any

from numpy.typing import NDArray

from gradlab.kernels import special
from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="binary_cross_entropy_with_logits_each",
    summary="Entry by entry the cross-entropy of sigmoid(x) and t.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", real(0, 1)),
    ),
    saved=("x", "t"),
    reference="torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction='none')",
    digest="f076d670a4b86d30",
    output="y",
    curved=("x", "t"),
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: x, t."""
    # (1) t1[n] = softplus(x[n])
    t1 = special.softplus(x)
    # (2) y[n] = t1[n] - t[n] * x[n]
    part = t * x
    y = t1 - part
    return y, (x, t)


def backward(
    grad_output: Array, saved: tuple[Array, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, t = saved
    grad_x: Array | None = None
    grad_t: Array | None = None
    if needs[0]:
        # (7) grad_x[n] = grad_output[n] * (sigmoid(x[n]) - t[n])
        grad_x = special.sigmoid(x)
        grad_x -= t
        grad_x *= grad_output
    if needs[1]:
        # (9) grad_t[n] = -grad_output[n] * x[n]
        grad_t = grad_output * x
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Array, ...], tangent_x: Array, tangent_t: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, t = saved
    # (13) tangent_y[n] = sigmoid(x[n]) * tangent_x[n] - t[n] * tangent_x[n] - tangent_t[n] * x[n]
    tangent_y = special.sigmoid(x)
    tangent_y -= t
    tangent_y *= tangent_x
    part_2 = x * tangent_t
    tangent_y -= part_2
    return tangent_y


def hvp(
    saved: tuple[Array, ...], grad_output: Array, tangent_x: Array, tangent_t: Array
) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, _t = saved
    # (18) hvp_x[n] = grad_output[n] * (sigmoid(x[n]) * tangent_x[n] - tangent_t[n] - sigmoid(x[n])**2 *
    #     tangent_x[n])
    hvp_x = special.sigmoid(x)
    part = 1 - hvp_x
    hvp_x *= tangent_x
    hvp_x *= part
    hvp_x -= tangent_t
    hvp_x *= grad_output
    # (20) hvp_t[n] = -grad_output[n] * tangent_x[n]
    hvp_t = grad_output * tangent_x
    hvp_t *= -1
    return hvp_x, hvp_t
