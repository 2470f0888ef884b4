"""hardtanh: x, kept between min_val and max_val; its slope is 0 at both.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 454347f1c4a774c6. Saved for the backward: mask.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive hardtanh --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, *, min_val: float = -1.0, max_val: float = 1.0) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: mask."""
    # (1) y[n] = clip(x[n], min_val, max_val)
    y = torch.clamp(x, min_val, max_val)
    # (2) mask[n] = [min_val < x[n] < max_val]
    mask = (x > min_val) & (x < max_val)
    return y, (mask,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (mask,) = saved
    # (5) grad_x[n] = grad_output[n] * mask[n]
    grad_x = grad_output * mask.view(torch.uint8)
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (mask,) = saved
    # (8) tangent_y[n] = mask[n] * tangent_x[n]
    tangent_y = tangent_x * mask.view(torch.uint8)
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (_mask,) = saved
    # (10) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor, *, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.hardtanh(x, min_val, max_val)
    return result
