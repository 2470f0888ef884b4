"""binary_cross_entropy_with_logits_each: Entry by entry the cross-entropy of sigmoid(x) and t.

Generated from derivations/pointwise_losses.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: f076d670a4b86d30. Saved for the backward: x, t.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive binary_cross_entropy_with_logits_each --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, t: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...),(...)->(...), and what `backward` needs: x, t."""
    # (1) t1[n] = softplus(x[n])
    t1 = torch.nn.functional.softplus(x, threshold=40.0)
    # (2) y[n] = t1[n] - t[n] * x[n]
    y = torch.addcmul(t1, t, x, value=-1)
    return y, (x, t)


def backward(
    grad_output: Tensor, saved: tuple[Tensor, ...], needs: tuple[bool, ...] = (True, True)
) -> tuple[Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none or whose gradient is not needed."""
    x, t = saved
    grad_x: Tensor | None = None
    grad_t: Tensor | None = None
    if needs[0]:
        # (7) grad_x[n] = grad_output[n] * (sigmoid(x[n]) - t[n])
        grad_x = torch.sigmoid(x)
        grad_x = grad_x - t
        grad_x = grad_x * grad_output
    if needs[1]:
        # (9) grad_t[n] = -grad_output[n] * x[n]
        grad_t = grad_output * x
        grad_t *= -1
    return grad_x, grad_t


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor, tangent_t: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, t = saved
    # (13) tangent_y[n] = sigmoid(x[n]) * tangent_x[n] - t[n] * tangent_x[n] - tangent_t[n] * x[n]
    tangent_y = torch.sigmoid(x)
    tangent_y = tangent_y - t
    tangent_y = tangent_y * tangent_x
    tangent_y = torch.addcmul(tangent_y, x, tangent_t, value=-1)
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor, tangent_t: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, _t = saved
    # (18) hvp_x[n] = grad_output[n] * (sigmoid(x[n]) * tangent_x[n] - tangent_t[n] - sigmoid(x[n])**2 *
    #     tangent_x[n])
    hvp_x = torch.sigmoid(x)
    part = 1 - hvp_x
    hvp_x = hvp_x * tangent_x
    hvp_x *= part
    hvp_x = hvp_x - tangent_t
    hvp_x = hvp_x * grad_output
    # (20) hvp_t[n] = -grad_output[n] * tangent_x[n]
    hvp_t = grad_output * tangent_x
    hvp_t *= -1
    return hvp_x, hvp_t


def reference(x: Tensor, t: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    return result
