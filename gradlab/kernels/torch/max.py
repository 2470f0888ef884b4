"""max: The largest entry of each row; at a tie the first one gets the whole gradient.

Generated from derivations/max.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: 55578896086fe901. Saved for the backward: at.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive max --to text` prints.
"""

from typing import Any

import torch
from torch import Tensor


def forward(x: Tensor) -> tuple[Tensor, tuple[Any, ...]]:
    """Return the output, (...,d)->(...), and what `backward` needs: at, d."""
    d = x.shape[-1]
    # (1) at[n] = argmax[d](x[n,d])
    at = x.argmax(dim=-1)
    # (2) y[n] = x[n,at[n]]
    y = x.gather(-1, at.unsqueeze(-1)).squeeze(-1)
    return y, (at, d)


def backward(grad_output: Tensor, saved: tuple[Any, ...]) -> tuple[Tensor]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    at, d = saved
    # (4) grad_x[n,d] = delta[at[n],d] * grad_output[n]
    grad_x = grad_output.new_zeros((*grad_output.shape, d))
    grad_x = grad_x.scatter_add(-1, at.unsqueeze(-1), grad_output.unsqueeze(-1))
    return (grad_x,)


def jvp(saved: tuple[Any, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    at, _d = saved
    # (6) tangent_y[n] = tangent_x[n,at[n]]
    tangent_y = tangent_x.gather(-1, at.unsqueeze(-1)).squeeze(-1)
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Tensor, tangent_x: Tensor) -> tuple[Tensor]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _at, _d = saved
    # (8) hvp_x[n,d] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return (hvp_x,)


def reference(x: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.max(x, dim=-1).values
    return result
