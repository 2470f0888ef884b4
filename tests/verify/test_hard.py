"""The checker cries no wolf: backwards that are right, on functions that are hard to differentiate numerically."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import gradlab


@dataclass(frozen=True)
class Hard:
    """A correct backward."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    signature: str
    options: dict[str, Any] = field(default_factory=dict)


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


def _softmax_gradient(g, x):
    y = _softmax(x)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def _largest(x):
    return x.max(axis=-1)


def _first_largest(g, x):
    grad = np.zeros_like(x)
    np.put_along_axis(grad, x.argmax(axis=-1)[..., None], g[..., None], axis=-1)
    return grad


def _shared_largest(g, x):
    hit = x == x.max(axis=-1, keepdims=True)
    return g[..., None] * hit / hit.sum(axis=-1, keepdims=True).astype(g.dtype)


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + e), e / (1 + e))


def _norm(x):
    return np.sqrt((x * x).sum(axis=-1, keepdims=True) + x.dtype.type(1e-6))


def _normalise_gradient(g, x):
    y = x / _norm(x)
    return (g - y * (g * y).sum(axis=-1, keepdims=True)) / _norm(x)


def _convolution_gradients(g, x, w):
    grad_w = [(g * x[len(w) - 1 - j : len(x) - j]).sum() for j in range(len(w))]
    return np.convolve(g, w[::-1]), np.array(grad_w, dtype=x.dtype)


def _float64_tanh(x):
    # Computes in float64 whatever comes in, and says so by its dtype for anything wider.
    return np.asarray(np.tanh(np.asarray(x, dtype=float)), dtype=float if x.dtype == np.longdouble else x.dtype)


def _float64_tanh_gradient(g, x):
    return (g / np.cosh(np.clip(x, -300, 300).astype(float)) ** 2).astype(x.dtype)


def _padded(g, x):
    return np.concatenate([g, np.zeros_like(x[..., 1:])], axis=-1)


SINE = {"names": ("x",), "domains": {"x": gradlab.real(-30, 30)}}
LOG = {"names": ("x",), "domains": {"x": gradlab.positive()}}
SQRT = {"names": ("x",), "domains": {"x": gradlab.non_negative()}}
LABELS = {"names": ("x", "k"), "domains": {"k": gradlab.labels("c")}}
MASK = {"names": ("x", "m"), "domains": {"m": gradlab.mask(0.7)}}
LONGER = {"names": ("x", "w"), "where": lambda dims, params: dims["n"] >= dims["k"] >= 1}
SOME = {"dims": {"d": (1, None)}}

HARD = [
    Hard("relu", lambda x: np.maximum(x, 0), lambda g, x: g * (x > 0), "(...)->(...)"),
    Hard("relu with slope 1 at 0", lambda x: np.maximum(x, 0), lambda g, x: g * (x >= 0), "(...)->(...)"),
    Hard("abs", np.abs, lambda g, x: g * np.sign(x), "(n)->(n)"),
    Hard("clip", lambda x: np.clip(x, -1, 1), lambda g, x: g * ((x >= -1) & (x <= 1)), "(n)->(n)"),
    Hard("max", _largest, _first_largest, "(n,d)->(n)", SOME),
    Hard("max, shared", _largest, _shared_largest, "(n,d)->(n)", SOME),
    Hard("maximum", np.maximum, lambda g, a, b: (g * (a >= b), g * (a < b)), "(n),(n)->(n)", {"names": ("a", "b")}),
    Hard("sort", lambda x: np.sort(x, axis=-1), lambda g, x: _unsorted(g, x), "(n,d)->(n,d)"),
    Hard("tanh", np.tanh, lambda g, x: g * (1 - np.tanh(x)) * (1 + np.tanh(x)), "(...)->(...)"),
    Hard("x + 1e8", lambda x: x + x.dtype.type(1e8), lambda g, x: g, "(n)->(n)"),
    Hard("square", lambda x: x * x, lambda g, x: 2 * x * g, "(...)->(...)"),
    Hard("softmax", _softmax, _softmax_gradient, "(...,d)->(...,d)"),
    Hard("sigmoid", _sigmoid, lambda g, x: g * _sigmoid(x) * _sigmoid(-x), "(n)->(n)"),
    Hard("normalise", lambda x: x / _norm(x), _normalise_gradient, "(n,d)->(n,d)"),
    Hard(
        "sine",
        np.sin,
        lambda g, x: g * np.cos(x),
        "(n)->(n)",
        SINE,
    ),
    Hard("log", np.log, lambda g, x: g / x, "(n)->(n)", LOG),
    Hard(
        "sqrt",
        np.sqrt,
        lambda g, x: g / (2 * np.sqrt(x)),
        "(n)->(n)",
        SQRT,
    ),
    Hard("round", np.round, lambda g, x: 0 * g, "(n)->(n)"),
    Hard("mean over nothing", lambda x: x.mean(), lambda g, x: np.full_like(x, g / x.size if x.size else 0), "(n)->()"),
    Hard("identity view", lambda x: x, lambda g, x: g, "(...)->(...)"),
    Hard("matmul", lambda a, b: a @ b, lambda g, a, b: (g @ b.T, a.T @ g), "(n,k),(k,m)->(n,m)", {"names": ("a", "b")}),
    Hard(
        "float64 only",
        _float64_tanh,
        _float64_tanh_gradient,
        "(n)->(n)",
    ),
    Hard(
        "gather",
        lambda x, k: x[np.arange(len(k)), k],
        lambda g, x, k: (_scatter(g, x, k), None),
        "(n,c),(n)->(n)",
        LABELS,
    ),
    Hard(
        "mask",
        lambda x, m: x * m,
        lambda g, x, m: (g * m, None),
        "(n,d),(n,d)->(n,d)",
        MASK,
    ),
    Hard(
        "the output's shape left out",
        lambda x: x[..., :1],
        _padded,
        "(n,d)",
        SOME,
    ),
    Hard(
        "a relation between sizes",
        lambda x, w: np.convolve(x, w, "valid"),
        _convolution_gradients,
        "(n),(k)",
        LONGER,
    ),
]


def _unsorted(g, x):
    grad = np.empty_like(x)
    np.put_along_axis(grad, np.argsort(x, axis=-1, kind="stable"), g, axis=-1)
    return grad


def _scatter(g, x, k):
    grad = np.zeros_like(x)
    grad[np.arange(len(k)), k] = g
    return grad


@pytest.mark.parametrize("hard", HARD, ids=lambda hard: hard.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_correct_backward_passes(hard: Hard, seed: int) -> None:
    """A correct backward passes, whatever kinks, ties, cancellation or odd precision its forward has."""
    report = gradlab.check(hard.forward, hard.backward, hard.signature, seed=seed, **hard.options)
    assert report.verdict == "pass", str(report)
