"""Wrong backwards of the losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import logistic
from benchmarks.zoo.operations.losses import (
    BCE,
    CROSS_ENTROPY,
    HINGE,
    HUBER,
    KL_DIV,
    MSE,
    SOFT_CROSS_ENTROPY,
    SVM,
    targets,
    violations,
)
from benchmarks.zoo.operations.rows import log_softmax, softmax
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(CROSS_ENTROPY, "formula")
def batch_not_averaged(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Course classic: the 1/N of the mean is missing."""
    return g * (softmax(logits) - targets(logits, label, smoothing)), None


@mutant(CROSS_ENTROPY, "formula")
def divided_by_size(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Divides by the number of logits instead of the number of rows."""
    return g * (softmax(logits) - targets(logits, label, smoothing)) / logits.size, None


@mutant(CROSS_ENTROPY, "formula")
def sign_flipped(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Target minus probability."""
    return g * (targets(logits, label, smoothing) - softmax(logits)) / logits.shape[0], None


@mutant(CROSS_ENTROPY, "parameter", params={"smoothing": 0.1})
def smoothing_forgotten(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Label smoothing was added to the forward only."""
    return g * (softmax(logits) - targets(logits, label, 0.0)) / logits.shape[0], None


@mutant(CROSS_ENTROPY, "parameter", params={"smoothing": 0.1})
def smoothing_without_own_class(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Spreads the smoothing over the other c - 1 classes, as another paper does."""
    n, c = logits.shape
    rows = np.full((n, c), smoothing / max(1, c - 1), logits.dtype)
    rows[np.arange(n), label] = 1 - smoothing
    return g * (softmax(logits) - rows) / n, None


@mutant(CROSS_ENTROPY, "labels")
def one_class_too_far(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Labels taken to start at one."""
    return g * (softmax(logits) - targets(logits, label - 1, smoothing)) / logits.shape[0], None


@mutant(CROSS_ENTROPY, "labels", fill={"label": 0})
def class_zero_ignored(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Label 0 is taken for padding in the backward alone."""
    d = (softmax(logits) - targets(logits, label, smoothing)) / logits.shape[0]
    return g * d * (label > 0)[:, None], None


@mutant(CROSS_ENTROPY, "labels", dims={"n": 4, "c": 3})
def all_rows_and_labels(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """p[:, label] -= 1 edits whole columns instead of one element of each row."""
    p = softmax(logits) - smoothing / logits.shape[1]
    p[:, label] -= 1 - smoothing
    return g * p / logits.shape[0], None


@mutant(CROSS_ENTROPY, "upstream")
def loss_is_the_end(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Kernel issue: a loss is taken for the end of the graph, so the upstream for one."""
    return (softmax(logits) - targets(logits, label, smoothing)) / logits.shape[0], None


@mutant(CROSS_ENTROPY, "stability", fill={"logits": 900.0})
def no_shift(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """Softmax without the shift in the backward only."""
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    return g * (p - targets(logits, label, smoothing)) / logits.shape[0], None


@mutant(SOFT_CROSS_ENTROPY, "labels")
def target_made_hard(g: Array, logits: Array, target: Array) -> Any:
    """The soft target is replaced by its largest entry."""
    n, c = logits.shape
    hard = np.eye(c, dtype=logits.dtype)[target.argmax(axis=1)]
    return g * (softmax(logits) - hard) / n, -g * log_softmax(logits) / n


@mutant(SOFT_CROSS_ENTROPY, "formula")
def probability_for_its_log(g: Array, logits: Array, target: Array) -> Any:
    """The gradient of the target misses the logarithm."""
    n = logits.shape[0]
    return g * (softmax(logits) - target) / n, -g * softmax(logits) / n


@mutant(SOFT_CROSS_ENTROPY, "value", fill={"logits": [0.0, 40.0, -3.0]}, dims={"c": 3})
def log_with_floor(g: Array, logits: Array, target: Array) -> Any:
    """log(p + 1e-8) in the backward: wrong for tiny probabilities."""
    n = logits.shape[0]
    p = softmax(logits)
    return g * (p - target) / n, -g * np.log(p + 1e-8) / n


@mutant(SOFT_CROSS_ENTROPY, "reduction")
def mean_over_classes(g: Array, logits: Array, target: Array) -> Any:
    """Divides the target's gradient by all elements."""
    n = logits.shape[0]
    return g * (softmax(logits) - target) / n, -g * log_softmax(logits) / logits.size


@mutant(BCE, "formula")
def extra_slope(g: Array, logits: Array, target: Array) -> Any:
    """Course classic: multiplies once more by the slope of the sigmoid, which had cancelled."""
    y = logistic(logits)
    return g * (y - target) * y * (1 - y) / logits.size, -g * logits / logits.size


@mutant(BCE, "stability", fill={"logits": 40.0})
def through_probabilities(g: Array, logits: Array, target: Array) -> Any:
    """(y - t) / (y (1 - y)) times y (1 - y): 0 / 0 once the sigmoid is exactly one."""
    y = logistic(logits)
    return g * (y - target) / (y * (1 - y)) * (y * (1 - y)) / logits.size, -g * logits / logits.size


@mutant(BCE, "value", fill={"logits": -20.0, "target": 0.0})
def probabilities_clipped(g: Array, logits: Array, target: Array) -> Any:
    """Probabilities clipped to [1e-7, 1 - 1e-7], as Keras does for inputs that are probabilities."""
    y = np.clip(logistic(logits), 1e-7, 1 - 1e-7)
    return g * (y - target) / logits.size, -g * logits / logits.size


@mutant(BCE, "reduction")
def mean_over_rows_only(g: Array, logits: Array, target: Array) -> Any:
    """Divides by the rows although the mean goes over all elements."""
    n = logits.shape[0]
    return g * (logistic(logits) - target) / n, -g * logits / n


@mutant(BCE, "labels", fill={"target": 0.3})
def target_rounded(g: Array, logits: Array, target: Array) -> Any:
    """Soft targets are compared with a half."""
    return g * (logistic(logits) - (target > 0.5)) / logits.size, -g * logits / logits.size


@mutant(MSE, "formula")
def factor_two(g: Array, prediction: Array, target: Array) -> Any:
    """The 2 of the square is missing: the forward has no 1/2."""
    d = g * (prediction - target) / prediction.size
    return d, -d


@mutant(MSE, "formula")
def same_sign(g: Array, prediction: Array, target: Array) -> Any:
    """Both arguments get the same gradient."""
    d = g * 2 * (prediction - target) / prediction.size
    return d, d.copy()


@mutant(MSE, "reduction", dims={"n": 3, "c": 4})
def divided_by_rows(g: Array, prediction: Array, target: Array) -> Any:
    """Divides by the batch, but the mean goes over all elements."""
    d = g * 2 * (prediction - target) / prediction.shape[0]
    return d, -d


@mutant(MSE, "shape", dims={"n": 1})
def single_sample(g: Array, prediction: Array, target: Array) -> Any:
    """Known from a Java library: the gradient of a batch of one is divided by the wrong number."""
    d = g * 2 * (prediction - target) / (prediction.size if prediction.shape[0] > 1 else 1)
    return d, -d


@mutant(MSE, "contract")
def target_without_gradient(g: Array, prediction: Array, target: Array) -> Any:
    """None for the target, although it is a real argument."""
    return g * 2 * (prediction - target) / prediction.size, None


@mutant(HUBER, "value", fill={"prediction": lambda x: 5 + x * x})
def one_sided(g: Array, prediction: Array, target: Array, delta: float = 1.0) -> Any:
    """Clips from below only."""
    d = g * np.maximum(prediction - target, -delta) / prediction.size
    return d, -d


@mutant(HUBER, "parameter", params={"delta": 0.5})
def delta_of_one(g: Array, prediction: Array, target: Array, delta: float = 1.0) -> Any:
    """sign(r) instead of delta sign(r) outside: right for delta = 1."""
    r = prediction - target
    d = g * np.where(np.abs(r) <= delta, r, np.sign(r)) / prediction.size
    return d, -d


@mutant(HUBER, "formula")
def half_missing(g: Array, prediction: Array, target: Array, delta: float = 1.0) -> Any:
    """The quadratic part gets the factor 2 of a plain square."""
    r = prediction - target
    d = g * np.where(np.abs(r) <= delta, 2 * r, delta * np.sign(r)) / prediction.size
    return d, -d


@mutant(HINGE, "formula", fill={"score": 0.1})
def label_missing(g: Array, score: Array, label: Array, margin: float = 1.0) -> Any:
    """-1 for every violation, whatever its label."""
    return g * np.where(margin - label * score > 0, -1.0, 0.0).astype(score.dtype) / score.size, None


@mutant(HINGE, "parameter", params={"margin": 0.5}, fill={"score": 0.7, "label": 1.0})
def margin_of_one(g: Array, score: Array, label: Array, margin: float = 1.0) -> Any:
    """The margin is written out as 1 in the mask."""
    return g * np.where(1 - label * score > 0, -label, 0) / score.size, None


@mutant(HINGE, "contract")
def gradient_for_labels(g: Array, score: Array, label: Array, margin: float = 1.0) -> Any:
    """Returns a gradient for the labels too."""
    inside = margin - label * score > 0
    return g * np.where(inside, -label, 0) / score.size, g * np.where(inside, -score, 0) / score.size


@mutant(SVM, "formula")
def own_class_once(g: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    """Course classic: the right class gets -1 instead of minus the number of violations."""
    d = (violations(scores, label, margin) > 0).astype(scores.dtype)
    d[np.arange(scores.shape[0]), label] = -1
    return g * d / scores.shape[0], None


@mutant(SVM, "formula")
def own_class_forgotten(g: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    """The right class gets nothing."""
    return g * (violations(scores, label, margin) > 0).astype(scores.dtype) / scores.shape[0], None


@mutant(SVM, "labels")
def own_class_counted(g: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    """The margin of the right class with itself is counted as a violation."""
    n = scores.shape[0]
    d = (scores - scores[np.arange(n), label][:, None] + margin > 0).astype(scores.dtype)
    d[np.arange(n), label] = -d.sum(axis=1)
    return g * d / n, None


@mutant(SVM, "parameter", params={"margin": 0.5}, fill={"scores": [0.0, 0.3, -0.7]}, dims={"c": 3})
def margin_hard_coded(g: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    """A margin of 1 in the backward."""
    d = (violations(scores, label, 1.0) > 0).astype(scores.dtype)
    d[np.arange(scores.shape[0]), label] -= d.sum(axis=1)
    return g * d / scores.shape[0], None


@mutant(KL_DIV, "formula")
def reverse_divergence(g: Array, log_q: Array, p: Array) -> Any:
    """The gradient of the other direction, with q in front."""
    return -g * np.exp(log_q) / log_q.shape[0], None


@mutant(KL_DIV, "reduction")
def mean_over_elements(g: Array, log_q: Array, p: Array) -> Any:
    """`mean` where the forward has `batchmean`."""
    return -g * p / log_q.size, None


@mutant(KL_DIV, "contract")
def frozen_argument_gets_gradient(g: Array, log_q: Array, p: Array) -> Any:
    """Returns a gradient for the target that was declared constant."""
    return -g * p / log_q.shape[0], g * (np.log(np.where(p > 0, p, 1)) + 1 - log_q) / log_q.shape[0]
