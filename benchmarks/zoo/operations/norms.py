"""Normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array


def statistics(x: Array, axis: Any, eps: float) -> Any:
    """The normalised array and the inverse of the deviation."""
    centred = x - x.mean(axis=axis, keepdims=True)
    inverse = 1 / np.sqrt((centred * centred).mean(axis=axis, keepdims=True) + eps)
    return centred * inverse, inverse


def through(d: Array, x_hat: Array, inverse: Array, axis: Any) -> Any:
    """Gradient of the input from the gradient of the normalised array."""
    mean = d.mean(axis=axis, keepdims=True)
    return inverse * (d - mean - x_hat * (d * x_hat).mean(axis=axis, keepdims=True))


def _batch_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    return gamma * statistics(x, 0, eps)[0] + beta


def _batch_norm_backward(grad_output: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    x_hat, inverse = statistics(x, 0, eps)
    dx = through(grad_output * gamma, x_hat, inverse, 0)
    return dx, (grad_output * x_hat).sum(axis=0), grad_output.sum(axis=0)


def _batch_norm_2d(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    return gamma[:, None, None] * statistics(x, (0, 2, 3), eps)[0] + beta[:, None, None]


def _batch_norm_2d_backward(grad_output: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    x_hat, inverse = statistics(x, (0, 2, 3), eps)
    dx = through(grad_output * gamma[:, None, None], x_hat, inverse, (0, 2, 3))
    return dx, (grad_output * x_hat).sum(axis=(0, 2, 3)), grad_output.sum(axis=(0, 2, 3))


def rows_of(array: Array) -> Any:
    """All axes but the last in one, also where one of them is empty."""
    return array.reshape(int(np.prod(array.shape[:-1])), array.shape[-1])


def _layer_norm(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    return gamma * statistics(x, -1, eps)[0] + beta


def _layer_norm_backward(grad_output: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    x_hat, inverse = statistics(x, -1, eps)
    dx = through(grad_output * gamma, x_hat, inverse, -1)
    return dx, rows_of(grad_output * x_hat).sum(axis=0), rows_of(grad_output).sum(axis=0)


def inverse_rms(x: Array, eps: float) -> Any:
    """One over the root of the mean square of a row."""
    return 1 / np.sqrt((x * x).mean(axis=-1, keepdims=True) + eps)


def _rms_norm(x: Array, weight: Array, eps: float = 1e-6) -> Any:
    return weight * x * inverse_rms(x, eps)


def _rms_norm_backward(grad_output: Array, x: Array, weight: Array, eps: float = 1e-6) -> Any:
    inverse = inverse_rms(x, eps)
    x_hat = x * inverse
    d = grad_output * weight
    dx = inverse * (d - x_hat * (d * x_hat).mean(axis=-1, keepdims=True))
    return dx, rows_of(grad_output * x_hat).sum(axis=0)


def grouped(x: Array, groups: int) -> Any:
    """Channels and positions of a group on one axis."""
    n, c, s = x.shape
    return x.reshape(n, groups, c // groups * s)


def _group_norm(x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
    x_hat = statistics(grouped(x, groups), -1, eps)[0].reshape(x.shape)
    return gamma[:, None] * x_hat + beta[:, None]


def _group_norm_backward(
    grad_output: Array, x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5
) -> Any:
    x_hat, inverse = statistics(grouped(x, groups), -1, eps)
    dx = through(grouped(grad_output * gamma[:, None], groups), x_hat, inverse, -1).reshape(x.shape)
    return dx, (grad_output * x_hat.reshape(x.shape)).sum(axis=(0, 2)), grad_output.sum(axis=(0, 2))


_EPS = {"eps": (1e-5, 1e-3)}
_AFFINE = ("x", "gamma", "beta")

BATCH_NORM = operation(
    name="batch_norm",
    forward=_batch_norm,
    backward=_batch_norm_backward,
    signature="(n,c),(c),(c)->(n,c)",
    names=_AFFINE,
    dims={"n": (1, None)},
    params=_EPS,
    sizes={"n": 6},
)
BATCH_NORM_2D = operation(
    name="batch_norm_2d",
    forward=_batch_norm_2d,
    backward=_batch_norm_2d_backward,
    signature="(n,c,h,w),(c),(c)->(n,c,h,w)",
    names=_AFFINE,
    dims={"n": (1, None), "h": (1, None), "w": (1, None)},
    params=_EPS,
)
LAYER_NORM = operation(
    name="layer_norm",
    forward=_layer_norm,
    backward=_layer_norm_backward,
    signature="(...,d),(d),(d)->(...,d)",
    names=_AFFINE,
    dims={"d": (1, None)},
    params=_EPS,
    sizes={"d": 5},
)
RMS_NORM = operation(
    name="rms_norm",
    forward=_rms_norm,
    backward=_rms_norm_backward,
    signature="(...,d),(d)->(...,d)",
    names=("x", "weight"),
    dims={"d": (1, None)},
    params={"eps": (1e-6, 1e-3)},
    sizes={"d": 5},
)
GROUP_NORM = operation(
    name="group_norm",
    forward=_group_norm,
    backward=_group_norm_backward,
    signature="(n,c,s),(c),(c)->(n,c,s)",
    names=_AFFINE,
    dims={"c": (1, None), "s": (1, None)},
    where=lambda dims, params: dims["c"] % params["groups"] == 0,
    params={"groups": (2, 1), "eps": (1e-5, 1e-3)},
)
