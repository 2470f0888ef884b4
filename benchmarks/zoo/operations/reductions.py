"""Sums, means, deviations, extremes and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import real


def expanded(grad_output: Array, shape: tuple[int, ...], axis: int, keepdims: bool) -> Any:
    """The upstream of a reduction, repeated along the axis that was reduced."""
    g = grad_output if keepdims else np.expand_dims(grad_output, axis)
    return np.broadcast_to(g, shape).copy()


def _sum(x: Array, axis: int = 0, keepdims: bool = False) -> Any:
    return x.sum(axis=axis, keepdims=keepdims)


def _sum_backward(grad_output: Array, x: Array, axis: int = 0, keepdims: bool = False) -> Any:
    return expanded(grad_output, x.shape, axis, keepdims)


def _mean(x: Array, axis: int = 0) -> Any:
    return x.mean(axis=axis)


def _mean_backward(grad_output: Array, x: Array, axis: int = 0) -> Any:
    return expanded(grad_output, x.shape, axis, False) / x.shape[axis]


def _var(x: Array, ddof: int = 0) -> Any:
    centred = x - x.mean(axis=0)
    return (centred * centred).sum(axis=0) / (x.shape[0] - ddof)


def _var_backward(grad_output: Array, x: Array, ddof: int = 0) -> Any:
    return grad_output * 2 * (x - x.mean(axis=0)) / (x.shape[0] - ddof)


def _std(x: Array, eps: float = 1e-6) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.sqrt((centred * centred).mean(axis=-1) + eps)


def _std_backward(grad_output: Array, x: Array, eps: float = 1e-6) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    return np.expand_dims(grad_output, -1) * centred / (x.shape[-1] * s)


def _max(x: Array) -> Any:
    return x.max(axis=-1)


def _max_backward(grad_output: Array, x: Array) -> Any:
    first = np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., None]
    return np.expand_dims(grad_output, -1) * first


def _prod(x: Array) -> Any:
    return x.prod(axis=-1)


def _prod_backward(grad_output: Array, x: Array) -> Any:
    ones = np.ones((x.shape[0], 1), x.dtype)
    before = np.cumprod(np.concatenate([ones, x[:, :-1]], axis=1), axis=1)
    after = np.cumprod(np.concatenate([ones, x[:, :0:-1]], axis=1), axis=1)[:, ::-1]
    return (grad_output[:, None] * before * after)[:, : x.shape[1]]


def _cumsum(x: Array) -> Any:
    return np.cumsum(x, axis=-1)


def _cumsum_backward(grad_output: Array, x: Array) -> Any:
    return np.cumsum(grad_output[..., ::-1], axis=-1)[..., ::-1]


_SOME = {"a": (1, None), "b": (1, None), "c": (1, None)}

SUM = operation(
    name="sum",
    forward=_sum,
    backward=_sum_backward,
    signature="(a,b,c)",
    params={"axis": (0, 1, -1), "keepdims": (False, True)},
)
MEAN = operation(
    name="mean", forward=_mean, backward=_mean_backward, signature="(a,b,c)", dims=_SOME, params={"axis": (0, 1, -1)}
)
VAR = operation(
    name="var",
    forward=_var,
    backward=_var_backward,
    signature="(n,d)->(d)",
    dims={"n": (2, None)},
    params={"ddof": (0, 1)},
    sizes={"n": 5, "d": 4},
)
STD = operation(
    name="std",
    forward=_std,
    backward=_std_backward,
    signature="(...,d)->(...)",
    dims={"d": (1, None)},
    params={"eps": (1e-6, 1e-3)},
    sizes={"d": 5},
)
MAX = operation(name="max", forward=_max, backward=_max_backward, signature="(...,d)->(...)", dims={"d": (1, None)})
PROD = operation(
    name="prod",
    forward=_prod,
    backward=_prod_backward,
    signature="(n,d)->(n)",
    domains={"x": real(-10, 10)},
    dims={"d": (0, 12)},  # the product of more elements leaves the range of float32
)
CUMSUM = operation(name="cumsum", forward=_cumsum, backward=_cumsum_backward, signature="(...,d)->(...,d)")
