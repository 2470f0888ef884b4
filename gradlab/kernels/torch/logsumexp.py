"""logsumexp: Logarithm of the sum of exponentials along an axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: eb14c0ccafa9519a. Saved for the backward: p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive logsumexp --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import from_last, to_last


def forward(x: Tensor, *, axis: int = -1) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...) with d along `axis`, and what `backward` needs: p, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift; y gets it back
    largest = x.amax(dim=-1).clamp(min=torch.finfo(x.dtype).min) if x.shape[-1] else x.sum(dim=-1)
    z = x - largest[..., None]
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=-1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = e * (1 / s)[..., None]
    # (4) y[n] = log(s[n])
    y = torch.log(s)
    y = y + largest
    return y, (p, axis)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, axis = saved
    # (14) grad_x[n,d] = grad_output[n] * p[n,d]
    grad_x = p * grad_output[..., None]
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (25) tangent_y[n] = sum[d](p[n,d] * tangent_x[n,d])
    tangent_y = (p * tangent_x).sum(dim=-1)
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (29) hvp_x[n,d] = grad_output[n] * p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    hvp_x = tangent_x - dot_p_tangent_x[..., None]
    hvp_x = hvp_x * grad_output[..., None]
    hvp_x = hvp_x * p
    return (from_last(hvp_x, axis),)


def reference(x: Tensor, *, axis: int = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.logsumexp(x, dim=axis)
    return result
