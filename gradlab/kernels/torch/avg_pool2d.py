"""avg_pool2d: Mean over square windows; zeros of the padding count (torch's count_include_pad=True).

Generated from derivations/avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 806dc197bd545335. Saved for the backward: nothing.
The backward has 1 reduction and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive avg_pool2d --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, *, kernel_size: int = 2, stride: int = 2, padding: int = 0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c,o,q), and what `backward` needs: h, w, kernel_size, stride, padding."""
    _, c, h, w = x.shape
    kernel_size_squared = kernel_size * kernel_size
    inverse_kernel_size_squared = 1 / kernel_size_squared if kernel_size_squared else math.nan
    # (1) y[n,c,o,q] = sum[a,b](x[n,c,stride*o + a - padding,stride*q + b - padding]) / kernel_size**2
    y = torch.nn.functional.conv2d(
        x, x.new_ones(()).expand(c, 1, kernel_size, kernel_size), stride=stride, padding=padding, groups=c
    )
    y = y * inverse_kernel_size_squared
    return y, (h, w, kernel_size, stride, padding)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    h, w, kernel_size, stride, padding = saved
    n, c, _, _ = grad_output.shape
    kernel_size_squared = kernel_size * kernel_size
    inverse_kernel_size_squared = 1 / kernel_size_squared if kernel_size_squared else math.nan
    # (3) grad_x[n,c,h,w] = sum[o,q,a,b](delta[stride*o + a - padding,h] * delta[stride*q + b - padding,w] *
    #     grad_output[n,c,o,q]) / kernel_size**2
    scaled_g = grad_output * inverse_kernel_size_squared
    grad_x = torch.nn.grad.conv2d_input(
        (n, c, h, w),
        scaled_g.new_ones(()).expand(c, 1, kernel_size, kernel_size),
        scaled_g,
        stride=stride,
        padding=padding,
        groups=c,
    )
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _h, _w, kernel_size, stride, padding = saved
    c = tangent_x.shape[1]
    kernel_size_squared = kernel_size * kernel_size
    inverse_kernel_size_squared = 1 / kernel_size_squared if kernel_size_squared else math.nan
    # (5) tangent_y[n,c,o,q] = sum[a,b](tangent_x[n,c,stride*o + a - padding,stride*q + b - padding]) /
    #     kernel_size**2
    tangent_y = torch.nn.functional.conv2d(
        tangent_x,
        tangent_x.new_ones(()).expand(c, 1, kernel_size, kernel_size),
        stride=stride,
        padding=padding,
        groups=c,
    )
    tangent_y = tangent_y * inverse_kernel_size_squared
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _h, _w, _kernel_size, _stride, _padding = saved
    # (7) hvp_x[n,c,h,w] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor, *, kernel_size: int = 2, stride: int = 2, padding: int = 0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.avg_pool2d(x, kernel_size, stride, padding)
    return result
