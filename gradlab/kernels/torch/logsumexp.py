"""logsumexp: Logarithm of the sum of exponentials over the last axis.

Generated from derivations/softmax.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 4ccbe717f5633b2c. Saved for the backward: p.
The backward has 0 reductions and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive logsumexp --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...,d)->(...), and what `backward` needs: p."""
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
    return y, (p,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (p,) = saved
    # (14) grad_x[n,d] = grad_output[n] * p[n,d]
    grad_x = p * grad_output[..., None]
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (p,) = saved
    # (25) tangent_y[n] = sum[d](p[n,d] * tangent_x[n,d])
    tangent_y = (p * tangent_x).sum(dim=-1)
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (p,) = saved
    # (29) hvp_x[n,d] = grad_output[n] * p[n,d] * (tangent_x[n,d] - sum[k](p[n,k] * tangent_x[n,k]))
    dot_p_tangent_x = (p * tangent_x).sum(dim=-1)
    hvp_x = tangent_x - dot_p_tangent_x[..., None]
    hvp_x = hvp_x * grad_output[..., None]
    hvp_x = hvp_x * p
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.logsumexp(x, dim=-1)
    return result
