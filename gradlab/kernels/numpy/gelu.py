"""gelu: The Gaussian error linear unit: x times the cumulative normal distribution at x.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: f6a695efc49d8561. Saved for the backward: x.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive gelu --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels import special
from gradlab.operation import Argument, Operation, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="gelu",
    summary="The Gaussian error linear unit: x times the cumulative normal distribution at x.",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("x",),
    reference="torch.nn.functional.gelu(x)",
    digest="f6a695efc49d8561",
    output="y",
    curved=("x",),
)


def forward(x: Array) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) t1[n] = normal_cdf(x[n])
    t1 = special.normal_cdf(x)
    # (2) y[n] = t1[n] * x[n]
    y = x * t1
    return y, (x,)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (8) grad_x[n] = grad_output[n] * (normal_cdf(x[n]) + normal_pdf(x[n]) * x[n])
    normal_cdf_x = special.normal_cdf(x)
    grad_x = special.normal_pdf(x)
    grad_x *= x
    grad_x += normal_cdf_x
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (14) tangent_y[n] = tangent_x[n] * (normal_cdf(x[n]) + normal_pdf(x[n]) * x[n])
    normal_cdf_x = special.normal_cdf(x)
    tangent_y = special.normal_pdf(x)
    tangent_y *= x
    tangent_y += normal_cdf_x
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (18) hvp_x[n] = grad_output[n] * normal_pdf(x[n]) * tangent_x[n] * (2 - x[n]**2)
    normal_pdf_x = special.normal_pdf(x)
    hvp_x = (x * x)[...]
    hvp_x = np.subtract(2, hvp_x, out=hvp_x)
    hvp_x *= grad_output
    hvp_x *= normal_pdf_x
    hvp_x *= tangent_x
    return (hvp_x,)
