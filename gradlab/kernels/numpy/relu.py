"""relu: The rectified linear unit max(x, 0), element by element; its slope at 0 is 0.

Generated from derivations/relu.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 391abcc6235533b5. Saved for the backward: mask.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive relu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="relu",
    summary="The rectified linear unit max(x, 0), element by element; its slope at 0 is 0.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("mask",),
    reference="torch.relu(x)",
    digest="391abcc6235533b5",
    kinks=(Kink("x", where="x == 0", derivative=0.0),),
    output="y",
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask."""
    # (1) y[n] = max(x[n], 0)
    y = np.zeros(x.shape, x.dtype)
    y = np.maximum(x, y, out=y)
    # (2) mask[n] = [x[n] > 0]
    mask = x > 0
    return y, (mask,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (mask,) = saved
    # (5) grad_x[n] = grad_output[n] * mask[n]
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (mask,) = saved
    # (8) tangent_y[n] = mask[n] * tangent_x[n]
    tangent_y = mask.astype(tangent_x.dtype)
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_mask,) = saved
    # (10) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
