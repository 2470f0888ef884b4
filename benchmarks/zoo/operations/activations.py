"""Activations, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import real

ROOT = math.sqrt(2 / math.pi)
CUBIC = 0.044715


def logistic(x: Array) -> Any:
    """The sigmoid without overflow."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, small) / (1 + small)


def _relu(x: Array) -> Any:
    return np.maximum(x, 0)


def _relu_backward(grad_output: Array, x: Array) -> Any:
    return grad_output * (x > 0)


def _leaky_relu(x: Array, slope: float = 0.01) -> Any:
    return np.where(x > 0, x, slope * x)


def _leaky_relu_backward(grad_output: Array, x: Array, slope: float = 0.01) -> Any:
    return np.where(x > 0, grad_output, slope * grad_output)


def _sigmoid_backward(grad_output: Array, x: Array) -> Any:
    y = logistic(x)
    return grad_output * y * (1 - y)


def _tanh(x: Array) -> Any:
    return np.tanh(x)


def _tanh_backward(grad_output: Array, x: Array) -> Any:
    y = np.tanh(x)
    return grad_output * (1 - y) * (1 + y)


def _gelu(x: Array) -> Any:
    return 0.5 * x * (1 + np.tanh(ROOT * (x + CUBIC * x**3)))


def _gelu_backward(grad_output: Array, x: Array) -> Any:
    t = np.tanh(ROOT * (x + CUBIC * x**3))
    slope = ROOT * (1 + 3 * CUBIC * x**2)
    return grad_output * (0.5 * (1 + t) + 0.5 * x * (1 - t) * (1 + t) * slope)


def _silu(x: Array) -> Any:
    return x * logistic(x)


def _silu_backward(grad_output: Array, x: Array) -> Any:
    s = logistic(x)
    return grad_output * s * (1 + x * logistic(-x))


def _softplus(x: Array) -> Any:
    return np.logaddexp(x, 0)


def _softplus_backward(grad_output: Array, x: Array) -> Any:
    return grad_output * logistic(x)


def _elu(x: Array, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_backward(grad_output: Array, x: Array, alpha: float = 1.0) -> Any:
    return grad_output * np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


RELU = operation(name="relu", forward=_relu, backward=_relu_backward, signature="(...)->(...)")
LEAKY_RELU = operation(
    name="leaky_relu",
    forward=_leaky_relu,
    backward=_leaky_relu_backward,
    signature="(...)->(...)",
    params={"slope": (0.01, 0.2, 0.0)},
)
SIGMOID = operation(name="sigmoid", forward=logistic, backward=_sigmoid_backward, signature="(...)->(...)")
TANH = operation(name="tanh", forward=_tanh, backward=_tanh_backward, signature="(...)->(...)")
GELU = operation(
    name="gelu",
    forward=_gelu,
    backward=_gelu_backward,
    signature="(...)->(...)",
    domains={"x": real(-1e6, 1e6)},  # the cube overflows far outside
)
SILU = operation(name="silu", forward=_silu, backward=_silu_backward, signature="(...)->(...)")
SOFTPLUS = operation(name="softplus", forward=_softplus, backward=_softplus_backward, signature="(...)->(...)")
ELU = operation(
    name="elu", forward=_elu, backward=_elu_backward, signature="(...)->(...)", params={"alpha": (1.0, 0.5, 2.0)}
)
