"""adaptive_avg_pool2d: Images times weights over their rows and over their columns, from gradlab.kernels.averages.

Generated from derivations/adaptive_avg_pool2d.py by `gradlab derive`; edit that file, not this one.

Target: torch. Definition: c35f032fae85500f. Saved for the backward: rows, columns.
The backward has 2 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive adaptive_avg_pool2d --to text` prints.
"""

import torch
from torch import Tensor


def forward(x: Tensor, rows: Tensor, columns: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the output, (n,c,h,w),(o,h),(q,w)->(n,c,o,q), and what `backward` needs: rows, columns."""
    # (1) between[n,c,o,w] = sum[h](rows[o,h] * x[n,c,h,w])
    between = rows @ x
    # (2) y[n,c,o,q] = sum[w](columns[q,w] * between[n,c,o,w])
    y = between @ columns.T
    return y, (rows, columns)


def backward(grad_output: Tensor, saved: tuple[Tensor, ...]) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    rows, columns = saved
    # (4) grad_between[n,c,o,w] = sum[q](columns[q,w] * grad_output[n,c,o,q])
    grad_between = grad_output @ columns
    # (6) grad_x[n,c,h,w] = sum[o](rows[o,h] * grad_between[n,c,o,w])
    grad_x = rows.T @ grad_between
    return grad_x, None, None


def jvp(saved: tuple[Tensor, ...], tangent_x: Tensor) -> Tensor:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    rows, columns = saved
    # (8) tangent_between[n,c,o,w] = sum[h](rows[o,h] * tangent_x[n,c,h,w])
    tangent_between = rows @ tangent_x
    # (10) tangent_y[n,c,o,q] = sum[w](columns[q,w] * tangent_between[n,c,o,w])
    tangent_y = tangent_between @ columns.T
    return tangent_y


def hvp(
    saved: tuple[Tensor, ...], grad_output: Tensor, tangent_x: Tensor
) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _rows, _columns = saved
    # (12) hvp_x[n,c,h,w] = 0
    hvp_x = torch.zeros_like(tangent_x)
    return hvp_x, None, None


def reference(x: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Give the same output from an independent implementation, which torch differentiates."""
    result: Tensor = torch.einsum("oh,nchw,qw->ncoq", rows, x, columns)
    return result
