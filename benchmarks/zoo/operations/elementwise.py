"""Arithmetic with broadcasting, and simple functions of each element."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import positive


def unbroadcast(gradient: Array, shape: tuple[int, ...]) -> Any:
    """Sum over every axis along which an argument was repeated."""
    gradient = np.asarray(gradient)
    extra = gradient.ndim - len(shape)
    repeated = tuple(k for k, size in enumerate(shape, extra) if size == 1 != gradient.shape[k])
    total = gradient.sum(axis=tuple(range(extra)) + repeated, keepdims=True)
    return total.reshape(shape)


def _add(a: Array, b: Array) -> Any:
    return a + b


def _add_backward(grad_output: Array, a: Array, b: Array) -> Any:
    return unbroadcast(grad_output, a.shape), unbroadcast(grad_output, b.shape)


def _multiply(a: Array, b: Array) -> Any:
    return a * b


def _multiply_backward(grad_output: Array, a: Array, b: Array) -> Any:
    return unbroadcast(grad_output * b, a.shape), unbroadcast(grad_output * a, b.shape)


def _divide(a: Array, b: Array) -> Any:
    return a / b


def _divide_backward(grad_output: Array, a: Array, b: Array) -> Any:
    return unbroadcast(grad_output / b, a.shape), unbroadcast(-grad_output * (a / b) / b, b.shape)


def _maximum(a: Array, b: Array) -> Any:
    return np.maximum(a, b)


def _maximum_backward(grad_output: Array, a: Array, b: Array) -> Any:
    first = a >= b
    return unbroadcast(grad_output * first, a.shape), unbroadcast(grad_output * ~first, b.shape)


def _clip(x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    return np.clip(x, low, high)


def _clip_backward(grad_output: Array, x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    return grad_output * ((x >= low) & (x <= high))


def _abs(x: Array) -> Any:
    return np.abs(x)


def _abs_backward(grad_output: Array, x: Array) -> Any:
    return grad_output * np.sign(x)


def _sqrt(x: Array) -> Any:
    return np.sqrt(x)


def _sqrt_backward(grad_output: Array, x: Array) -> Any:
    return grad_output / (2 * np.sqrt(x))


def _power(x: Array, exponent: float = 2.0) -> Any:
    return x**exponent


def _power_backward(grad_output: Array, x: Array, exponent: float = 2.0) -> Any:
    return grad_output * exponent * x ** (exponent - 1)


def _scale_channels(x: Array, scale: Array) -> Any:
    return x * scale[:, None, None]


def _scale_channels_backward(grad_output: Array, x: Array, scale: Array) -> Any:
    return grad_output * scale[:, None, None], (grad_output * x).sum(axis=(0, 2, 3))


_BOTH: dict[str, Any] = {"signature": "(...),(...)->(...)", "names": ("a", "b"), "broadcast": True}

ADD = operation(name="add", forward=_add, backward=_add_backward, **_BOTH)
MULTIPLY = operation(name="multiply", forward=_multiply, backward=_multiply_backward, **_BOTH)
DIVIDE = operation(name="divide", forward=_divide, backward=_divide_backward, domains={"b": positive()}, **_BOTH)
MAXIMUM = operation(name="maximum", forward=_maximum, backward=_maximum_backward, **_BOTH)
CLIP = operation(
    name="clip",
    forward=_clip,
    backward=_clip_backward,
    signature="(...)->(...)",
    params={"low": (-1.0, -0.5), "high": (1.0, 2.0)},
)
ABS = operation(name="abs", forward=_abs, backward=_abs_backward, signature="(...)->(...)")
SQRT = operation(
    name="sqrt", forward=_sqrt, backward=_sqrt_backward, signature="(...)->(...)", domains={"x": positive()}
)
POWER = operation(
    name="power",
    forward=_power,
    backward=_power_backward,
    signature="(...)->(...)",
    domains={"x": positive()},
    params={"exponent": (2.0, 3.0, 0.5)},
)
SCALE_CHANNELS = operation(
    name="scale_channels",
    forward=_scale_channels,
    backward=_scale_channels_backward,
    signature="(n,c,h,w),(c)->(n,c,h,w)",
    names=("x", "scale"),
)
