"""leaky_relu: max(x, 0) + negative_slope * min(x, 0); its slope at 0 is negative_slope.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: e7de3e6e11300fa2. Saved for the backward: mask.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive leaky_relu --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, *, negative_slope: float = 0.01) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask, negative_slope."""
    # (1) t1[n] = min(x[n], 0)
    t1 = torch.clamp(x, max=0)
    # (2) mask[n] = [x[n] > 0]
    mask = x > 0
    # (3) t2[n] = max(x[n], 0)
    t2 = torch.clamp(x, min=0)
    # (4) y[n] = negative_slope * t1[n] + t2[n]
    y = t1.mul_(negative_slope)
    y += t2
    return y, (mask, negative_slope)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, negative_slope = saved
    # (12) grad_x[n] = grad_output[n] * (mask[n] + negative_slope - negative_slope * mask[n])
    weight = 1 - negative_slope
    grad_x = mask.to(grad_output.dtype) * weight
    grad_x += negative_slope
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, negative_slope = saved
    # (21) tangent_y[n] = tangent_x[n] * (mask[n] + negative_slope - negative_slope * mask[n])
    weight = 1 - negative_slope
    tangent_y = mask.to(tangent_x.dtype) * weight
    tangent_y += negative_slope
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _mask, _negative_slope = saved
    # (23) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor, *, negative_slope: float = 0.01) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.leaky_relu(x, negative_slope)
    return result
