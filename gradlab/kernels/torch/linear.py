"""linear: The linear layer x @ weight.T + bias.

Generated from derivations/linear.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 7219e7e8b2604300. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive linear --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,i),(o,i),(o)->(n,o), and what `backward` needs: x, weight."""
    # (1) z[n,o] = sum[i](weight[o,i] * x[n,i])
    # (2) y[n,o] = z[n,o] + bias[o]
    y = torch.addmm(bias, x, weight.T)
    return y, (x, weight)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight = saved
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    grad_bias: Tensor | None = None
    if needs[0]:
        # (6) grad_x[n,i] = sum[o](grad_output[n,o] * weight[o,i])
        grad_x = grad_output @ weight
    if needs[1]:
        # (8) grad_weight[o,i] = sum[n](grad_output[n,o] * x[n,i])
        grad_weight = grad_output.T @ x
    if needs[2]:
        # (10) grad_bias[o] = sum[n](grad_output[n,o])
        grad_bias = grad_output.sum(dim=0)
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight = saved
    # (14) tangent_y[n,o] = tangent_bias[o] + sum[i](tangent_weight[o,i] * x[n,i]) + sum[i](tangent_x[n,i] *
    #     weight[o,i])
    dot_tangent_weight_x = x @ tangent_weight.T
    dot_tangent_x_weight = tangent_x @ weight.T
    tangent_y = dot_tangent_weight_x + dot_tangent_x_weight
    tangent_y = tangent_y + tangent_bias
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight = saved
    # (19) hvp_x[n,i] = sum[o](grad_output[n,o] * tangent_weight[o,i])
    hvp_x = grad_output @ tangent_weight
    # (21) hvp_weight[o,i] = sum[n](grad_output[n,o] * tangent_x[n,i])
    hvp_weight = grad_output.T @ tangent_x
    # (22) hvp_bias[o] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias


def reference(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.linear(x, weight, bias)
    return result
