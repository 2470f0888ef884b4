"""hinge_each: Entry by entry the hinge loss max(1 - t * x, 0).

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: b95108ca620336a6. Saved for the backward: t, mask.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive hinge_each --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: t, mask."""
    # (1) t1[n] = 1 - t[n] * x[n]
    t1 = t * x
    t1 = 1 - t1
    # (2) y[n] = max(t1[n], 0)
    y = torch.clamp(t1, min=0)
    # (3) mask[n] = [t1[n] > 0]
    mask = y.bool()
    return y, (t, mask)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    t, mask = saved
    # (8) grad_x[n] = -grad_output[n] * mask[n] * t[n]
    grad_x = grad_output * t
    grad_x = grad_x * mask.view(torch.uint8)
    grad_x *= -1
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    t, mask = saved
    # (13) tangent_y[n] = -mask[n] * t[n] * tangent_x[n]
    tangent_y = t * tangent_x
    tangent_y = tangent_y * mask.view(torch.uint8)
    tangent_y *= -1
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _t, _mask = saved
    # (15) hvp_x[n] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.relu(1 - t * x)
    return result
