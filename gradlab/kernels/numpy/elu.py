"""elu: The exponential linear unit: x where it is positive, else alpha * (exp(x) - 1); its slope at 0 is alpha.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: bb3d88598fc8c88b. Saved for the backward: t1, mask.
The backward has 0 reductions and 7 elementwise passes over full-size arrays.
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
    saved=("t1", "mask"),
    reference="torch.nn.functional.elu(x, alpha)",
    digest="bb3d88598fc8c88b",
    parameters=(Parameter("alpha", 1.0, 0.1, 4.0),),
    kinks=(Kink("x", where="x == 0", derivative='alpha'),),
)


def forward(x: Array, *, alpha: float = 1.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: t1, mask, alpha."""
    # (1) t1[n] = min(x[n], 0)
    t1 = np.minimum(x, 0)
    # (2) mask[n] = [x[n] > 0]
    mask = x > 0
    # (3) t2[n] = expm1(t1[n])
    t2 = np.expm1(t1)
    # (4) t3[n] = max(x[n], 0)
    t3 = np.zeros(x.shape, x.dtype)
    t3 = np.maximum(x, t3, out=t3)
    # (5) y[n] = alpha * t2[n] + t3[n]
    y = t2 * alpha
    y += t3
    return y, (t1, mask, alpha)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t1, mask, alpha = saved
    # (16) grad_x[n] = grad_output[n] * (alpha * exp(t1[n]) + mask[n] - alpha * mask[n])
    exp_t1 = np.exp(t1)
    grad_x = grad_output * exp_t1
    grad_x *= alpha
    part = mask.astype(grad_output.dtype)
    part *= grad_output
    part *= alpha
    grad_x -= part
    part_2 = mask.astype(grad_output.dtype)
    part_2 *= grad_output
    grad_x += part_2
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t1, mask, alpha = saved
    # (28) tangent_y[n] = tangent_x[n] * (alpha * exp(t1[n]) + mask[n] - alpha * mask[n])
    exp_t1 = np.exp(t1)
    tangent_y = tangent_x * exp_t1
    tangent_y *= alpha
    part = mask.astype(tangent_x.dtype)
    part *= tangent_x
    part *= alpha
    tangent_y -= part
    part_2 = mask.astype(tangent_x.dtype)
    part_2 *= tangent_x
    tangent_y += part_2
    return tangent_y
