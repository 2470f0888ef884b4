"""softmax: Softmax over the last axis: positive entries that sum to 1.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: e4a2d287db54744b. Saved for the backward: y.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d)->(...,d), and what `backward` needs: y."""
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=-1)
    # (3) y[n,d] = e[n,d] / s[n]
    y = e * (1 / s)[..., None]
    return y, (y,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (y,) = saved
    # (15) grad_x[n,d] = y[n,d] * (grad_output[n,d] - sum[k](grad_output[n,k] * y[n,k]))
    dot_g_y = (grad_output * y).sum(dim=-1)
    grad_x = grad_output - dot_g_y[..., None]
    grad_x = grad_x * y
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (y,) = saved
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y = tangent_y * y
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (y,) = saved
    # (25) tangent_y[n,d] = y[n,d] * (tangent_x[n,d] - sum[k](tangent_x[n,k] * y[n,k]))
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_y = tangent_x - dot_tangent_x_y[..., None]
    tangent_y = tangent_y * y
    # (29) hvp_x[n,d] = grad_output[n,d] * tangent_y[n,d] - y[n,d] * sum[k](grad_output[n,k] * tangent_y[n,k]) -
    #     tangent_y[n,d] * sum[k](grad_output[n,k] * y[n,k])
    dot_g_tangent_y = (grad_output * tangent_y).sum(dim=-1)
    dot_g_y = (grad_output * y).sum(dim=-1)
    hvp_x = grad_output * tangent_y
    part = tangent_y * dot_g_y[..., None]
    hvp_x = hvp_x - part
    part_2 = y * dot_g_tangent_y[..., None]
    hvp_x = hvp_x - part_2
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.softmax(x, dim=-1)
    return result
