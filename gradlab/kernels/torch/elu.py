"""elu: The exponential linear unit: x where it is positive, else alpha * (exp(x) - 1); its slope at 0 is alpha.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: dd1fae782da12d8a. Saved for the backward: x.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive elu --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor, *, alpha: float = 1.0) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x, alpha."""
    # (1) t1[n] = min(x[n], 0)
    t1 = torch.clamp(x, max=0)
    # (3) t2[n] = expm1(t1[n])
    t2 = torch.expm1(t1)
    # (4) t3[n] = max(x[n], 0)
    t3 = torch.clamp(x, min=0)
    # (5) y[n] = alpha * t2[n] + t3[n]
    y = t2.mul_(alpha)
    y += t3
    return y, (x, alpha)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, alpha = saved
    # (16) grad_x[n] = grad_output[n] * ([x[n] > 0] + alpha * exp(min(x[n], 0)) - alpha * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    grad_x = torch.exp(negative_part_x)
    weight = 1 - alpha
    grad_x *= alpha
    part = mask_x.to(grad_output.dtype) * weight
    grad_x += part
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, alpha = saved
    # (27) tangent_y[n] = tangent_x[n] * ([x[n] > 0] + alpha * exp(min(x[n], 0)) - alpha * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    tangent_y = torch.exp(negative_part_x)
    weight = 1 - alpha
    tangent_y *= alpha
    part = mask_x.to(tangent_x.dtype) * weight
    tangent_y += part
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, alpha = saved
    # (32) hvp_x[n] = alpha * grad_output[n] * tangent_x[n] * (exp(min(x[n], 0)) - [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    hvp_x = torch.exp(negative_part_x)
    part = mask_x.to(grad_output.dtype)
    hvp_x -= part
    hvp_x *= alpha
    hvp_x = hvp_x * grad_output
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor, *, alpha: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.elu(x, alpha)
    return result
