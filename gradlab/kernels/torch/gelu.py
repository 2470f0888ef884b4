"""gelu: The Gaussian error linear unit: x times the cumulative normal distribution at x.

Generated from derivations/activations.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: f6a695efc49d8561. Saved for the backward: x.
The backward has 0 reductions and 3 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive gelu --to text` prints.
"""

import math

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (...)->(...), and what `backward` needs: x."""
    # (1) t1[n] = normal_cdf(x[n])
    t1 = torch.erfc(x * -math.sqrt(0.5)) * 0.5
    # (2) y[n] = t1[n] * x[n]
    y = x * t1
    return y, (x,)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    (x,) = saved
    # (8) grad_x[n] = grad_output[n] * (normal_cdf(x[n]) + normal_pdf(x[n]) * x[n])
    normal_cdf_x = torch.erfc(x * -math.sqrt(0.5)) * 0.5
    grad_x = torch.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    grad_x = torch.addcmul(normal_cdf_x, grad_x, x)
    grad_x = grad_x * grad_output
    return (grad_x,)


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    (x,) = saved
    # (14) tangent_y[n] = tangent_x[n] * (normal_cdf(x[n]) + normal_pdf(x[n]) * x[n])
    normal_cdf_x = torch.erfc(x * -math.sqrt(0.5)) * 0.5
    tangent_y = torch.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    tangent_y = torch.addcmul(normal_cdf_x, tangent_y, x)
    tangent_y = tangent_y * tangent_x
    return tangent_y


def hvp(saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    (x,) = saved
    # (18) hvp_x[n] = grad_output[n] * normal_pdf(x[n]) * tangent_x[n] * (2 - x[n]**2)
    normal_pdf_x = torch.exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
    hvp_x = x * x
    hvp_x = 2 - hvp_x
    hvp_x = hvp_x * grad_output
    hvp_x *= normal_pdf_x
    hvp_x = hvp_x * tangent_x
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.nn.functional.gelu(x)
    return result
