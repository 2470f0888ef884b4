"""Formulas from the book that overflow or cancel, in the forward or in the backward of a careful forward."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import CUBIC, GELU, ROOT, SILU
from benchmarks.zoo.operations.losses import BCE, CROSS_ENTROPY, SOFT_CROSS_ENTROPY, targets
from benchmarks.zoo.operations.norms import BATCH_NORM, GROUP_NORM, grouped, statistics, through
from benchmarks.zoo.operations.products import ATTENTION
from benchmarks.zoo.operations.recurrent import GRU, LSTM
from benchmarks.zoo.operations.reductions import STD, VAR
from benchmarks.zoo.operations.rows import LOG_SOFTMAX, LOGSUMEXP, log_softmax, softmax
from benchmarks.zoo.registry import mutant, mutant_pair
from benchmarks.zoo.subject import Array


def _far_apart(x: Array) -> Any:
    """Rows whose first entry is 900 above the others."""
    return x + 900 * (np.arange(x.shape[-1]) == 0)


def _naive_logistic(x: Array) -> Any:
    e = np.exp(x)
    return e / (1 + e)


@mutant_pair(CROSS_ENTROPY, "stability", fill={"logits": _far_apart, "label": 1}, scenario="forward")
def log_of_softmax() -> Any:
    """log(softmax(x)): the probability is zero before its logarithm is taken."""

    def forward(logits: Array, label: Array, smoothing: float = 0.0) -> Any:
        return -(targets(logits, label, smoothing) * np.log(softmax(logits))).sum() / logits.shape[0]

    return forward, CROSS_ENTROPY.backward


@mutant_pair(LOG_SOFTMAX, "stability", fill={"x": _far_apart}, scenario="forward")
def log_of_probability() -> Any:
    """log(softmax(x)) again: -inf where -900 is right."""
    return (lambda x: np.log(softmax(x))), LOG_SOFTMAX.backward


@mutant_pair(LOGSUMEXP, "stability", fill={"x": 900.0}, scenario="forward")
def naive_forward() -> Any:
    """The definition, typed in."""
    return (lambda x: np.log(np.exp(x).sum(axis=-1))), LOGSUMEXP.backward


@mutant_pair(BCE, "stability", fill={"logits": 40.0, "target": 0.25}, scenario="forward")
def log_of_sigmoid() -> Any:
    """Sigmoid first, then the logarithm of what is left of one: log(0)."""

    def forward(logits: Array, target: Array) -> Any:
        y = 1 / (1 + np.exp(-logits))
        return -(target * np.log(y) + (1 - target) * np.log(1 - y)).mean()

    return forward, BCE.backward


@mutant_pair(STD, "stability", fill={"x": lambda x: x + 1e8}, scenario="forward")
def moments_forward() -> Any:
    """E[x²] - E[x]² in the forward, whose own long double run shows the digits it lost."""

    def forward(x: Array, eps: float = 1e-6) -> Any:
        return np.sqrt(np.maximum((x * x).mean(axis=-1) - x.mean(axis=-1) ** 2, 0) + eps)

    return forward, STD.backward


@mutant_pair(BATCH_NORM, "stability", fill={"x": lambda x: x + 1e8}, scenario="forward")
def one_pass_statistics() -> Any:
    """One pass over the data for mean and variance, as in a streaming kernel."""

    def forward(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
        mean = x.mean(axis=0)
        variance = np.maximum((x * x).mean(axis=0) - mean * mean, 0)
        return gamma * (x - mean) / np.sqrt(variance + eps) + beta

    return forward, BATCH_NORM.backward


@mutant_pair(VAR, "stability", fill={"x": lambda x: x + 1e8}, scenario="forward")
def sum_of_squares() -> Any:
    """Sum of squares minus n times the squared mean."""

    def forward(x: Array, ddof: int = 0) -> Any:
        return ((x * x).sum(axis=0) - x.shape[0] * x.mean(axis=0) ** 2) / (x.shape[0] - ddof)

    return forward, VAR.backward


@mutant(SILU, "stability", fill={"x": 800.0})
def naive_sigmoid(g: Array, x: Array) -> Any:
    """exp(x) / (1 + exp(x)) in the backward: inf / inf."""
    s = _naive_logistic(x)
    return g * s * (1 + x * (1 - s))


@mutant(GELU, "stability", fill={"x": 30.0})
def tanh_by_exponentials(g: Array, x: Array) -> Any:
    """The tanh as (e - 1) / (e + 1), which a kernel without tanh does: NaN from 20 on."""
    e = np.exp(2 * ROOT * (x + CUBIC * x**3))
    t = (e - 1) / (e + 1)
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT * (1 + 3 * CUBIC * x**2))


@mutant(ATTENTION, "stability", fill={"q": 40.0, "k": 40.0, "allowed": True})
def recomputed_without_shift(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The weights are recomputed for the backward without the row's largest score."""
    e = np.where(allowed, np.exp(q @ k.T / np.sqrt(q.shape[1]).astype(q.dtype)), 0)
    total = e.sum(axis=1, keepdims=True)
    p = np.where(total > 0, e / np.where(total > 0, total, 1), 1 / q.dtype.type(k.shape[0]))
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=1, keepdims=True)), 0) / np.sqrt(q.shape[1]).astype(q.dtype)
    return ds @ k, ds.T @ q, p.T @ g, None


@mutant(LSTM, "stability", fill={"f": -800.0})
def slope_by_exponentials(g: Array, i: Array, f: Array, o: Array, c_hat: Array, c: Array) -> Any:
    """The forget gate's slope as e / (1 + e)²: inf / inf for a gate that is firmly closed."""
    d = list(LSTM.backward(g, i, f, o, c_hat, c))
    e, open_by = np.exp(-f), LSTM.backward(g, i, f, o, c_hat, c)[4]
    bare = np.where(open_by == 0, 0, open_by * (1 + e))
    d[1] = bare * c * (e / (1 + e) ** 2)
    return tuple(d)


@mutant(GRU, "stability", fill={"z": 900.0})
def gate_overflows(g: Array, z: Array, r: Array, n: Array, m: Array, h: Array) -> Any:
    """The update gate is recomputed as exp(z) / (1 + exp(z))."""
    d = GRU.backward(g, z, r, n, m, h)
    return *d[:4], g * _naive_logistic(z)


@mutant(GROUP_NORM, "stability", fill={"x": lambda x: x + 1e8})
def one_pass_backward(g: Array, x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
    """The deviation is recomputed in one pass for the backward."""
    rows = grouped(x, groups)
    mean = rows.mean(axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(np.maximum((rows * rows).mean(axis=-1, keepdims=True) - mean * mean, 0) + eps)
    dx = through(grouped(g * gamma[:, None], groups), (rows - mean) * inverse, inverse, -1).reshape(x.shape)
    x_hat = statistics(rows, -1, eps)[0].reshape(x.shape)
    return dx, (g * x_hat).sum(axis=(0, 2)), g.sum(axis=(0, 2))


@mutant(SOFT_CROSS_ENTROPY, "stability", fill={"logits": _far_apart})
def logarithm_of_zero(g: Array, logits: Array, target: Array) -> Any:
    """log(softmax) in the gradient of the target: infinite where the forward is finite."""
    n = logits.shape[0]
    p = softmax(logits)
    return g * (p - target) / n, -g * (np.log(p) + 0 * log_softmax(logits)) / n
