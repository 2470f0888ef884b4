"""softmax_cross_entropy_kept: Mean cross-entropy of softmax(x) against integer labels, of the rows that are kept.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: bdbca10d725c98d9. Saved for the backward: label, keep, p, t5.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_kept --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, label: Tensor, keep: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n),(n)->(), and what `backward` needs: label, keep, p, t5."""
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) picked[n] = x[n,label[n]]
    picked = z.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    # (2) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (3) s[n] = sum[d](e[n,d])
    s = e.sum(dim=1)
    # (4) p[n,d] = e[n,d] / s[n]
    p = e.mul_((1 / s)[:, None])
    # (5) count = sum[n](keep[n])
    count = keep.to(x.dtype).sum()
    # (6) t1 = 1 - count
    t1 = 1 - count
    # (7) none = max(t1, 0)
    none = torch.clamp(t1, min=0)
    # (9) t2 = 1 - none
    t2 = 1 - none
    # (10) undefined = none * t2 / count
    undefined = none * t2 / count
    # (11) t3[n] = log(s[n])
    t3 = torch.log(s)
    # (12) t4[n] = picked[n] - t3[n]
    t4 = picked - t3
    # (13) hit = sum[n](keep[n] * t4[n])
    hit = (keep.to(t4.dtype) * t4).sum()
    # (14) t5 = count + none
    t5 = count.clone()
    t5 = t5 + none
    # (15) loss = undefined - hit / t5
    loss = -hit / t5
    loss = loss + undefined
    return loss, (label, keep, p, t5)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, keep, p, t5 = saved
    # (33) grad_x[n,d] = grad_output * keep[n] * (p[n,d] - delta[label[n],d]) / t5
    grad_x = p * (grad_output * keep / t5)[:, None]
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (-grad_output * keep / t5).unsqueeze(-1))
    return grad_x, None, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, keep, p, t5 = saved
    # (52) tangent_loss = (sum[n,d](keep[n] * p[n,d] * tangent_x[n,d]) - sum[n](keep[n] * tangent_x[n,label[n]])) /
    #     t5
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    dot_p_tangent_x_keep = (dot_p_tangent_x * keep.to(dot_p_tangent_x.dtype)).sum()
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    dot_keep_tangent_x_at_label = (keep.to(tangent_x_at_label.dtype) * tangent_x_at_label).sum()
    tangent_loss = dot_p_tangent_x_keep / t5
    tangent_loss = tangent_loss - (dot_keep_tangent_x_at_label / t5)
    return tangent_loss


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, keep, p, t5 = saved
    # (56) hvp_x[n,d] = grad_output * keep[n] * p[n,d] / t5 * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x = hvp_x * (grad_output * keep / t5)[:, None]
    hvp_x *= p
    return hvp_x, None, None


def reference(x: Tensor, label: Tensor, keep: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(x, label.where(keep, -100))
    return result
