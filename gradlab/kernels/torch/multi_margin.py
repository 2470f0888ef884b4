"""multi_margin: Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.

Generated from derivations/multi_margin.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 32409443d604c220. Saved for the backward: label, share, mask.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive multi_margin --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, label: Tensor, *, margin: float = 1.0) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, share, mask."""
    n, d = x.shape
    nd = n * d
    inverse_nd = 1 / nd if nd else math.nan
    # (1) picked[n] = x[n,label[n]]
    picked = x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    # (2) short[n,d] = x[n,d] + margin - picked[n]
    short = x + margin
    short = short - picked[:, None]
    # (3) t1[n,d] = 1 - delta[d,label[n]]
    t1 = x.new_full((n, d), 1)
    t1 = t1.scatter_add(-1, label.unsqueeze(-1), x.new_full((), -1).expand(n).unsqueeze(-1))
    # (4) share[n,d] = t1[n,d] / (N * D)
    share = t1 * inverse_nd
    # (5) violated[n,d] = max(short[n,d], 0)
    violated = torch.clamp(short, min=0)
    # (6) mask[n,d] = [short[n,d] > 0]
    mask = violated.bool()
    # (7) loss = sum[n,d](share[n,d] * violated[n,d])
    loss = (share * violated).sum()
    return loss, (label, share, mask)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, mask = saved
    # (17) grad_x[n,d] = grad_output * (mask[n,d] * share[n,d] - delta[label[n],d] * sum[d'](mask[n,d'] *
    #     share[n,d']))
    dot_mask_share = (mask.to(share.dtype) * share).sum(dim=1)
    grad_x = share * mask.view(torch.uint8)
    grad_x = grad_x * grad_output
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (-grad_output * dot_mask_share).unsqueeze(-1))
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, mask = saved
    # (26) tangent_loss = sum[n,d](mask[n,d] * share[n,d] * tangent_x[n,d]) - sum[n,d](mask[n,d] * share[n,d] *
    #     tangent_x[n,label[n]])
    part = tangent_x * share
    dot_mask_part = (mask.to(part.dtype) * part).sum()
    dot_mask_share = (mask.to(share.dtype) * share).sum(dim=1)
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    dot_mask_share_tangent_x_at_label = (dot_mask_share * tangent_x_at_label).sum()
    tangent_loss = dot_mask_part.clone()
    tangent_loss = tangent_loss - dot_mask_share_tangent_x_at_label
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _mask = saved
    # (28) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None


def reference(x: Tensor, label: Tensor, *, margin: float = 1.0) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.mean(
        torch.relu(x - x.gather(-1, label[:, None]) + margin) * (1 - torch.nn.functional.one_hot(label, x.shape[-1]))
    )
    return result
