"""hardtanh: x, kept between min_val and max_val; its slope is 0 at both.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 454347f1c4a774c6. Saved for the backward: mask.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive hardtanh --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="hardtanh",
    summary="x, kept between min_val and max_val; its slope is 0 at both.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("mask",),
    reference="torch.nn.functional.hardtanh(x, min_val, max_val)",
    digest="454347f1c4a774c6",
    parameters=(
        Parameter("min_val", -1.0, -2.0, 0.0),
        Parameter("max_val", 1.0, 0.5, 2.0),
    ),
    kinks=(
        Kink("x", where="x == min_val", derivative=0.0),
        Kink("x", where="x == max_val", derivative=0.0),
    ),
    output="y",
)


def forward(x: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask."""
    # (1) y[n] = clip(x[n], min_val, max_val)
    y = np.clip(x, min_val, max_val)
    # (2) mask[n] = [min_val < x[n] < max_val]
    mask = (x > min_val) & (x < max_val)
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
