"""global_avg_pool2d: The mean of each channel over h and w, as what a classifier reads.

Generated from derivations/global_avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 45d1397b6949a634. Saved for the backward: nothing.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive global_avg_pool2d --to text` prints.
"""

import math
from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (n,c,h,w)->(n,c), and what `backward` needs: h, w."""
    _, _, h, w = x.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (1) y[n,c] = sum[h,w](x[n,c,h,w]) / (H * W)
    sum_x = x.sum(dim=(2, 3))
    y = sum_x * inverse_hw
    return y, (h, w)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    h, w = saved
    n, c = grad_output.shape
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (3) grad_x[n,c,h,w] = grad_output[n,c] / (H * W)
    grad_x = (grad_output[:, :, None, None] * inverse_hw).expand((n, c, h, w)).clone()
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    h, w = saved
    hw = h * w
    inverse_hw = 1 / hw if hw else math.nan
    # (5) tangent_y[n,c] = sum[h,w](tangent_x[n,c,h,w]) / (H * W)
    sum_tangent_x = tangent_x.sum(dim=(2, 3))
    tangent_y = sum_tangent_x * inverse_hw
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _h, _w = saved
    # (7) hvp_x[n,c,h,w] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = x.mean(dim=(2, 3))
    return result
