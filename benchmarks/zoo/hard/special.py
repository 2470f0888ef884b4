"""Functions through math, FFT and series, where no longdouble and no complex step can follow."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array, Function
from gradlab.operation import positive, real, simplex

_SAME = "(...)->(...)"
_BELL = 2 / math.sqrt(math.pi)


def _by_element(function: Function, x: Array) -> Any:
    """A function of Python floats for every element, in the dtype of the input."""
    values = [function(float(value)) for value in np.asarray(x).reshape(-1)]
    return np.asarray(values, dtype=np.float64).reshape(np.shape(x)).astype(x.dtype)


def _gelu_slope(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2)) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def _digamma(x: float) -> float:
    total = 0.0
    while x < 12:
        total -= 1 / x
        x += 1
    s = 1 / (x * x)
    return total + math.log(x) - 0.5 / x - s * (1 / 12 - s * (1 / 120 - s * (1 / 252 - s * (1 / 240 - s / 132))))


def _entropy_backward(g: Array, p: Array) -> Any:
    return -g[:, None] * (np.log(p) + 1)


def _circular(x: Array, kernel: Array) -> Any:
    return np.fft.irfft(np.fft.rfft(x) * np.fft.rfft(kernel), n=x.shape[0])


def _circular_backward(g: Array, x: Array, kernel: Array) -> Any:
    n, spectrum = x.shape[0], np.fft.rfft(g)
    dx = np.fft.irfft(spectrum * np.conj(np.fft.rfft(kernel)), n=n)
    return dx.astype(x.dtype), np.fft.irfft(spectrum * np.conj(np.fft.rfft(x)), n=n).astype(kernel.dtype)


def _newton_root(x: Array) -> Any:
    """The real root of y³ + y = x."""
    y = np.cbrt(x)
    for _ in range(60):
        y = y - (y**3 + y - x) / (3 * y * y + 1)
    return y


hard(
    name="erf",
    forward=lambda x: _by_element(math.erf, x),
    backward=lambda g, x: g * _BELL * np.exp(-x * x),
    signature=_SAME,
    domains={"x": real(-1e6, 1e6)},
    story="Through Python floats: float64 whatever comes in.",
)
hard(
    name="erfc_tail",
    forward=lambda x: _by_element(math.erfc, x),
    backward=lambda g, x: -g * _BELL * np.exp(-x * x),
    signature=_SAME,
    domains={"x": real(-3, 8)},
    story="Tails of 1e-29.",
)
hard(
    name="gelu_erf",
    forward=lambda x: _by_element(lambda v: 0.5 * v * math.erfc(-v / math.sqrt(2)), x),
    backward=lambda g, x: g * _by_element(_gelu_slope, x),
    signature=_SAME,
    domains={"x": real(-30, 1e3)},
    story="The exact GELU through math.erfc.",
)
hard(
    name="log_gamma",
    forward=lambda x: _by_element(math.lgamma, x),
    backward=lambda g, x: g * _by_element(_digamma, x),
    signature=_SAME,
    domains={"x": real(0.1, 100)},
    story="The slope is a recurrence and a series; it crosses zero at 1.46.",
)
hard(
    name="entropy",
    forward=lambda p: -(p * np.log(p)).sum(axis=-1),
    backward=_entropy_backward,
    signature="(n,d)->(n)",
    names=("p",),
    domains={"p": simplex()},
    dims={"d": (1, None)},
    story="The gradient of each entry of a simplex on its own.",
)
hard(
    name="logit",
    forward=lambda p: np.log(p) - np.log1p(-p),
    backward=lambda g, p: g / (p * (1 - p)),
    signature=_SAME,
    names=("p",),
    domains={"p": real(0.01, 0.99)},
    story="Between two poles.",
)
hard(
    name="x_log_x",
    forward=lambda x: x * np.log(x),
    backward=lambda g, x: g * (np.log(x) + 1),
    signature=_SAME,
    domains={"x": positive()},
    story="The slope is infinite at the domain's edge, the value is not.",
)
hard(
    name="circular_convolution",
    forward=_circular,
    backward=_circular_backward,
    signature="(n),(n)->(n)",
    names=("x", "kernel"),
    dims={"n": (1, None)},
    story="Through complex numbers; rounding is relative to the largest element, not to each.",
)
hard(
    name="implicit_root",
    forward=_newton_root,
    backward=lambda g, x: g / (3 * _newton_root(x) ** 2 + 1),
    signature=_SAME,
    domains={"x": real(-1e4, 1e4)},
    story="Solved by Newton's method; the gradient is that of the implicit function.",
)
