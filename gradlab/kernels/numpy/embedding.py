"""embedding: Rows of a table by integer labels; rows that are looked up several times add up their gradients.

Generated from derivations/embedding.py by `gradlab derive`; edit that file, not this one.

Target: NumPy. Definition: aee524368782abbe. Saved for the backward: label.
The backward has 0 reductions and 0 elementwise passes over full-size arrays.
The numbers in the comments are those of the equations that
`gradlab derive embedding --to text` prints.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.operation import Argument, Operation, Signature, labels, real

Array = NDArray[Any]

OPERATION = Operation(
    name="embedding",
    summary="Rows of a table by integer labels; rows that are looked up several times add up their gradients.",
    signature=Signature.parse("(...),(k,d)->(...,d)"),
    arguments=(
        Argument("label", labels("k"), differentiable=False),
        Argument("weight", real()),
    ),
    saved=("label",),
    reference="torch.nn.functional.embedding(label, weight)",
    digest="aee524368782abbe",
    output="y",
)


def forward(label: Array, weight: Array) -> tuple[Array, tuple[Any, ...]]:
    """Return the output, (...),(k,d)->(...,d), and what `backward` needs: label, k."""
    k = weight.shape[0]
    if label.size and not 0 <= label.min() <= label.max() < k:
        found = f"label holds values from {label.min()} to {label.max()}"
        raise IndexError(f"{found}; labels are positions from 0 to {k - 1}")
    # (1) y[n,d] = weight[label[n],d]
    y = weight.take(label, axis=0)
    return y, (label, k)


def backward(grad_output: Array, saved: tuple[Any, ...]) -> tuple[Array | None, Array | None]:
    """Return the gradient of each input (VJP), None for an input that has none."""
    label, k = saved
    d = grad_output.shape[-1]
    kd = k * d
    # (3) grad_weight[k,d] = sum[n](delta[label[n],k] * grad_output[n,d])
    grad_weight_at = label[..., None] * d + np.arange(d)
    grad_weight = np.zeros(kd, grad_output.dtype)
    np.add.at(grad_weight, grad_weight_at.reshape(-1), grad_output.reshape(-1))
    grad_weight = grad_weight.reshape(k, d)
    return None, grad_weight


def jvp(saved: tuple[Any, ...], tangent_weight: Array) -> Array:
    """Return the tangent of the output for tangents of the inputs (JVP)."""
    label, _k = saved
    # (5) tangent_y[n,d] = tangent_weight[label[n],d]
    tangent_y = tangent_weight.take(label, axis=0)
    return tangent_y


def hvp(saved: tuple[Any, ...], grad_output: Array, tangent_weight: Array) -> tuple[Array | None, Array | None]:
    """Return the tangent of each gradient for tangents of the inputs (Hessian-vector products)."""
    _label, _k = saved
    # (7) hvp_weight[k,d] = 0
    hvp_weight = np.zeros_like(tangent_weight)
    return None, hvp_weight
