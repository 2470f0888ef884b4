"""conv1d: 1-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv1d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 06f8ca3612ecfece. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv1d --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,w),(f,c,a),(f)->(n,f,o), and what `backward` needs.

    That is x, weight, stride, padding, dilation.
    """
    # (1) z[n,f,o] = sum[c,a](weight[f,c,a] * x[n,c,stride*o + dilation*a - padding])
    z = torch.nn.functional.conv1d(x, weight, stride=stride, padding=padding, dilation=dilation)
    # (2) y[n,f,o] = z[n,f,o] + bias[f]
    y = z + bias[:, None]
    return y, (x, weight, stride, padding, dilation)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, weight, stride, padding, dilation = saved
    n, f, _ = grad_output.shape
    _, c, w = x.shape
    a = weight.shape[2]
    # (6) grad_x[n,c,w] = sum[f,a,o](delta[stride*o + dilation*a - padding,w] * grad_output[n,f,o] * weight[f,c,a])
    grad_x = torch.nn.grad.conv1d_input(
        (n, c, w), weight, grad_output, stride=stride, padding=padding, dilation=dilation
    )
    # (8) grad_weight[f,c,a] = sum[n,o](grad_output[n,f,o] * x[n,c,stride*o + dilation*a - padding])
    grad_weight = torch.nn.grad.conv1d_weight(
        x, (f, c, a), grad_output, stride=stride, padding=padding, dilation=dilation
    )
    # (10) grad_bias[f] = sum[n,o](grad_output[n,f,o])
    grad_bias = grad_output.sum(dim=(0, 2))
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride, padding, dilation = saved
    # (14) tangent_y[n,f,o] = tangent_bias[f] + sum[c,a](tangent_weight[f,c,a] * x[n,c,stride*o + dilation*a -
    #     padding]) + sum[c,a](tangent_x[n,c,stride*o + dilation*a - padding] * weight[f,c,a])
    dot_x_tangent_weight = torch.nn.functional.conv1d(
        x, tangent_weight, stride=stride, padding=padding, dilation=dilation
    )
    dot_tangent_x_weight = torch.nn.functional.conv1d(
        tangent_x, weight, stride=stride, padding=padding, dilation=dilation
    )
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y = tangent_y + tangent_bias[:, None]
    return tangent_y


def reference(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.conv1d(x, weight, bias, stride=stride, padding=padding, dilation=dilation)
    return result
