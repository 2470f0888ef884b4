"""elu: The exponential linear unit: x where it is positive, else alpha * (exp(x) - 1); its slope at 0 is alpha.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: dd1fae782da12d8a. Saved for the backward: x.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive elu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="elu",
    summary="The exponential linear unit: x where it is positive, else alpha * (exp(x) - 1); its slope at 0 is alpha.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("x",),
    reference="torch.nn.functional.elu(x, alpha)",
    digest="dd1fae782da12d8a",
    parameters=(Parameter("alpha", 1.0, 0.1, 4.0),),
    kinks=(Kink("x", where="x == 0", derivative="alpha"),),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, alpha: float = 1.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x, alpha."""
    # (1) t1[n] = min(x[n], 0)
    t1 = np.minimum(x, 0)[...]
    # (3) t2[n] = expm1(t1[n])
    t2 = np.expm1(t1, out=t1)
    # (4) t3[n] = max(x[n], 0)
    t3 = np.zeros(x.shape, x.dtype)
    t3 = np.maximum(x, t3, out=t3)
    # (5) y[n] = alpha * t2[n] + t3[n]
    y = t2 * alpha
    y += t3
    return y, (x, alpha)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, alpha = saved
    # (16) grad_x[n] = grad_output[n] * ([x[n] > 0] + alpha * exp(min(x[n], 0)) - alpha * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    grad_x = np.exp(negative_part_x, out=negative_part_x)
    weight = 1 - alpha
    grad_x *= alpha
    part = mask_x.astype(grad_output.dtype)
    part *= weight
    grad_x += part
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, alpha = saved
    # (27) tangent_y[n] = tangent_x[n] * ([x[n] > 0] + alpha * exp(min(x[n], 0)) - alpha * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    tangent_y = np.exp(negative_part_x, out=negative_part_x)
    weight = 1 - alpha
    tangent_y *= alpha
    part = mask_x.astype(tangent_x.dtype)
    part *= weight
    tangent_y += part
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, alpha = saved
    # (32) hvp_x[n] = alpha * grad_output[n] * tangent_x[n] * (exp(min(x[n], 0)) - [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    hvp_x = np.exp(negative_part_x, out=negative_part_x)
    part = mask_x.astype(grad_output.dtype)
    hvp_x -= part
    hvp_x *= alpha
    hvp_x *= grad_output
    hvp_x *= tangent_x
    return (hvp_x,)
