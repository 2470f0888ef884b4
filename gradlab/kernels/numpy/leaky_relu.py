"""leaky_relu: max(x, 0) + negative_slope * min(x, 0); its slope at 0 is negative_slope.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: e7de3e6e11300fa2. Saved for the backward: mask.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive leaky_relu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="leaky_relu",
    summary="max(x, 0) + negative_slope * min(x, 0); its slope at 0 is negative_slope.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("mask",),
    reference="torch.nn.functional.leaky_relu(x, negative_slope)",
    digest="e7de3e6e11300fa2",
    parameters=(Parameter("negative_slope", 0.01, -0.5, 2.0),),
    kinks=(Kink("x", where="x == 0", derivative="negative_slope"),),
    output="y",
)


def forward(x: Array, *, negative_slope: float = 0.01) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask, negative_slope."""
    # (1) t1[n] = min(x[n], 0)
    t1 = np.minimum(x, 0)
    # (2) mask[n] = [x[n] > 0]
    mask = x > 0
    # (3) t2[n] = max(x[n], 0)
    t2 = np.zeros(x.shape, x.dtype)
    t2 = np.maximum(x, t2, out=t2)
    # (4) y[n] = negative_slope * t1[n] + t2[n]
    y = t1 * negative_slope
    y += t2
    return y, (mask, negative_slope)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, negative_slope = saved
    # (12) grad_x[n] = grad_output[n] * (mask[n] + negative_slope - negative_slope * mask[n])
    weight = 1 - negative_slope
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= weight
    grad_x += negative_slope
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, negative_slope = saved
    # (21) tangent_y[n] = tangent_x[n] * (mask[n] + negative_slope - negative_slope * mask[n])
    weight = 1 - negative_slope
    tangent_y = mask.astype(tangent_x.dtype)
    tangent_y *= weight
    tangent_y += negative_slope
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _mask, _negative_slope = saved
    # (23) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
