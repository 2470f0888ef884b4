"""Large offsets, fast oscillation, saturation, tails: where differences lose their digits."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import logistic
from benchmarks.zoo.operations.elementwise import unbroadcast
from benchmarks.zoo.operations.rows import softmax
from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array
from gradlab.operation import non_negative, positive, real

_SAME = "(...)->(...)"


def _hot_softmax_backward(g: Array, x: Array) -> Any:
    y = softmax(100 * x)
    return 100 * y * (g - (g * y).sum(axis=-1, keepdims=True))


def _log_one_minus_exp(x: Array) -> Any:
    return np.where(x < 0.7, np.log(-np.expm1(-np.minimum(x, 1))), np.log1p(-np.exp(-x)))


def _log_add(a: Array, b: Array) -> Any:
    return np.logaddexp(a, b)


def _log_add_backward(g: Array, a: Array, b: Array) -> Any:
    share = logistic(a - b)
    return unbroadcast(g * share, a.shape), unbroadcast(g * logistic(b - a), b.shape)


def _running_logsumexp(x: Array) -> Any:
    return np.logaddexp.accumulate(x, axis=-1)


def _running_logsumexp_backward(g: Array, x: Array) -> Any:
    y = np.logaddexp.accumulate(x, axis=-1)
    later = np.tri(x.shape[1], dtype=bool).T
    shares = np.exp(np.where(later, x[:, :, None] - y[:, None, :], -np.inf))
    return (shares * g[:, None, :]).sum(axis=2)


def _cumprod_backward(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    for i in range(x.shape[1]):
        without = x.copy()
        without[:, i] = 1
        d[:, i] = (g[:, i:] * np.cumprod(without, axis=1)[:, i:]).sum(axis=1)
    return d


def _sinc(x: Array) -> Any:
    return np.where(x == 0, 1, np.sin(x) / np.where(x == 0, 1, x))


def _sinc_backward(g: Array, x: Array) -> Any:
    small = np.abs(x) < 0.3
    s = np.where(small, x, 0) ** 2
    series = -x * (1 / 3 - s * (1 / 30 - s * (1 / 840 - s * (1 / 45360 - s * (1 / 3991680 - s / 518918400)))))
    safe = np.where(small, 1, x)
    return g * np.where(small, series, (np.cos(safe) - np.sin(safe) / safe) / safe)


def _geometric_mean(x: Array) -> Any:
    return np.exp(np.log(x).mean(axis=-1))


hard(
    name="large_offset",
    forward=lambda x: x + 1e8,
    backward=lambda g, x: np.array(g),
    signature=_SAME,
    story="Differences lose eight digits to the offset.",
)
hard(
    name="offset_then_scaled",
    forward=lambda x: 3 * (x + 1e6) - 1,
    backward=lambda g, x: 3 * g,
    signature=_SAME,
    story="An offset of a million inside.",
)
hard(
    name="fast_sine",
    forward=lambda x: np.sin(1e6 * x),
    backward=lambda g, x: 1e6 * g * np.cos(1e6 * x),
    signature=_SAME,
    story="A period of 6e-6: usual steps alias it.",
)
hard(
    name="steep_tanh",
    forward=lambda x: np.tanh(1e4 * x),
    backward=lambda g, x: 1e4 * g * (1 - np.tanh(1e4 * x) ** 2),
    signature=_SAME,
    story="Nearly a step.",
)
hard(
    name="saturated_tanh",
    forward=lambda x: np.tanh(x),
    backward=lambda g, x: g * (1 - np.tanh(x) ** 2),
    signature=_SAME,
    story="1 - y² cancels where y is nearly one: an error of eps times the upstream, as everybody accepts.",
)
hard(
    name="saturated_sigmoid",
    forward=logistic,
    backward=lambda g, x: g * logistic(x) * (1 - logistic(x)),
    signature=_SAME,
    story="y (1 - y) for large x.",
)
hard(
    name="hot_softmax",
    forward=lambda x: softmax(100 * x),
    backward=_hot_softmax_backward,
    signature="(n,d)->(n,d)",
    dims={"d": (1, None)},
    story="Nearly always one-hot.",
)
hard(
    name="log1p_tail",
    forward=lambda x: np.log1p(x),
    backward=lambda g, x: g / (1 + x),
    signature=_SAME,
    domains={"x": non_negative()},
    story="Exact for tiny x; the domain's edge is zero.",
)
hard(
    name="expm1",
    forward=lambda x: np.expm1(x),
    backward=lambda g, x: g * np.exp(x),
    signature=_SAME,
    domains={"x": real(-700, 80)},
    story="Flat at -1 on the left, steep on the right.",
)
hard(
    name="log_one_minus_exp",
    forward=_log_one_minus_exp,
    backward=lambda g, x: g * np.exp(-x) / -np.expm1(-x),
    signature=_SAME,
    domains={"x": real(1e-3, 300)},
    story="log(1 - exp(-x)) with two branches that agree.",
)
hard(
    name="log_add",
    forward=_log_add,
    backward=_log_add_backward,
    signature="(...),(...)->(...)",
    names=("a", "b"),
    broadcast=True,
    story="One argument often weighs nothing at all.",
)
hard(
    name="running_logsumexp",
    forward=_running_logsumexp,
    backward=_running_logsumexp_backward,
    signature="(n,d)->(n,d)",
    dims={"d": (0, 40)},
    story="Shares of a growing sum, each in its own scale.",
)
hard(
    name="cumprod_with_zeros",
    forward=lambda x: np.cumprod(x, axis=1),
    backward=_cumprod_backward,
    signature="(n,d)->(n,d)",
    domains={"x": real(-10, 10)},
    dims={"d": (0, 10)},
    story="Right also where elements are zero, which division is not.",
)
hard(
    name="sinc",
    forward=_sinc,
    backward=_sinc_backward,
    signature=_SAME,
    story="A removable singularity, with a series next to it.",
)
hard(
    name="reciprocal",
    forward=lambda x: 1 / x,
    backward=lambda g, x: -g / x / x,
    signature=_SAME,
    domains={"x": positive()},
    story="Steep next to its pole.",
)
hard(
    name="square_of_large",
    forward=lambda x: x * x,
    backward=lambda g, x: 2 * g * x,
    signature=_SAME,
    story="At 1e8 a step of 1e-6 is lost.",
)
hard(
    name="tangent",
    forward=lambda x: np.tan(x),
    backward=lambda g, x: g * (1 + np.tan(x) ** 2),
    signature=_SAME,
    domains={"x": real(-1.5, 1.5)},
    story="Bounded away from its poles by its domain.",
)
hard(
    name="arcsine",
    forward=lambda x: np.arcsin(x),
    backward=lambda g, x: g / np.sqrt((1 - x) * (1 + x)),
    signature=_SAME,
    domains={"x": real(-0.999, 0.999)},
    story="The domain ends next to infinite slopes.",
)
hard(
    name="tiny_scale",
    forward=lambda x: x * 1e-305,
    backward=lambda g, x: g * 1e-305,
    signature=_SAME,
    domains={"x": real(-1e3, 1e3)},
    dtypes=("float64",),
    story="Results next to the denormal numbers.",
)
hard(
    name="factored_polynomial",
    forward=lambda x: (x - 1) ** 7,
    backward=lambda g, x: 7 * g * (x - 1) ** 6,
    signature=_SAME,
    domains={"x": real(-1e3, 1e3)},
    story="Flat to sixth order at one.",
)
hard(
    name="geometric_mean",
    forward=_geometric_mean,
    backward=lambda g, x: (g * _geometric_mean(x))[:, None] / x / x.shape[-1],
    signature="(n,d)->(n)",
    domains={"x": positive()},
    dims={"d": (1, None)},
    story="Through logarithms, without overflow.",
)
hard(
    name="sharp_softplus",
    forward=lambda x: np.logaddexp(20 * x, 0) / 20,
    backward=lambda g, x: g * logistic(20 * x),
    signature=_SAME,
    story="Almost a relu; smooth only within 0.05.",
)
hard(
    name="power_of_both",
    forward=lambda x, y: x**y,
    backward=lambda g, x, y: (g * y * x ** (y - 1), g * x**y * np.log(x)),
    signature="(n),(n)->(n)",
    names=("x", "y"),
    domains={"x": real(0.01, 50), "y": real(-3, 3)},
    story="Values from 1e-6 to 1e6 within one array.",
)
hard(
    name="angle",
    forward=lambda y, x: np.arctan2(y, x),
    backward=lambda g, y, x: (g * x / (x * x + y * y), -g * y / (x * x + y * y)),
    signature="(n),(n)->(n)",
    names=("y", "x"),
    domains={"y": real(-1e6, 1e6), "x": real(1e-3, 1e6)},
    story="Gradients of very different sizes for the two arguments.",
)
hard(
    name="big_sum_of_squares",
    forward=lambda x: (x * x).sum(),
    backward=lambda g, x: 2 * g * x,
    signature="(n)->()",
    sizes={"n": 4096},
    story="A reduction whose rounding grows with its size.",
)
