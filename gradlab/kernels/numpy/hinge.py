"""hinge: The mean hinge loss max(1 - t * x, 0) for targets of -1 and 1; its slope at the margin is 0.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 7ded98d3c35df150. Saved for the backward: t, mask.
The backward has 0 reductions and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive hinge --to text` prints.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real, signs

Array = NDArray[Any]

OPERATION = Operation(
    name="hinge",
    summary="The mean hinge loss max(1 - t * x, 0) for targets of -1 and 1; its slope at the margin is 0.",
    signature=Signature.parse("(...),(...)->()"),
    arguments=(
        Argument("x", real()),
        Argument("t", signs(), differentiable=False),
    ),
    saved=("t", "mask"),
    reference="torch.relu(1 - t * x).mean()",
    digest="7ded98d3c35df150",
    output="loss",
)


def forward(x: Array, t: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: t, mask."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else np.nan
    # (1) t1[n] = 1 - t[n] * x[n]
    t1 = (t * x)[...]
    t1 = np.subtract(1, t1, out=t1)
    # (2) t2[n] = max(t1[n], 0)
    t2 = np.zeros(t1.shape, t1.dtype)
    t2 = np.maximum(t1, t2, out=t2)
    # (3) mask[n] = [t1[n] > 0]
    mask = t1 > 0
    # (4) loss = sum[n](t2[n]) / N
    sum_t2 = t2.sum()
    loss = sum_t2 * inverse_n
    return loss, (t, mask)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t, mask = saved
    n = math.prod(t.shape)
    inverse_n = 1 / n if n else np.nan
    # (11) grad_x[n] = -grad_output * mask[n] * t[n] / N
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= t
    grad_x *= grad_output * -inverse_n
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t, mask = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else np.nan
    # (18) tangent_loss = -sum[n](mask[n] * t[n] * tangent_x[n]) / N
    part = tangent_x * t
    dot_mask_part = (mask * part).sum()
    tangent_loss = dot_mask_part * -inverse_n
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _t, _mask = saved
    # (20) hvp_x[n] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
