"""conv2d: 2-D convolution with bias: windows of x, zeros outside it, times the kernel.

Generated from derivations/conv2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 6a27cb26098ff1ac. Saved for the backward: x, weight.
The backward has 3 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive conv2d --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,h,w),(f,c,a,b),(f)->(n,f,o,q).

    The second result is what `backward` needs: x, weight, stride, padding, dilation.
    """
    # (1) z[n,f,o,q] = sum[c,a,b](weight[f,c,a,b] * x[n,c,stride*o + dilation*a - padding,stride*q + dilation*b -
    #     padding])
    z = torch.nn.functional.conv2d(x, weight, stride=stride, padding=padding, dilation=dilation)
    # (2) y[n,f,o,q] = z[n,f,o,q] + bias[f]
    y = z + bias[:, None, None]
    return y, (x, weight, stride, padding, dilation)


def backward(
    grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...] = (True, True, True)
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, weight, stride, padding, dilation = saved
    n, f, _, _ = grad_output.shape
    _, c, h, w = x.shape
    _, _, a, b = weight.shape
    grad_x: Tensor | None = None
    grad_weight: Tensor | None = None
    grad_bias: Tensor | None = None
    if needs[0]:
        # (6) grad_x[n,c,h,w] = sum[f,a,b,o,q](delta[stride*o + dilation*a - padding,h] * delta[stride*q + dilation*b -
        #     padding,w] * grad_output[n,f,o,q] * weight[f,c,a,b])
        grad_x = torch.nn.grad.conv2d_input(
            (n, c, h, w), weight, grad_output, stride=stride, padding=padding, dilation=dilation
        )
    if needs[1]:
        # (8) grad_weight[f,c,a,b] = sum[n,o,q](grad_output[n,f,o,q] * x[n,c,stride*o + dilation*a - padding,stride*q +
        #     dilation*b - padding])
        grad_weight = torch.nn.grad.conv2d_weight(
            x, (f, c, a, b), grad_output, stride=stride, padding=padding, dilation=dilation
        )
    if needs[2]:
        # (10) grad_bias[f] = sum[n,o,q](grad_output[n,f,o,q])
        grad_bias = grad_output.sum(dim=(0, 2, 3))
    return grad_x, grad_weight, grad_bias


def jvp(saved: tuple[Any, ...], tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, weight, stride, padding, dilation = saved
    # (14) tangent_y[n,f,o,q] = tangent_bias[f] + sum[c,a,b](tangent_weight[f,c,a,b] * x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding]) + sum[c,a,b](tangent_x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding] * weight[f,c,a,b])
    dot_x_tangent_weight = torch.nn.functional.conv2d(
        x, tangent_weight, stride=stride, padding=padding, dilation=dilation
    )
    dot_tangent_x_weight = torch.nn.functional.conv2d(
        tangent_x, weight, stride=stride, padding=padding, dilation=dilation
    )
    tangent_y = dot_tangent_x_weight + dot_x_tangent_weight
    tangent_y = tangent_y + tangent_bias[:, None, None]
    return tangent_y


def hvp(
    saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor, tangent_weight: Tensor, tangent_bias: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _x, _weight, stride, padding, dilation = saved
    n, f, _, _ = grad_output.shape
    _, c, h, w = tangent_x.shape
    _, _, a, b = tangent_weight.shape
    # (19) hvp_x[n,c,h,w] = sum[f,a,b,o,q](delta[stride*o + dilation*a - padding,h] * delta[stride*q + dilation*b -
    #     padding,w] * grad_output[n,f,o,q] * tangent_weight[f,c,a,b])
    hvp_x = torch.nn.grad.conv2d_input(
        (n, c, h, w), tangent_weight, grad_output, stride=stride, padding=padding, dilation=dilation
    )
    # (21) hvp_weight[f,c,a,b] = sum[n,o,q](grad_output[n,f,o,q] * tangent_x[n,c,stride*o + dilation*a -
    #     padding,stride*q + dilation*b - padding])
    hvp_weight = torch.nn.grad.conv2d_weight(
        tangent_x, (f, c, a, b), grad_output, stride=stride, padding=padding, dilation=dilation
    )
    # (22) hvp_bias[f] = 0
    hvp_bias = torch.zeros_like(tangent_bias)
    return hvp_x, hvp_weight, hvp_bias


def reference(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int = 1, padding: int = 0, dilation: int = 1
) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.conv2d(x, weight, bias, stride=stride, padding=padding, dilation=dilation)
    return result
