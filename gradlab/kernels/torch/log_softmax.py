"""log_softmax: Logarithm of the softmax over the last axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: edcbacad73cc16ef. Saved for the backward: p.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive log_softmax --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d)->(...,d), and what `backward` needs: p."""
    # exp cannot overflow: z is x less its maximum, and no result depends on the shift
    z = x - (x.amax(dim=-1, keepdim=True) if x.shape[-1] else 0)
    # (1) e[n,d] = exp(x[n,d])
    e = torch.exp(z)
    # (2) s[n] = sum[d](e[n,d])
    s = e.sum(dim=-1)
    # (3) p[n,d] = e[n,d] / s[n]
    p = e * (1 / s)[..., None]
    # (4) t1[n] = log(s[n])
    t1 = torch.log(s)
    # (5) y[n,d] = x[n,d] - t1[n]
    y = z - t1[..., None]
    return y, (p,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (p,) = saved
    # (17) grad_x[n,d] = grad_output[n,d] - p[n,d] * sum[k](grad_output[n,k])
    sum_g = grad_output.sum(dim=-1)
    part = p * sum_g[..., None]
    grad_x = grad_output - part
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (p,) = saved
    # (30) tangent_y[n,d] = tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k])
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    tangent_y = tangent_x - dot_p_tangent_x[..., None]
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (p,) = saved
    # (35) hvp_x[n,d] = p[n,d] * (sum[k](grad_output[n,k]) * sum[k](p[n,k] * tangent_x[n,k]) - tangent_x[n,d] *
    #     sum[k](grad_output[n,k]))
    sum_g = grad_output.sum(dim=-1)
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    hvp_x = tangent_x * sum_g[..., None]
    hvp_x = (sum_g * dot_p_tangent_x)[..., None] - hvp_x
    hvp_x = hvp_x * p
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.log_softmax(x, dim=-1)
    return result
