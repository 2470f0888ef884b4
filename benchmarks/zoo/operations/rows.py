"""Functions of a row: softmax and its family, unit length, cosine."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array


def softmax(x: Array) -> Any:
    """Softmax along the last axis, without overflow."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(x: Array) -> Any:
    """Logarithm of the softmax along the last axis, without overflow."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _softmax_backward(grad_output: Array, x: Array) -> Any:
    y = softmax(x)
    return y * (grad_output - (grad_output * y).sum(axis=-1, keepdims=True))


def _log_softmax_backward(grad_output: Array, x: Array) -> Any:
    return grad_output - softmax(x) * grad_output.sum(axis=-1, keepdims=True)


def logsumexp(x: Array) -> Any:
    """Log of the sum of exponentials along the last axis, without overflow."""
    top = x.max(axis=-1, keepdims=True)
    return np.log(np.exp(x - top).sum(axis=-1)) + top[..., 0]


def _logsumexp_backward(grad_output: Array, x: Array) -> Any:
    return np.asarray(grad_output)[..., None] * softmax(x)


def normalize(x: Array, eps: float = 1e-12) -> Any:
    """The row divided by its length."""
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)


def _normalize_backward(grad_output: Array, x: Array, eps: float = 1e-12) -> Any:
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)
    y = x / length
    return (grad_output - y * (grad_output * y).sum(axis=-1, keepdims=True)) / length


def _cosine(a: Array, b: Array, eps: float = 1e-8) -> Any:
    return (normalize(a, eps) * normalize(b, eps)).sum(axis=-1)


def _cosine_backward(grad_output: Array, a: Array, b: Array, eps: float = 1e-8) -> Any:
    length_a = np.sqrt((a * a).sum(axis=-1, keepdims=True) + eps)
    length_b = np.sqrt((b * b).sum(axis=-1, keepdims=True) + eps)
    u, v = a / length_a, b / length_b
    cosine = (u * v).sum(axis=-1, keepdims=True)
    g = np.asarray(grad_output)[..., None]
    return g * (v - cosine * u) / length_a, g * (u - cosine * v) / length_b


_ROW = {"d": (1, None)}  # the largest of nothing is not defined

SOFTMAX = operation(
    name="softmax", forward=softmax, backward=_softmax_backward, signature="(...,d)->(...,d)", dims=_ROW
)
LOG_SOFTMAX = operation(
    name="log_softmax", forward=log_softmax, backward=_log_softmax_backward, signature="(...,d)->(...,d)", dims=_ROW
)
LOGSUMEXP = operation(
    name="logsumexp", forward=logsumexp, backward=_logsumexp_backward, signature="(...,d)->(...)", dims=_ROW
)
NORMALIZE = operation(
    name="l2_normalize",
    forward=normalize,
    backward=_normalize_backward,
    signature="(...,d)->(...,d)",
    params={"eps": (1e-12, 1e-6, 1e-3)},
)
COSINE = operation(
    name="cosine_similarity",
    forward=_cosine,
    backward=_cosine_backward,
    signature="(n,d),(n,d)->(n)",
    names=("a", "b"),
    params={"eps": (1e-8, 1e-4)},
)
