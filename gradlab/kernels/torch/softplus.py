"""softplus: log(1 + exp(beta * x)) / beta, a smooth max(x, 0).

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 66561635085cfd24. Saved for the backward: beta_x.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softplus --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, *, beta: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: beta_x, beta."""
    # (1) beta_x[n] = beta * x[n]
    beta_x = x * beta
    # (2) t1[n] = softplus(beta_x[n])
    t1 = torch.nn.functional.softplus(beta_x, threshold=40.0)
    # (3) y[n] = t1[n] / beta
    reciprocal_beta = 1 / beta if beta else math.nan
    y = t1.mul_(reciprocal_beta)
    return y, (beta_x, beta)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    beta_x, _beta = saved
    # (9) grad_x[n] = grad_output[n] * sigmoid(beta_x[n])
    grad_x = torch.sigmoid(beta_x)
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    beta_x, _beta = saved
    # (15) tangent_y[n] = sigmoid(beta_x[n]) * tangent_x[n]
    tangent_y = torch.sigmoid(beta_x)
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    beta_x, beta = saved
    # (19) hvp_x[n] = beta * grad_output[n] * sigmoid(beta_x[n]) * tangent_x[n] * (1 - sigmoid(beta_x[n]))
    sigmoid_beta_x = torch.sigmoid(beta_x)
    hvp_x = 1 - sigmoid_beta_x
    hvp_x *= beta
    hvp_x = hvp_x * grad_output
    hvp_x *= sigmoid_beta_x
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor, *, beta: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.logaddexp(beta * x, torch.zeros_like(x)) / beta
    return result
