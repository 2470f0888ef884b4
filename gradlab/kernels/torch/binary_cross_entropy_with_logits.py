"""binary_cross_entropy_with_logits: The mean binary cross-entropy of sigmoid(x) against targets t between 0 and 1.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 47550c83b086aa72. Saved for the backward: x, t.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive binary_cross_entropy_with_logits --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(), and what `backward` needs: x, t."""
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    # (1) t1[n] = softplus(x[n])
    t1 = torch.nn.functional.softplus(x, threshold=40.0)
    # (2) t2[n] = t1[n] - t[n] * x[n]
    t2 = torch.addcmul(t1, t, x, value=-1)
    # (3) loss = sum[n](t2[n]) / N
    sum_t2 = t2.sum()
    loss = sum_t2 * inverse_n
    return loss, (x, t)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, t = saved
    n = math.prod(x.shape)
    inverse_n = 1 / n if n else math.nan
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (10) grad_x[n] = grad_output * (sigmoid(x[n]) - t[n]) / N
        grad_x = torch.sigmoid(x)
        grad_x = grad_x - t
        grad_x = grad_x * (grad_output * inverse_n)
    if needs[1]:
        # (12) grad_t[n] = -grad_output * x[n] / N
        grad_t = x * (grad_output * -inverse_n)
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, t = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (19) tangent_loss = (sum[n](sigmoid(x[n]) * tangent_x[n]) - sum[n](t[n] * tangent_x[n]) - sum[n](tangent_t[n]
    #     * x[n])) / N
    sigmoid_x = torch.sigmoid(x)
    dot_sigmoid_x_tangent_x = (sigmoid_x * tangent_x).sum()
    dot_t_tangent_x = (t * tangent_x).sum()
    dot_tangent_t_x = (tangent_t * x).sum()
    tangent_loss = dot_sigmoid_x_tangent_x * inverse_n
    tangent_loss = tangent_loss - (dot_t_tangent_x * inverse_n)
    tangent_loss = tangent_loss - (dot_tangent_t_x * inverse_n)
    return tangent_loss


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, _t = saved
    n = math.prod(tangent_x.shape)
    inverse_n = 1 / n if n else math.nan
    # (24) hvp_x[n] = grad_output * (sigmoid(x[n]) * tangent_x[n] - tangent_t[n] - sigmoid(x[n])**2 * tangent_x[n])
    #     / N
    hvp_x = torch.sigmoid(x)
    part = 1 - hvp_x
    hvp_x = hvp_x * tangent_x
    hvp_x *= part
    hvp_x = hvp_x - tangent_t
    hvp_x = hvp_x * (grad_output * inverse_n)
    # (26) hvp_t[n] = -grad_output * tangent_x[n] / N
    hvp_t = tangent_x * (grad_output * -inverse_n)
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.binary_cross_entropy_with_logits(x, t)
    return result
