"""hinge_each: Entry by entry the hinge loss max(1 - t * x, 0).

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: b95108ca620336a6. Saved for the backward: t, mask.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive hinge_each --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real, signs

Array = NDArray[Any]

OPERATION = Operation(
    name="hinge_each",
    summary="Entry by entry the hinge loss max(1 - t * x, 0).",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("t", signs(), differentiable=False),
    ),
    saved=("t", "mask"),
    reference="torch.relu(1 - t * x)",
    digest="b95108ca620336a6",
    output="y",
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: t, mask."""
    # (1) t1[n] = 1 - t[n] * x[n]
    t1 = (t * x)[...]
    t1 = np.subtract(1, t1, out=t1)
    # (2) y[n] = max(t1[n], 0)
    y = np.zeros(t1.shape, t1.dtype)
    y = np.maximum(t1, y, out=y)
    # (3) mask[n] = [t1[n] > 0]
    mask = t1 > 0
    return y, (t, mask)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t, mask = saved
    # (8) grad_x[n] = -grad_output[n] * mask[n] * t[n]
    grad_x = grad_output * t
    grad_x *= mask
    grad_x *= -1
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t, mask = saved
    # (13) tangent_y[n] = -mask[n] * t[n] * tangent_x[n]
    tangent_y = t * tangent_x
    tangent_y *= mask
    tangent_y *= -1
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _t, _mask = saved
    # (15) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
