"""The checker finds planted faults: hand-written backwards, each wrong in one way that people get wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import gradlab


@dataclass(frozen=True)
class Fault:
    """A wrong backward and the laws of which at least one must catch it."""

    name: str
    forward: Callable[..., Any]
    backward: Callable[..., Any]
    signature: str
    laws: tuple[str, ...]
    options: dict[str, Any] = field(default_factory=dict)


def _linear(x, weight, bias):
    return x @ weight.T + bias


def _softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)


def _softmax_gradient(g, x):
    y = _softmax(x)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


def _relu(x):
    return np.maximum(x, 0)


def _in_place(g, x):
    g *= 2
    return g * x


def _empty_nan(g, x):
    return np.broadcast_to(g / x.size if x.size else g * np.nan, x.shape).copy() + (0 if x.size else np.nan)


def _memory_order(g, x):
    # Reads memory in its own order instead of the array's.
    flat = np.ravel(x, order="K")
    return g * 2 * flat.reshape(x.shape)


class _Stale:
    """Remembers the last forward, whichever backward asks."""

    def __init__(self) -> None:
        self.x = np.zeros(0)

    def forward(self, x):
        self.x = x
        return x * x, None

    def backward(self, g, cache):
        return 2 * self.x * g


class _Shared:
    """Returns the same buffer from every call."""

    def __init__(self) -> None:
        self.buffer = np.zeros(0)

    def backward(self, g, x):
        if self.buffer.shape != x.shape or self.buffer.dtype != x.dtype:
            self.buffer = np.empty_like(x)
        np.multiply(g, 2 * x, out=self.buffer)
        return self.buffer


_NOISE = np.random.default_rng(5)
_STALE = _Stale()
_STALE_PAIR = tuple(gradlab.from_cached(_STALE.forward, _STALE.backward))
_SQUARE = "(n,d)->(n,d)"


def _gather(x, k):
    return x[np.arange(len(k)), k]


LABELS = {"names": ("x", "k"), "domains": {"k": gradlab.labels("c")}}

FAULTS = [
    Fault("sign", np.tanh, lambda g, x: -g * (1 - np.tanh(x) ** 2), _SQUARE, ("value",)),
    Fault("factor 2", lambda x: x**2, lambda g, x: g * x, _SQUARE, ("value",)),
    Fault("factor 1 + 1e-6", lambda x: x**2, lambda g, x: 2.000002 * g * x, _SQUARE, ("value",)),
    Fault("missing 1/n", lambda x: (x**2).sum() / max(x.shape[0], 1), lambda g, x: g * 2 * x, "(n)->()", ("value",)),
    Fault("softmax without its off-diagonal", _softmax, lambda g, x: _softmax(x) * g, "(n,d)->(n,d)", ("value",)),
    Fault(
        "transposed weight gradient, square only",
        _linear,
        lambda g, x, w, b: (
            g @ w,
            (x.T @ g if x.shape[1] == w.shape[0] else g.T @ x),
            g.sum(axis=0),
        ),
        "(n,i),(o,i),(o)->(n,o)",
        ("value",),
    ),
    Fault(
        "bias not summed",
        _linear,
        lambda g, x, w, b: (g @ w, g.T @ x, g),
        "(n,i),(o,i),(o)->(n,o)",
        ("contract",),
    ),
    Fault("abs of grad_output", np.sin, lambda g, x: np.abs(g) * np.cos(x), _SQUARE, ("linearity", "value")),
    Fault("relu of grad_output", np.sin, lambda g, x: np.maximum(g, 0) * np.cos(x), _SQUARE, ("linearity", "value")),
    Fault("grad_output ignored", np.sin, lambda g, x: np.cos(x), _SQUARE, ("edges", "linearity", "value")),
    Fault("edits grad_output in place", lambda x: x**2, _in_place, _SQUARE, ("purity",)),
    Fault("float64 for float32", lambda x: 3 * x, lambda g, x: 3 * g.astype(float), _SQUARE, ("contract",)),
    Fault("wrong shape", lambda x: 3 * x, lambda g, x: (3 * g).reshape(-1), _SQUARE, ("contract",)),
    Fault("an extra gradient", lambda x: 3 * x, lambda g, x: (3 * g, None), _SQUARE, ("contract",)),
    Fault("None for a gradient", lambda x: 3 * x, lambda g, x: (None,), _SQUARE, ("contract",)),
    Fault("raises", lambda x: 3 * x, lambda g, x: {}["missing"], _SQUARE, ("contract",)),
    Fault("exit() in backward", lambda x: 3 * x, lambda g, x: exit(), _SQUARE, ("contract",)),
    Fault(
        "NaN where the output is empty",
        lambda x, b: x + b,
        lambda g, x, b: (g, g.sum(axis=0) if g.shape[0] else np.full_like(b, np.nan)),
        "(n,d),(d)->(n,d)",
        ("edges",),
    ),
    Fault(
        "float32 inside",
        lambda x: x * np.pi,
        lambda g, x: (g.astype(np.float32) * np.float32(np.pi)).astype(g.dtype),
        _SQUARE,
        ("value", "linearity"),
    ),
    Fault("memory order", lambda x: x**2, _memory_order, _SQUARE, ("value", "layout")),
    Fault("stale cache", _STALE_PAIR[0], _STALE_PAIR[1], _SQUARE, ("repeatability",)),
    Fault("shared buffer", lambda x: x**2, _Shared().backward, _SQUARE, ("repeatability",)),
    Fault(
        "random",
        lambda x: x**2,
        lambda g, x: 2 * g * x * (1 + 1e-9 * _NOISE.normal(size=x.shape)).astype(x.dtype),
        _SQUARE,
        ("repeatability", "value", "linearity"),
    ),
    Fault(
        "relu'(0) = 2",
        _relu,
        lambda g, x: g * np.where(x > 0, 1, np.where(x == 0, 2, 0)).astype(g.dtype),
        "(n)->(n)",
        ("value",),
    ),
    Fault("relu masks with grad_output", _relu, lambda g, x: g * (g > 0), "(n)->(n)", ("value", "linearity")),
    Fault("relu threshold at 1e-4", _relu, lambda g, x: g * (x > 1e-4), "(n)->(n)", ("value",)),
    Fault(
        "maximum gives both at a tie",
        np.maximum,
        lambda g, a, b: (g * (a >= b), g * (b >= a)),
        "(n),(n)->(n)",
        ("kinks",),
        {"names": ("a", "b"), "profile": "thorough"},
    ),
    Fault(
        "sigmoid overflows",
        np.tanh,
        lambda g, x: g * 4 * np.exp(2 * x) / (np.exp(2 * x) + 1) ** 2,
        _SQUARE,
        ("stability",),
    ),
    Fault("element 57 zeroed", lambda x: 3 * x, lambda g, x: 3 * g * (np.arange(x.size) != 57), "(n)->(n)", ("value",)),
    Fault(
        "a gradient for labels",
        lambda x, k: x[np.arange(len(k)), k],
        lambda g, x, k: (_scatter(g, x, k), k * 0),
        "(n,c),(n)->(n)",
        ("contract",),
        {"names": ("x", "k"), "domains": {"k": gradlab.labels("c")}},
    ),
    Fault("wrong for n = 1 only", lambda x: 3 * x, lambda g, x: 3 * g * (1 if len(x) != 1 else 2), _SQUARE, ("value",)),
    Fault(
        "one parameter value ignored",
        lambda x, *, p=2.0: p * x,
        lambda g, x, *, p=2.0: 2.0 * g,
        _SQUARE,
        ("value",),
        {"params": {"p": (2.0, 3.0)}, "names": ("x",)},
    ),
]


def _scatter(g, x, k):
    grad = np.zeros_like(x)
    grad[np.arange(len(k)), k] = g
    return grad


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
@pytest.mark.parametrize("seed", [0, 1])
def test_fault_is_found(fault: Fault, seed: int) -> None:
    """A planted fault fails the check, by one of the laws that it breaks."""
    report = gradlab.check(fault.forward, fault.backward, fault.signature, seed=seed, **fault.options)
    assert report.verdict == "fail", str(report)
    assert {finding.law for finding in report.failures} & set(fault.laws), str(report)
