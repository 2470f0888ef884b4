"""Moving numbers about: lookups, masks, transposes, joins."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import operation
from benchmarks.zoo.subject import Array
from gradlab.operation import labels, mask


def _embedding(index: Array, table: Array) -> Any:
    return table[index]


def _embedding_backward(grad_output: Array, index: Array, table: Array) -> Any:
    d = np.zeros_like(table)
    np.add.at(d, index, grad_output)
    return None, d


def _gather(x: Array, index: Array) -> Any:
    return x[np.arange(x.shape[0]), index]


def _gather_backward(grad_output: Array, x: Array, index: Array) -> Any:
    d = np.zeros_like(x)
    d[np.arange(x.shape[0]), index] = grad_output
    return d, None


def _scatter_add(base: Array, rows: Array, index: Array) -> Any:
    total = base.copy()
    np.add.at(total, index, rows)
    return total


def _scatter_add_backward(grad_output: Array, base: Array, rows: Array, index: Array) -> Any:
    return grad_output.copy(), grad_output[index], None


def _dropout(x: Array, keep: Array, p: float = 0.5) -> Any:
    return np.where(keep, x, 0) / (1 - p)


def _dropout_backward(grad_output: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    return np.where(keep, grad_output, 0) / (1 - p), None


def _select(chosen: Array, a: Array, b: Array) -> Any:
    return np.where(chosen, a, b)


def _select_backward(grad_output: Array, chosen: Array, a: Array, b: Array) -> Any:
    return None, np.where(chosen, grad_output, 0), np.where(chosen, 0, grad_output)


def _rotate_axes(x: Array) -> Any:
    return x.transpose(1, 2, 0).copy()


def _rotate_axes_backward(grad_output: Array, x: Array) -> Any:
    return grad_output.transpose(2, 0, 1).copy()


def _concatenate(a: Array, b: Array) -> Any:
    return np.concatenate([a, b], axis=1)


def _concatenate_backward(grad_output: Array, a: Array, b: Array) -> Any:
    return grad_output[:, : a.shape[1]].copy(), grad_output[:, a.shape[1] :].copy()


def _roll(x: Array, shift: int = 1) -> Any:
    return np.roll(x, shift, axis=-1)


def _roll_backward(grad_output: Array, x: Array, shift: int = 1) -> Any:
    return np.roll(grad_output, -shift, axis=-1)


def _lower(x: Array, k: int = 0) -> Any:
    return np.tril(x, k)


def _lower_backward(grad_output: Array, x: Array, k: int = 0) -> Any:
    return np.tril(grad_output, k)


EMBEDDING = operation(
    name="embedding",
    forward=_embedding,
    backward=_embedding_backward,
    signature="(n),(v,d)->(n,d)",
    names=("index", "table"),
    domains={"index": labels("v")},
    dims={"v": (1, None)},
    sizes={"n": 6, "v": 4, "d": 3},
)
GATHER = operation(
    name="gather",
    forward=_gather,
    backward=_gather_backward,
    signature="(n,c),(n)->(n)",
    names=("x", "index"),
    domains={"index": labels("c")},
    dims={"c": (1, None)},
)
SCATTER_ADD = operation(
    name="scatter_add",
    forward=_scatter_add,
    backward=_scatter_add_backward,
    signature="(v,d),(n,d),(n)->(v,d)",
    names=("base", "rows", "index"),
    domains={"index": labels("v")},
    dims={"v": (1, None)},
    sizes={"v": 3, "n": 6},
)
DROPOUT = operation(
    name="dropout",
    forward=_dropout,
    backward=_dropout_backward,
    signature="(...),(...)->(...)",
    names=("x", "keep"),
    domains={"keep": mask()},
    params={"p": (0.5, 0.1)},
)
SELECT = operation(
    name="select",
    forward=_select,
    backward=_select_backward,
    signature="(n,d),(n,d),(n,d)->(n,d)",
    names=("chosen", "a", "b"),
    domains={"chosen": mask()},
)
ROTATE_AXES = operation(
    name="rotate_axes", forward=_rotate_axes, backward=_rotate_axes_backward, signature="(a,b,c)->(b,c,a)"
)
CONCATENATE = operation(
    name="concatenate",
    forward=_concatenate,
    backward=_concatenate_backward,
    signature="(n,a),(n,b)",
    names=("a", "b"),
)
ROLL = operation(
    name="roll", forward=_roll, backward=_roll_backward, signature="(n,d)->(n,d)", params={"shift": (1, -2, 0)}
)
LOWER = operation(
    name="lower_triangle",
    forward=_lower,
    backward=_lower_backward,
    signature="(n,m)->(n,m)",
    params={"k": (0, 1, -1)},
)
