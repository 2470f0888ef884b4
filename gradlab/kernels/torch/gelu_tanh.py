"""gelu_tanh: gelu with its approximation by tanh.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 2bf30455f1919223. Saved for the backward: x, t1.
The backward has 0 reductions and 11 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive gelu_tanh --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x, t1."""
    # (1) inner[n] = sqrt(2) * x[n] / sqrt(pi) + 0.044715 * sqrt(2) * x[n]**3 / sqrt(pi)
    inner = x * x
    inner *= 0.044715 * math.sqrt(2 / math.pi)
    inner += math.sqrt(2 / math.pi)
    inner *= x
    # (2) t1[n] = tanh(inner[n])
    t1 = torch.tanh(inner)
    # (3) y[n] = t1[n] * x[n] / 2 + x[n] / 2
    y = t1 + 1
    y *= 0.5
    y *= x
    return y, (x, t1)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    x, t1 = saved
    # (11) grad_x[n] = grad_output[n] * (sqrt(2) * x[n] / (2 * sqrt(pi)) + 0.0670725 * sqrt(2) * x[n]**3 / sqrt(pi)
    #     + t1[n] / 2 + 1 / 2 - sqrt(2) * t1[n]**2 * x[n] / (2 * sqrt(pi)) - 0.0670725 * sqrt(2) * t1[n]**2 *
    #     x[n]**3 / sqrt(pi))
    grad_x = t1 * t1
    grad_x = 1 - grad_x
    part_2 = x * x
    part_2 *= 0.134145 * math.sqrt(2 / math.pi)
    part_2 += math.sqrt(2 / math.pi)
    grad_x = grad_x * x
    grad_x *= part_2
    grad_x += t1
    grad_x += 1
    grad_x *= 0.5
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    x, t1 = saved
    # (20) tangent_y[n] = tangent_x[n] * (sqrt(2) * x[n] / (2 * sqrt(pi)) + 0.0670725 * sqrt(2) * x[n]**3 / sqrt(pi)
    #     + t1[n] / 2 + 1 / 2 - sqrt(2) * t1[n]**2 * x[n] / (2 * sqrt(pi)) - 0.0670725 * sqrt(2) * t1[n]**2 *
    #     x[n]**3 / sqrt(pi))
    tangent_y = t1 * t1
    tangent_y = 1 - tangent_y
    part_2 = x * x
    part_2 *= 0.134145 * math.sqrt(2 / math.pi)
    part_2 += math.sqrt(2 / math.pi)
    tangent_y = tangent_y * x
    tangent_y *= part_2
    tangent_y += t1
    tangent_y += 1
    tangent_y *= 0.5
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    x, t1 = saved
    # (17) tangent_t1[n] = tangent_x[n] * (0.134145 * sqrt(2) * x[n]**2 / sqrt(pi) + sqrt(2) / sqrt(pi) - sqrt(2) *
    #     t1[n]**2 / sqrt(pi) - 0.134145 * sqrt(2) * t1[n]**2 * x[n]**2 / sqrt(pi))
    part = t1 * t1
    part = 1 - part
    tangent_t1 = x * x
    tangent_t1 *= 0.134145 * math.sqrt(2 / math.pi)
    tangent_t1 += math.sqrt(2 / math.pi)
    tangent_t1 = tangent_t1 * tangent_x
    tangent_t1 = tangent_t1 * part
    # (24) hvp_x[n] = grad_output[n] * (sqrt(2) * tangent_x[n] / (2 * sqrt(pi)) + 0.2012175 * sqrt(2) * tangent_x[n]
    #     * x[n]**2 / sqrt(pi) + tangent_t1[n] / 2 - sqrt(2) * t1[n]**2 * tangent_x[n] / (2 * sqrt(pi)) - sqrt(2) *
    #     t1[n] * tangent_t1[n] * x[n] / sqrt(pi) - 0.134145 * sqrt(2) * t1[n] * tangent_t1[n] * x[n]**3 / sqrt(pi)
    #     - 0.2012175 * sqrt(2) * t1[n]**2 * tangent_x[n] * x[n]**2 / sqrt(pi))
    hvp_x = t1 * t1
    hvp_x = 1 - hvp_x
    part_7 = tangent_x * hvp_x
    part_7 *= 0.2012175 * math.sqrt(2 / math.pi)
    part_5 = x * t1
    part_5 = part_5 * tangent_t1
    part_5 *= 0.134145 * math.sqrt(2 / math.pi)
    part_7 = part_7 - part_5
    part_7 *= x
    part_6 = t1 * tangent_t1
    part_6 *= math.sqrt(2 / math.pi)
    part_7 -= part_6
    part_7 *= 2
    hvp_x = hvp_x * tangent_x
    hvp_x *= math.sqrt(2 / math.pi)
    part_7 *= x
    hvp_x = hvp_x + part_7
    hvp_x += tangent_t1
    hvp_x *= 0.5
    hvp_x = hvp_x * grad_output
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.gelu(x, approximate="tanh")
    return result
