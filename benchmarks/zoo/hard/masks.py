"""Masks, labels, integers, signs and one-hot rows as arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.rows import log_softmax, softmax
from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array
from gradlab.operation import integers, labels, mask, one_hot, real, signs


def _masked_softmax(x: Array, seen: Array) -> Any:
    seen = np.asarray(seen, bool)
    top = np.where(seen, x, -np.inf).max(axis=-1, keepdims=True, initial=-np.inf)
    e = np.where(seen, np.exp(np.where(seen, x - np.where(np.isfinite(top), top, 0), 0)), 0).astype(x.dtype)
    total = e.sum(axis=-1, keepdims=True)
    return e / np.where(total == 0, 1, total)


def _masked_softmax_backward(g: Array, x: Array, seen: Array) -> Any:
    y = _masked_softmax(x, seen)
    return y * (g - (g * y).sum(axis=-1, keepdims=True)), None


def _masked_mean(x: Array, seen: Array) -> Any:
    seen = np.asarray(seen, bool)
    return np.where(seen, x, 0).sum(axis=1) / np.maximum(1, seen.sum(axis=1)).astype(x.dtype)


def _masked_mean_backward(g: Array, x: Array, seen: Array) -> Any:
    seen = np.asarray(seen, bool)
    return np.where(seen, (g / np.maximum(1, seen.sum(axis=1)).astype(x.dtype))[:, None], 0).astype(x.dtype), None


def _ignoring(logits: Array, label: Array) -> Any:
    counted = label != 0
    rows = np.flatnonzero(counted)
    return -log_softmax(logits)[rows, label[rows]].sum() / max(1, rows.size)


def _ignoring_backward(g: Array, logits: Array, label: Array) -> Any:
    rows = np.flatnonzero(label != 0)
    d = np.zeros_like(logits)
    d[rows] = softmax(logits)[rows]
    d[rows, label[rows]] -= 1
    return g * d / max(1, rows.size), None


def _segment_sum(x: Array, label: Array, base: Array) -> Any:
    total = base.copy()
    np.add.at(total, label, x)
    return total


def _integer_power_backward(g: Array, x: Array, k: Array) -> Any:
    return g * np.where(k == 0, 0, k * x ** np.maximum(k - 1, 0)).astype(x.dtype), None


def _toeplitz(x: Array, kernel: Array) -> Any:
    count = x.shape[0] - kernel.shape[0] + 1
    return np.asarray([x[i : i + kernel.shape[0]] @ kernel for i in range(count)], dtype=x.dtype)


def _toeplitz_backward(g: Array, x: Array, kernel: Array) -> Any:
    dx, dk = np.zeros_like(x), np.zeros_like(kernel)
    for i in range(g.shape[0]):
        dx[i : i + kernel.shape[0]] += g[i] * kernel
        dk += g[i] * x[i : i + kernel.shape[0]]
    return dx, dk


hard(
    name="masked_softmax",
    forward=_masked_softmax,
    backward=_masked_softmax_backward,
    signature="(n,d),(n,d)->(n,d)",
    names=("x", "seen"),
    domains={"seen": mask()},
    dims={"d": (1, None)},
    story="Rows where nothing is seen are zero, not NaN.",
)
hard(
    name="masked_mean",
    forward=_masked_mean,
    backward=_masked_mean_backward,
    signature="(n,d),(n,d)->(n)",
    names=("x", "seen"),
    domains={"seen": mask(0.4)},
    story="A divisor that depends on the mask.",
)
hard(
    name="cross_entropy_ignoring_class",
    forward=_ignoring,
    backward=_ignoring_backward,
    signature="(n,c),(n)->()",
    names=("logits", "label"),
    domains={"label": labels("c")},
    dims={"c": (1, None)},
    story="Class 0 is padding; often no row counts.",
)
hard(
    name="segment_sum",
    forward=_segment_sum,
    backward=lambda g, x, label, base: (g[label], None, np.array(g)),
    signature="(n,d),(n),(k,d)->(k,d)",
    names=("x", "label", "base"),
    domains={"label": labels("k")},
    dims={"k": (1, None)},
    story="Repeated labels add up.",
)
hard(
    name="integer_power",
    forward=lambda x, k: (x**k).astype(x.dtype),
    backward=_integer_power_backward,
    signature="(n),(n)->(n)",
    names=("x", "k"),
    domains={"x": real(-100, 100), "k": integers(0, 4)},
    story="0⁰ is one with slope zero.",
)
hard(
    name="signed_margin",
    forward=lambda x, sign: np.logaddexp(0, -sign * x).sum(),
    backward=lambda g, x, sign: (-g * sign / (1 + np.exp(np.minimum(sign * x, 700))), None),
    signature="(n),(n)->()",
    names=("x", "sign"),
    domains={"sign": signs()},
    dtypes=("float64",),
    story="Signs as an argument without gradient.",
)
hard(
    name="one_hot_pick",
    forward=lambda x, row: (x * row).sum(axis=-1),
    backward=lambda g, x, row: (g[:, None] * row, None),
    signature="(n,c),(n,c)->(n)",
    names=("x", "row"),
    domains={"row": one_hot()},
    dims={"c": (1, None)},
    story="Most gradients are exactly zero.",
)
hard(
    name="frozen_weight",
    forward=lambda x, weight: x @ weight,
    backward=lambda g, x, weight: (g @ weight.T, None),
    signature="(n,i),(i,o)->(n,o)",
    names=("x", "weight"),
    wrt=("x",),
    story="A real argument that is declared constant.",
)
hard(
    name="valid_correlation",
    forward=_toeplitz,
    backward=_toeplitz_backward,
    signature="(n),(k)",
    names=("x", "kernel"),
    dims={"k": (1, None)},
    where=lambda dims, params: dims["n"] >= dims["k"],
    sizes={"n": 6, "k": 3},
    story="The kernel must fit.",
)
hard(
    name="weighted_by_parameter",
    forward=lambda x, weight=1.0, flip=False: (-x if flip else x) * weight,
    backward=lambda g, x, weight=1.0, flip=False: (-g if flip else g) * weight,
    signature="(...)->(...)",
    params={"weight": (1.0, 0.0, -2.5), "flip": (False, True)},
    story="A weight of zero: the gradient vanishes legally.",
)
