"""multi_margin: Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.

Generated from derivations/multi_margin.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 3950f33b9cc798f2. Saved for the backward: label, mask.
The backward has 1 reduction and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive multi_margin --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, label: Tensor, *, margin: float = 1.0) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, mask."""
    n, d = x.shape
    nd = n * d
    inverse_nd = 1 / nd if nd else math.nan
    # (1) picked[n] = x[n,label[n]]
    picked = x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    # (2) short[n,d] = x[n,d] + margin - picked[n]
    short = x + margin
    short = short - picked[:, None]
    # (3) violated[n,d] = max(short[n,d], 0)
    violated = torch.clamp(short, min=0)
    # (4) mask[n,d] = [short[n,d] > 0]
    mask = short > 0
    # (5) t1[n] = sum[d](violated[n,d])
    t1 = violated.sum(dim=1)
    # (6) row[n] = t1[n] - margin
    row = t1 - margin
    # (7) loss = sum[n](row[n]) / (N * D)
    sum_row = row.sum()
    loss = sum_row * inverse_nd
    return loss, (label, mask)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, mask = saved
    n = label.shape[0]
    d = mask.shape[1]
    nd = n * d
    inverse_nd = 1 / nd if nd else math.nan
    # (21) grad_x[n,d] = grad_output / (N * D) * (mask[n,d] - delta[label[n],d] * sum[d'](mask[n,d']))
    sum_mask = mask.to(grad_output.dtype).sum(dim=1)
    grad_x = mask.to(grad_output.dtype) * (grad_output * inverse_nd)
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (grad_output * -inverse_nd * sum_mask).unsqueeze(-1))
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, mask = saved
    n, d = tangent_x.shape
    nd = n * d
    inverse_nd = 1 / nd if nd else math.nan
    # (36) tangent_loss = (sum[n,d](mask[n,d] * tangent_x[n,d]) - sum[n,d](mask[n,d] * tangent_x[n,label[n]])) / (N
    #     * D)
    dot_mask_tangent_x = (mask.to(tangent_x.dtype) * tangent_x).sum()
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    dot_mask_tangent_x_at_label = mask.to(tangent_x_at_label.dtype).sum(dim=1) @ tangent_x_at_label
    tangent_loss = dot_mask_tangent_x * inverse_nd
    tangent_loss = tangent_loss - (dot_mask_tangent_x_at_label * inverse_nd)
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _mask = saved
    # (38) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None


def reference(x: Tensor, label: Tensor, *, margin: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.multi_margin_loss(x, label, margin=margin)
    return result
