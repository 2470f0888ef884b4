"""l2_normalize: x / max(norm(x), eps) along an axis; the gradient at the zero vector is grad_output / eps.

Generated from derivations/l2_normalize.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: b13dc40fd96ffcc4. Saved for the backward: mask, inv_norm, y.
The backward has 1 reduction and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive l2_normalize --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor

from gradlab.kernels.axes import from_last, to_last


def forward(x: Tensor, *, axis: int = -1, eps: float = 1e-12) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...,d) with d along `axis`, and what `backward` needs: mask, inv_norm, y, axis."""
    x = to_last(x, axis)
    # (1) square[n] = sum[d](x[n,d]**2)
    square = (x * x).sum(dim=-1)
    # (2) t1[n] = square[n] - eps**2
    t1 = square - (eps * eps)
    # (3) t2[n] = max(t1[n], 0)
    t2 = torch.clamp(t1, min=0)
    # (4) mask[n] = [t1[n] > 0]
    mask = t2.bool()
    # (5) floored[n] = t2[n] + eps**2
    floored = t2.add_(eps * eps)
    # (6) inv_norm[n] = 1 / sqrt(floored[n])
    inv_norm = torch.rsqrt(floored)
    # (7) y[n,d] = inv_norm[n] * x[n,d]
    y = x * inv_norm[..., None]
    return from_last(y, axis), (mask, inv_norm, y, axis)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    mask, inv_norm, y, axis = saved
    grad_output = to_last(grad_output, axis)
    # (24) grad_x[n,d] = inv_norm[n] * (grad_output[n,d] - mask[n] * y[n,d] * sum[d'](grad_output[n,d'] * y[n,d']))
    dot_g_y = (grad_output * y).sum(dim=-1)
    grad_x = torch.addcmul(grad_output, y, (-dot_g_y * mask)[..., None])
    grad_x = grad_x * inv_norm[..., None]
    return (from_last(grad_x, axis),)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    mask, inv_norm, y, axis = saved
    tangent_x = to_last(tangent_x, axis)
    # (41) tangent_y[n,d] = inv_norm[n] * (tangent_x[n,d] - mask[n] * y[n,d] * sum[d'](tangent_x[n,d'] * y[n,d']))
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_y = torch.addcmul(tangent_x, y, (-dot_tangent_x_y * mask)[..., None])
    tangent_y = tangent_y * inv_norm[..., None]
    return from_last(tangent_y, axis)


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    mask, inv_norm, y, axis = saved
    grad_output = to_last(grad_output, axis)
    tangent_x = to_last(tangent_x, axis)
    # (37) tangent_inv_norm[n] = -inv_norm[n]**2 * mask[n] * sum[d](tangent_x[n,d] * y[n,d])
    dot_tangent_x_y = (tangent_x * y).sum(dim=-1)
    tangent_inv_norm = inv_norm * inv_norm
    tangent_inv_norm = tangent_inv_norm * dot_tangent_x_y
    tangent_inv_norm = tangent_inv_norm * mask.view(torch.uint8)
    tangent_inv_norm *= -1
    # (41) tangent_y[n,d] = inv_norm[n] * (tangent_x[n,d] - mask[n] * y[n,d] * sum[d'](tangent_x[n,d'] * y[n,d']))
    tangent_y = torch.addcmul(tangent_x, y, (-dot_tangent_x_y * mask)[..., None])
    tangent_y = tangent_y * inv_norm[..., None]
    # (45) hvp_x[n,d] = tangent_inv_norm[n] * grad_output[n,d] - inv_norm[n] * mask[n] * y[n,d] *
    #     sum[d'](grad_output[n,d'] * tangent_y[n,d']) - inv_norm[n] * mask[n] * tangent_y[n,d] *
    #     sum[d'](grad_output[n,d'] * y[n,d']) - mask[n] * tangent_inv_norm[n] * y[n,d] * sum[d'](grad_output[n,d']
    #     * y[n,d'])
    dot_g_tangent_y = (grad_output * tangent_y).sum(dim=-1)
    dot_g_y = (grad_output * y).sum(dim=-1)
    hvp_x = torch.addcmul(grad_output, y, (-dot_g_y * mask)[..., None])
    hvp_x = hvp_x * tangent_inv_norm[..., None]
    part = tangent_y * (-dot_g_y * mask)[..., None]
    part = torch.addcmul(part, y, (dot_g_tangent_y * mask)[..., None], value=-1)
    part *= inv_norm[..., None]
    hvp_x += part
    return (from_last(hvp_x, axis),)


def reference(x: Tensor, *, axis: int = -1, eps: float = 1e-12) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.normalize(x, dim=axis, eps=eps)
    return result
