"""softmax (PLACEHOLDER of the generated format, will be overwritten by `gradlab derive`)."""

import numpy as np

from gradlab.operation import Argument, Operation, Signature, real

OPERATION = Operation(
    name="softmax",
    summary="Softmax over the last axis.",
    signature=Signature(inputs=(("...", "d"),), output=("...", "d")),
    arguments=(Argument("x", real()),),
    saved=("y",),
    reference="torch.softmax(x, dim=-1)",
    digest="draft",
)


def forward(x):
    """y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))"""
    z = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    e = np.exp(z, out=z)
    e /= e.sum(axis=-1, keepdims=True)
    return e, (e,)


def backward(grad_output, saved):
    """dx = y * (g - sum(g * y))"""
    (y,) = saved
    inner = np.vecdot(grad_output, y)
    grad_x = grad_output - inner[..., None]
    grad_x *= y
    return (grad_x,)
