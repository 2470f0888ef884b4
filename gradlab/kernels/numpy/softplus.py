"""softplus: log(1 + exp(beta * x)) / beta, a smooth max(x, 0).

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 66561635085cfd24. Saved for the backward: beta_x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softplus --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.kernels import special
from gradlab.operation import Argument, Operation, Parameter, Signature, real

Array = NDArray[Any]

OPERATION = Operation(
    name="softplus",
    summary="log(1 + exp(beta * x)) / beta, a smooth max(x, 0).",
    signature=Signature.parse("(...)->(...)"),
    arguments=(Argument("x", real()),),
    saved=("beta_x",),
    reference="torch.logaddexp(beta * x, torch.zeros_like(x)) / beta",
    digest="66561635085cfd24",
    parameters=(Parameter("beta", 1.0, 0.1, 10.0),),
    output="y",
    curved=("x",),
)


def forward(x: Array, *, beta: float = 1.0) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: beta_x, beta."""
    # (1) beta_x[n] = beta * x[n]
    beta_x = x * beta
    # (2) t1[n] = softplus(beta_x[n])
    t1 = special.softplus(beta_x)
    # (3) y[n] = t1[n] / beta
    reciprocal_beta = 1 / beta if beta else np.nan
    y = t1 * reciprocal_beta
    return y, (beta_x, beta)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    beta_x, _beta = saved
    # (9) grad_x[n] = grad_output[n] * sigmoid(beta_x[n])
    grad_x = special.sigmoid(beta_x)
    grad_x *= grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    beta_x, _beta = saved
    # (15) tangent_y[n] = sigmoid(beta_x[n]) * tangent_x[n]
    tangent_y = special.sigmoid(beta_x)
    tangent_y *= tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_x: Array) -> tuple[Array]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    beta_x, beta = saved
    # (19) hvp_x[n] = beta * grad_output[n] * sigmoid(beta_x[n]) * tangent_x[n] * (1 - sigmoid(beta_x[n]))
    sigmoid_beta_x = special.sigmoid(beta_x)
    hvp_x = 1 - sigmoid_beta_x
    hvp_x *= beta
    hvp_x *= grad_output
    hvp_x *= sigmoid_beta_x
    hvp_x *= tangent_x
    return (hvp_x,)
