"""global_avg_pool2d: The mean of each channel over h and w, as what a classifier reads.

Generated from derivations/global_avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 45d1397b6949a634. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive global_avg_pool2d --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="global_avg_pool2d",
    summary="The mean of each channel over h and w, as what a classifier reads.",
    signature=Signature.parse("(n,c,h,w)->(n,c)"),
    arguments=(Argument("x", real()),),
    saved=(),
    reference="x.mean(dim=(2, 3))",
    digest="45d1397b6949a634",
    nonempty=("h", "w"),
    output="y",
)


def forward(x: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c), and what `backward` needs: h, w."""
    _, _, h, w = x.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (1) y[n,c] = sum[h,w](x[n,c,h,w]) / (H * W)
    sum_x = np.einsum("abcd->ab", x)
    y = sum_x * inverse_hw
    return y, (h, w)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    h, w = saved
    n, c = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (3) grad_x[n,c,h,w] = grad_output[n,c] / (H * W)
    grad_x = np.broadcast_to(grad_output[:, :, None, None] * inverse_hw, (n, c, h, w)).copy()
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    h, w = saved
    hw = h * w
    inverse_hw = 1 / hw if hw else np.nan
    # (5) tangent_y[n,c] = sum[h,w](tangent_x[n,c,h,w]) / (H * W)
    sum_tangent_x = np.einsum("abcd->ab", tangent_x)
    tangent_y = sum_tangent_x * inverse_hw
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _h, _w = saved
    # (7) hvp_x[n,c,h,w] = 0
    hvp_x = np.zeros_like(tangent_x)
    return (hvp_x,)
