"""silu: The sigmoid linear unit x * sigmoid(x), also called swish.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 06357b1c383920c5. Saved for the backward: x.
The backward has 0 reductions and 5 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive silu --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) t1[n] = sigmoid(x[n])
    t1 = torch.sigmoid(x)
    # (2) y[n] = t1[n] * x[n]
    y = x * t1
    return y, (x,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (8) grad_x[n] = grad_output[n] * sigmoid(x[n]) * (x[n] + 1 - sigmoid(x[n]) * x[n])
    sigmoid_x = torch.sigmoid(x)
    grad_x = 1 - sigmoid_x
    grad_x *= x
    grad_x += 1
    grad_x = grad_x * grad_output
    grad_x *= sigmoid_x
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (14) tangent_y[n] = sigmoid(x[n]) * tangent_x[n] * (x[n] + 1 - sigmoid(x[n]) * x[n])
    sigmoid_x = torch.sigmoid(x)
    tangent_y = 1 - sigmoid_x
    tangent_y *= x
    tangent_y += 1
    tangent_y = tangent_y * tangent_x
    tangent_y *= sigmoid_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (18) hvp_x[n] = grad_output[n] * sigmoid(x[n]) * tangent_x[n] * (2 * sigmoid(x[n])**2 * x[n] + x[n] + 2 - 2 *
    #     sigmoid(x[n]) - 3 * sigmoid(x[n]) * x[n])
    sigmoid_x = torch.sigmoid(x)
    part = 1 - sigmoid_x
    hvp_x = sigmoid_x * 2
    hvp_x -= 3
    hvp_x *= sigmoid_x
    hvp_x += 1
    hvp_x *= 0.5
    hvp_x *= x
    hvp_x += part
    hvp_x *= 2
    hvp_x = hvp_x * grad_output
    hvp_x *= sigmoid_x
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.silu(x)
    return result
