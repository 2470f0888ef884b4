"""multi_margin: Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.

Generated from derivations/multi_margin.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 3950f33b9cc798f2. Saved for the backward: label, mask.
The backward has 1 reduction and 1 elementwise pass over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive multi_margin --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Parameter, Signature, labels, real

Array = NDArray[Any]

OPERATION = Operation(
    name="multi_margin",
    summary="Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.",
    signature=Signature.parse("(n,d),(n)->()"),
    arguments=(
        Argument("x", real()),
        Argument("label", labels("d"), differentiable=False),
    ),
    saved=("label", "mask"),
    reference="torch.nn.functional.multi_margin_loss(x, label, margin=margin)",
    digest="3950f33b9cc798f2",
    parameters=(Parameter("margin", 1.0, 0.0, 2.0),),
    output="loss",
)


def forward(x: Array, label: Array, *, margin: float = 1.0) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, mask."""
    n, d = x.shape
    nd = n * d
    inverse_nd = 1 / nd if nd else np.nan
    if label.size and not 0 <= label.min() <= label.max() < d:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {d - 1}")
    # (1) picked[n] = x[n,label[n]]
    picked = x[np.arange(n), label]
    # (2) short[n,d] = x[n,d] + margin - picked[n]
    short = x + margin
    short -= picked[:, None]
    # (3) violated[n,d] = max(short[n,d], 0)
    violated = np.zeros(short.shape, short.dtype)
    violated = np.maximum(short, violated, out=violated)
    # (4) mask[n,d] = [short[n,d] > 0]
    mask = short > 0
    # (5) t1[n] = sum[d](violated[n,d])
    t1 = violated.sum(axis=-1)
    # (6) row[n] = t1[n] - margin
    row = np.subtract(t1, margin, out=t1)
    # (7) loss = sum[n](row[n]) / (N * D)
    sum_row = row.sum()
    loss = sum_row * inverse_nd
    return loss, (label, mask)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, mask = saved
    n = label.shape[0]
    d = mask.shape[1]
    nd = n * d
    inverse_nd = 1 / nd if nd else np.nan
    # (21) grad_x[n,d] = grad_output / (N * D) * (mask[n,d] - delta[label[n],d] * sum[d'](mask[n,d']))
    sum_mask = mask.astype(grad_output.dtype).sum(axis=-1)
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= grad_output * inverse_nd
    grad_x[np.arange(n), label] -= grad_output * inverse_nd * sum_mask
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, mask = saved
    n, d = tangent_x.shape
    nd = n * d
    inverse_nd = 1 / nd if nd else np.nan
    # (36) tangent_loss = (sum[n,d](mask[n,d] * tangent_x[n,d]) - sum[n,d](mask[n,d] * tangent_x[n,label[n]])) / (N
    #     * D)
    dot_mask_tangent_x = np.vecdot(mask, tangent_x).sum()
    tangent_x_at_label = tangent_x[np.arange(n), label]
    dot_mask_tangent_x_at_label = np.einsum("ab,a->", mask, tangent_x_at_label)
    tangent_loss = dot_mask_tangent_x * inverse_nd
    tangent_loss = tangent_loss - (dot_mask_tangent_x_at_label * inverse_nd)
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _mask = saved
    # (38) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
