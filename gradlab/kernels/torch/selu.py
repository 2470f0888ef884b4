"""selu: The self-normalising linear unit: scale * elu(x, alpha) with the constants of Klambauer et al., 2017.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 031f54eef03c6c3c. Saved for the backward: x.
The backward has 0 reductions and 4 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive selu --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) t1[n] = max(x[n], 0)
    t1 = torch.clamp(x, min=0)
    # (3) t2[n] = min(x[n], 0)
    t2 = torch.clamp(x, max=0)
    # (4) t3[n] = expm1(t2[n])
    t3 = torch.expm1(t2)
    # (5) y[n] = 1.0507009873554805 * t1[n] + 1.7580993408473768 * t3[n]
    y = t1.mul_(1.0507009873554805)
    part = t3.mul_(1.7580993408473768)
    y += part
    return y, (x,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (16) grad_x[n] = grad_output[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 0.7073983534918964 * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    grad_x = torch.exp(negative_part_x)
    grad_x *= 1.7580993408473768
    part = mask_x.to(grad_output.dtype) * 0.7073983534918964
    grad_x -= part
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (27) tangent_y[n] = tangent_x[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 0.7073983534918964 * [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    tangent_y = torch.exp(negative_part_x)
    tangent_y *= 1.7580993408473768
    part = mask_x.to(tangent_x.dtype) * 0.7073983534918964
    tangent_y -= part
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (32) hvp_x[n] = grad_output[n] * tangent_x[n] * (1.7580993408473768 * exp(min(x[n], 0)) - 1.7580993408473768 *
    #     [x[n] > 0])
    mask_x = x > 0
    negative_part_x = torch.clamp(x, max=0)
    hvp_x = torch.exp(negative_part_x)
    hvp_x *= 1.7580993408473768
    part = mask_x.to(grad_output.dtype) * 1.7580993408473768
    hvp_x -= part
    hvp_x = hvp_x * grad_output
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.selu(x)
    return result
