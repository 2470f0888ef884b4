"""multi_margin: Multi-class hinge loss: max(0, margin - x[label] + x[d]) over the other classes d, averaged.

Generated from derivations/multi_margin.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: 32409443d604c220. Saved for the backward: label, share, mask.
The backward has 1 reduction and 2 elementwise passes over full-size arrays.
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
    saved=("label", "share", "mask"),
    reference=(
        "torch.mean(torch.relu(x - x.gather(-1, label[:, None]) + margin) * (1 - torch.nn.functional.one_hot(label, "
        "x.shape[-1])))"
    ),
    digest="32409443d604c220",
    parameters=(Parameter("margin", 1.0, 0.0, 2.0),),
    output="loss",
)


def forward(x: Array, label: Array, *, margin: float = 1.0) -> tuple[Array, tuple[Array, ...]]:
    """Return the output, (n,d),(n)->(), and what `backward` needs: label, share, mask."""
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
    # (3) t1[n,d] = 1 - delta[d,label[n]]
    t1 = np.full((n, d), 1, x.dtype)
    t1[np.arange(n), label] -= 1
    # (4) share[n,d] = t1[n,d] / (N * D)
    share = np.multiply(t1, inverse_nd, out=t1)
    # (5) violated[n,d] = max(short[n,d], 0)
    violated = np.zeros(short.shape, short.dtype)
    violated = np.maximum(short, violated, out=violated)
    # (6) mask[n,d] = [short[n,d] > 0]
    mask = short > 0
    # (7) loss = sum[n,d](share[n,d] * violated[n,d])
    loss = np.vecdot(share, violated).sum()
    return loss, (label, share, mask)


def backward(grad_output: Array, saved: tuple[Array, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, share, mask = saved
    n = label.shape[0]
    # (17) grad_x[n,d] = grad_output * (mask[n,d] * share[n,d] - delta[label[n],d] * sum[d'](mask[n,d'] *
    #     share[n,d']))
    dot_mask_share = np.vecdot(mask, share)
    grad_x = mask.astype(grad_output.dtype)
    grad_x *= share
    grad_x *= grad_output
    grad_x[np.arange(n), label] -= grad_output * dot_mask_share
    return grad_x, None


def jvp(saved: tuple[Array, ...], tangent_x: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, share, mask = saved
    n = tangent_x.shape[0]
    # (26) tangent_loss = sum[n,d](mask[n,d] * share[n,d] * tangent_x[n,d]) - sum[n,d](mask[n,d] * share[n,d] *
    #     tangent_x[n,label[n]])
    part = tangent_x * share
    dot_mask_part = np.vecdot(mask, part).sum()
    dot_mask_share = np.vecdot(mask, share)
    tangent_x_at_label = tangent_x[np.arange(n), label]
    dot_mask_share_tangent_x_at_label = np.vecdot(dot_mask_share, tangent_x_at_label)
    tangent_loss = dot_mask_part
    tangent_loss = tangent_loss - dot_mask_share_tangent_x_at_label
    return tangent_loss


def hvp(saved: tuple[Array, ...], grad_output: Array, tangent_x: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _share, _mask = saved
    # (28) hvp_x[n,d] = 0
    hvp_x = np.zeros_like(tangent_x)
    return hvp_x, None
