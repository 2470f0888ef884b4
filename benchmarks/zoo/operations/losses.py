"""Losses: one number for a batch."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import logistic
from benchmarks.zoo.operations.rows import log_softmax, softmax
from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import labels, real, signs, simplex


def targets(logits: Array, label: Array, smoothing: float) -> Any:
    """One-hot rows, smoothed."""
    n, c = logits.shape
    rows = np.full((n, c), smoothing / c, logits.dtype)
    rows[np.arange(n), label] += 1 - smoothing
    return rows


def _cross_entropy(logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    return -(targets(logits, label, smoothing) * log_softmax(logits)).sum() / logits.shape[0]


def _cross_entropy_backward(grad_output: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    return grad_output * (softmax(logits) - targets(logits, label, smoothing)) / logits.shape[0], None


def _soft_cross_entropy(logits: Array, target: Array) -> Any:
    return -(target * log_softmax(logits)).sum() / logits.shape[0]


def _soft_cross_entropy_backward(grad_output: Array, logits: Array, target: Array) -> Any:
    n = logits.shape[0]
    return grad_output * (softmax(logits) - target) / n, -grad_output * log_softmax(logits) / n


def _bce(logits: Array, target: Array) -> Any:
    return (np.logaddexp(logits, 0) - target * logits).mean()


def _bce_backward(grad_output: Array, logits: Array, target: Array) -> Any:
    return grad_output * (logistic(logits) - target) / logits.size, -grad_output * logits / logits.size


def _mse(prediction: Array, target: Array) -> Any:
    return ((prediction - target) ** 2).mean()


def _mse_backward(grad_output: Array, prediction: Array, target: Array) -> Any:
    d = grad_output * 2 * (prediction - target) / prediction.size
    return d, -d


def _huber(prediction: Array, target: Array, delta: float = 1.0) -> Any:
    r = np.abs(prediction - target)
    return np.where(r <= delta, 0.5 * r * r, delta * (r - 0.5 * delta)).mean()


def _huber_backward(grad_output: Array, prediction: Array, target: Array, delta: float = 1.0) -> Any:
    d = grad_output * np.clip(prediction - target, -delta, delta) / prediction.size
    return d, -d


def _hinge(score: Array, label: Array, margin: float = 1.0) -> Any:
    return np.maximum(0, margin - label * score).mean()


def _hinge_backward(grad_output: Array, score: Array, label: Array, margin: float = 1.0) -> Any:
    return grad_output * np.where(margin - label * score > 0, -label, 0) / score.size, None


def violations(scores: Array, label: Array, margin: float) -> Any:
    """By how much each wrong class comes too near to the right one."""
    rows = np.arange(scores.shape[0])
    value = np.maximum(0, scores - scores[rows, label][:, None] + margin)
    value[rows, label] = 0
    return value


def _svm(scores: Array, label: Array, margin: float = 1.0) -> Any:
    return violations(scores, label, margin).sum() / scores.shape[0]


def _svm_backward(grad_output: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    d = (violations(scores, label, margin) > 0).astype(scores.dtype)
    d[np.arange(scores.shape[0]), label] -= d.sum(axis=1)
    return grad_output * d / scores.shape[0], None


def _kl(log_q: Array, p: Array) -> Any:
    log_p = np.log(np.where(p > 0, p, 1))
    return (p * (log_p - log_q)).sum() / log_q.shape[0]


def _kl_backward(grad_output: Array, log_q: Array, p: Array) -> Any:
    return -grad_output * p / log_q.shape[0], None


_FILLED = {"n": (1, None), "c": (1, None)}  # the mean of nothing is not defined

CROSS_ENTROPY = operation(
    name="cross_entropy",
    forward=_cross_entropy,
    backward=_cross_entropy_backward,
    signature="(n,c),(n)->()",
    names=("logits", "label"),
    domains={"label": labels("c")},
    dims=_FILLED,
    params={"smoothing": (0.0, 0.1)},
)
SOFT_CROSS_ENTROPY = operation(
    name="soft_cross_entropy",
    forward=_soft_cross_entropy,
    backward=_soft_cross_entropy_backward,
    signature="(n,c),(n,c)->()",
    names=("logits", "target"),
    domains={"target": simplex()},
    dims=_FILLED,
)
BCE = operation(
    name="bce_with_logits",
    forward=_bce,
    backward=_bce_backward,
    signature="(n,c),(n,c)->()",
    names=("logits", "target"),
    domains={"target": real(0, 1)},
    dims=_FILLED,
)
MSE = operation(
    name="mse",
    forward=_mse,
    backward=_mse_backward,
    signature="(n,c),(n,c)->()",
    names=("prediction", "target"),
    dims=_FILLED,
)
HUBER = operation(
    name="huber",
    forward=_huber,
    backward=_huber_backward,
    signature="(n,c),(n,c)->()",
    names=("prediction", "target"),
    dims=_FILLED,
    params={"delta": (1.0, 0.5, 2.0)},
)
HINGE = operation(
    name="hinge",
    forward=_hinge,
    backward=_hinge_backward,
    signature="(n),(n)->()",
    names=("score", "label"),
    domains={"label": signs()},
    dims={"n": (1, None)},
    params={"margin": (1.0, 0.5)},
)
SVM = operation(
    name="svm_loss",
    forward=_svm,
    backward=_svm_backward,
    signature="(n,c),(n)->()",
    names=("scores", "label"),
    domains={"label": labels("c")},
    dims=_FILLED,
    params={"margin": (1.0, 0.5)},
)
KL_DIV = operation(
    name="kl_div",
    forward=_kl,
    backward=_kl_backward,
    signature="(n,c),(n,c)->()",
    names=("log_q", "p"),
    domains={"p": simplex(zeros=True)},
    wrt=("log_q",),
    dims=_FILLED,
)
