"""softmax_cross_entropy_labels: Mean cross-entropy of softmax(x) against integer labels.

Generated from derivations/softmax_cross_entropy.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: a093d405e4b64035. Saved for the backward: label, p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive softmax_cross_entropy_labels --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, label: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, p."""
    n = x.shape[0]
    inverse_n = 1 / n if n else math.nan
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
    # (5) t1[n] = log(s[n])
    t1 = torch.log(s)
    # (6) t2[n] = picked[n] - t1[n]
    t2 = picked - t1
    # (7) loss = -sum[n](t2[n]) / N
    sum_t2 = t2.sum()
    loss = sum_t2 * -inverse_n
    return loss, (label, p)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, p = saved
    n = label.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (24) grad_x[n,d] = grad_output * (p[n,d] - delta[label[n],d]) / N
    grad_x = p * (grad_output * inverse_n)
    grad_x = grad_x.scatter_add(-1, label.unsqueeze(-1), (grad_output * -inverse_n).expand(n).unsqueeze(-1))
    return grad_x, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (42) tangent_loss = (sum[n,d](p[n,d] * tangent_x[n,d]) - sum[n](tangent_x[n,label[n]])) / N
    dot_p_tangent_x = (p * tangent_x).sum()
    tangent_x_at_label = tangent_x.gather(-1, label.unsqueeze(-1)).squeeze(-1)
    sum_tangent_x_at_label = tangent_x_at_label.sum()
    tangent_loss = dot_p_tangent_x * inverse_n
    tangent_loss = tangent_loss - (sum_tangent_x_at_label * inverse_n)
    return tangent_loss


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, p = saved
    n = tangent_x.shape[0]
    inverse_n = 1 / n if n else math.nan
    # (46) hvp_x[n,d] = grad_output * p[n,d] / N * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=1)
    hvp_x = tangent_x - dot_p_tangent_x[:, None]
    hvp_x = hvp_x * (grad_output * inverse_n)
    hvp_x *= p
    return hvp_x, None


def reference(x: Tensor, label: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.cross_entropy(x, label)
    return result
