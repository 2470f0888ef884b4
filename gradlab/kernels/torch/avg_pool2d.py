"""avg_pool2d: Mean over windows; zeros of the padding count (torch's count_include_pad=True).

Generated from derivations/avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 269135409db34730. Saved for the backward: nothing.
The backward has 1 reduction and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive avg_pool2d --to text` prints.
"""

import math
from typing import Any

import torch
import torch.nn.grad
from torch import Tensor


def forward(
    x: Tensor,
    *,
    kernel_h: int = 2,
    kernel_w: int = 2,
    stride_h: int = 2,
    stride_w: int = 2,
    padding_h: int = 0,
    padding_w: int = 0,
) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c,o,q).

    What `backward` needs: h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w.
    """
    _, c, h, w = x.shape
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else math.nan
    # (1) y[n,c,o,q] = sum[a,b](x[n,c,stride_h*o + a - padding_h,stride_w*q + b - padding_w]) / (kernel_h *
    #     kernel_w)
    y = torch.nn.functional.conv2d(
        x,
        x.new_ones(()).expand(c, 1, kernel_h, kernel_w),
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        groups=c,
    )
    y = y * inverse_kernel_h_kernel_w
    return y, (h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    h, w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w = saved
    n, c, _, _ = grad_output.shape
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else math.nan
    # (3) grad_x[n,c,h,w] = sum[o,q,a,b](delta[stride_h*o + a - padding_h,h] * delta[stride_w*q + b - padding_w,w] *
    #     grad_output[n,c,o,q]) / (kernel_h * kernel_w)
    scaled_g = grad_output * inverse_kernel_h_kernel_w
    grad_x = torch.nn.grad.conv2d_input(
        (n, c, h, w),
        scaled_g.new_ones(()).expand(c, 1, kernel_h, kernel_w),
        scaled_g,
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        groups=c,
    )
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    _h, _w, kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w = saved
    c = tangent_x.shape[1]
    kernel_h_kernel_w = kernel_h * kernel_w
    inverse_kernel_h_kernel_w = 1 / kernel_h_kernel_w if kernel_h_kernel_w else math.nan
    # (5) tangent_y[n,c,o,q] = sum[a,b](tangent_x[n,c,stride_h*o + a - padding_h,stride_w*q + b - padding_w]) /
    #     (kernel_h * kernel_w)
    tangent_y = torch.nn.functional.conv2d(
        tangent_x,
        tangent_x.new_ones(()).expand(c, 1, kernel_h, kernel_w),
        stride=(stride_h, stride_w),
        padding=(padding_h, padding_w),
        groups=c,
    )
    tangent_y = tangent_y * inverse_kernel_h_kernel_w
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _h, _w, _kernel_h, _kernel_w, _stride_h, _stride_w, _padding_h, _padding_w = saved
    # (7) hvp_x[n,c,h,w] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(
    x: Tensor,
    *,
    kernel_h: int = 2,
    kernel_w: int = 2,
    stride_h: int = 2,
    stride_w: int = 2,
    padding_h: int = 0,
    padding_w: int = 0,
) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.avg_pool2d(
        x, (kernel_h, kernel_w), (stride_h, stride_w), (padding_h, padding_w)
    )
    return result
