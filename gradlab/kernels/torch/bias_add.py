"""bias_add: The addition of a bias along the last axis.

Generated from derivations/matmul.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: ea170fd1a4c0e253. Saved for the backward: nothing.
The backward has 1 reduction and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive bias_add --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, bias: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d),(d)->(...,d), and what `backward` needs: nothing."""
    # (1) y[n,d] = x[n,d] + bias[d]
    y = x + bias
    return y, ()


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    grad_x: Tensor | None = None
    grad_bias: Tensor | None = None
    if needs[1]:
        # (5) grad_bias[d] = sum[n](grad_output[n,d])
        grad_bias = grad_output.sum_to_size(grad_output.shape[-1:])
    if needs[0]:
        # (3) grad_x[n,d] = grad_output[n,d]
        grad_x = grad_output.clone()
    return grad_x, grad_bias


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    # (7) tangent_y[n,d] = tangent_x[n,d] + tangent_bias[d]
    tangent_y = tangent_x + tangent_bias
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    # (10) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    # (11) hvp_bias[d] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return hvp_x, hvp_bias


def reference(x: Tensor, bias: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = x + bias
    return result
