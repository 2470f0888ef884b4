"""dropout: x where the mask is 1, divided by the chance 1 - p to be kept, and 0 elsewhere.

Generated from derivations/elementwise.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: e24c03c81b31cb3e. Saved for the backward: mask, keep.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive dropout --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, mask, real

Array = NDArray[Any]

OPERATION = Operation(
    name="dropout",
    summary="x where the mask is 1, divided by the chance 1 - p to be kept, and 0 elsewhere.",
    signature=Signature.parse("(...),(...)->(...)"),
    arguments=(
        Argument("x", real()),
        Argument("mask", mask(0.5), differentiable=False),
    ),
    saved=("mask",),
    reference="x * mask / (1 - p)",
    digest="e24c03c81b31cb3e",
    parameters=(Parameter("p", 0.5, 0.0, 0.9),),
    output="y",
)


def forward(x: Array, mask: Array, *, p: float = 0.5) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: mask, keep."""
    # (1) keep = 1 - p
    keep = 1 - p
    # (2) y[n] = mask[n] * x[n] / keep
    reciprocal_keep = 1 / keep if keep else np.nan
    y = mask.astype(x.dtype)
    y *= x
    y *= reciprocal_keep
    return y, (mask, keep)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, keep = saved
    # (4) grad_x[n] = grad_output[n] * mask[n] / keep
    reciprocal_keep = 1 / keep if keep else np.nan
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= grad_output
    grad_x *= reciprocal_keep
    return grad_x, None


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, keep = saved
    # (6) tangent_y[n] = mask[n] * tangent_x[n] / keep
    reciprocal_keep = 1 / keep if keep else np.nan
    tangent_y = mask.astype(tangent_x.dtype)
    tangent_y *= tangent_x
    tangent_y *= reciprocal_keep
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _mask, _keep = saved
    # (8) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
