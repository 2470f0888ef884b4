"""min: The smallest entry of each row; at a tie the first one gets the whole gradient.

Generated from derivations/max.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 2dc60ba28c6041b1. Saved for the backward: at.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive min --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="min",
    summary="The smallest entry of each row; at a tie the first one gets the whole gradient.",
    signature=Signature.parse("(...,d)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("at",),
    reference="torch.min(x, dim=-1).values",
    digest="2dc60ba28c6041b1",
    output="y",
)


def forward(x: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...,d)->(...), and what `backward` needs: at, d."""
    d = x.shape[-1]
    # (1) at[n] = argmax[d](-x[n,d])
    at = x.argmin(axis=-1)
    # (2) y[n] = x[n,at[n]]
    y = np.take_along_axis(x, at[..., None], axis=-1)[..., 0]
    return y, (at, d)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    at, d = saved
    # (4) grad_x[n,d] = delta[at[n],d] * grad_output[n]
    grad_x = np.zeros((*grad_output.shape, d), grad_output.dtype)
    np.put_along_axis(grad_x, at[..., None], grad_output[..., None], axis=-1)
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    at, _d = saved
    # (6) tangent_y[n] = tangent_x[n,at[n]]
    tangent_y = np.take_along_axis(tangent_x, at[..., None], axis=-1)[..., 0]
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _at, _d = saved
    # (8) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
