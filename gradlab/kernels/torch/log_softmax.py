"""log_softmax: Logarithm of the softmax along an axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 9f43805a15bf84b4. Saved for the backward: p.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive log_softmax --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import from_last, to_last


def forward(x: Tensor, *, axis: int = -1) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: p, axis."""
    x = to_last(x, axis)
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=-1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = e.mul_((1 / s)[..., None])
    # (4) t1[n] = log(s[n])
    t1 = torch.log(s)
    # (5) y[n,d] = x[n,d] - t1[n]
    y = z - t1[..., None]
    return from_last(y, axis), (p, axis)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    p, axis = saved
    grad_output = to_last(grad_output, axis)
    # (17) grad_x[n,d] = grad_output[n,d] - p[n,d] * sum[k](grad_output[n,k])
    sum_g = grad_output.sum(dim=-1)
    grad_x = torch.addcmul(grad_output, p, (-sum_g)[..., None])
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    p, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (30) tangent_y[n,d] = tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k])
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    tangent_y = tangent_x - dot_p_tangent_x[..., None]
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    p, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (35) hvp_x[n,d] = p[n,d] * (sum[k](grad_output[n,k]) * sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d] *
    #     sum[k](grad_output[n,k]))
    sum_g = grad_output.sum(dim=-1)
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    hvp_x = dot_p_tangent_x[..., None] - tangent_x
    hvp_x = hvp_x * sum_g[..., None]
    hvp_x *= p
    return (from_last(hvp_x, axis),)


def reference(x: Tensor, *, axis: int = -1) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.log_softmax(x, dim=axis)
    return result
