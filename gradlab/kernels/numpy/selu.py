"""selu: The self-normalising linear unit: scale * elu(x, alpha) with the constants of Klambauer et al., 2017.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 031f54eef03c6c3c. Saved for the backward: x.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive selu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Kink, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="selu",
    summary="The self-normalising linear unit: scale * elu(x, alpha) with the constants of Klambauer et al., 2017.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("x",),
    reference="torch.nn.functional.selu(x)",
    digest="031f54eef03c6c3c",
    kinks=(Kink("x", where="x == 0", derivative=1.7580993408473768),),
    output="y",
    curved=("x",),
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) t1[n] = max(x[n], 0)
    t1 = np.zeros(x.shape, x.dtype)
    t1 = np.maximum(x, t1, out=t1)
    # (3) t2[n] = min(x[n], 0)
    t2 = np.minimum(x, 0)[...]
    # (4) t3[n] = expm1(t2[n])
    t3 = np.expm1(t2, out=t2)
    # (5) y[n] = 1.0507009873554805 * t1[n] + 1.7580993408473768 * t3[n]
    y = t1 * 1.0507009873554805
    part = t3 * 1.7580993408473768
    y += part
    return y, (x,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (16) grad_x[n] = grad_output[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 0.7073983534918964 * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    grad_x = np.exp(negative_part_x, out=negative_part_x)
    grad_x *= 1.7580993408473768
    part = mask_x.astype(grad_output.dtype)
    part *= 0.7073983534918964
    grad_x -= part
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (27) tangent_y[n] = tangent_x[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 0.7073983534918964 * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    tangent_y = np.exp(negative_part_x, out=negative_part_x)
    tangent_y *= 1.7580993408473768
    part = mask_x.astype(tangent_x.dtype)
    part *= 0.7073983534918964
    tangent_y -= part
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (32) hvp_x[n] = grad_output[n] * tangent_x[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 1.7580993408473768 *
    #     [x[n] > 0])
    mask_x = x > 0
    negative_part_x = np.minimum(x, 0)[...]
    hvp_x = np.exp(negative_part_x, out=negative_part_x)
    hvp_x *= 1.7580993408473768
    part = mask_x.astype(grad_output.dtype)
    part *= 1.7580993408473768
    hvp_x -= part
    hvp_x *= grad_output
    hvp_x *= tangent_x
    return (hvp_x,)
