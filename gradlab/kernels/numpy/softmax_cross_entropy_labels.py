"""softmax_cross_entropy_labels (PLACEHOLDER of the generated format, will be overwritten by `gradlab derive`)."""

import numpy as np

from gradlab.operation import Argument, Operation, Signature, labels, real

OPERATION = Operation(
    name="softmax_cross_entropy_labels",
    summary="Mean cross-entropy of softmax(x) against integer labels.",
    signature=Signature(inputs=(("n", "d"), ("n",)), output=()),
    arguments=(Argument("x", real()), Argument("label", labels("d"), differentiable=False)),
    saved=("p", "label"),
    reference="torch.nn.functional.cross_entropy(x, label)",
    digest="draft",
)


def forward(x, label):
    n = x.shape[0]
    z = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    picked = z[np.arange(n), label]
    p = np.exp(z, out=z)
    s = p.sum(axis=-1)
    p /= s[:, None]
    inverse_n = 1 / n if n else float("nan")
    loss = (np.log(s) - picked).sum() * inverse_n
    return loss, (p, label)


def backward(grad_output, saved):
    p, label = saved
    n = p.shape[0]
    inverse_n = 1 / n if n else float("nan")
    scale = grad_output * inverse_n
    grad_x = p * scale
    grad_x[np.arange(n), label] -= scale
    return grad_x, None
