"""Unusual but legal forms: Python floats, 0-d arrays, lists, other dtypes inside, refused layouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.zoo.operations.rows import softmax
from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array


def _python_float(x: Array) -> float:
    return float(np.dot(x, x))


def _exact_sum(x: Array) -> float:
    return math.fsum(float(value) for value in x)


def _double_inside(x: Array) -> Any:
    wide = x.astype(np.float64)
    return np.sqrt((wide * wide).sum(axis=1) + 1).astype(x.dtype)


def _double_inside_backward(g: Array, x: Array) -> Any:
    wide = x.astype(np.float64)
    length = np.sqrt((wide * wide).sum(axis=1) + 1)
    return (g.astype(np.float64)[:, None] * wide / length[:, None]).astype(x.dtype)


def _packed(x: Array) -> Any:
    if not x.flags.c_contiguous:
        raise ValueError("x must be C-contiguous; call np.ascontiguousarray(x) first")
    return x.reshape(-1).cumsum().reshape(x.shape)


def _packed_backward(g: Array, x: Array) -> Any:
    return np.ascontiguousarray(g).reshape(-1)[::-1].cumsum()[::-1].reshape(x.shape)


def _one_number(x: Array) -> Any:
    return np.exp(-x * x / 2)


def _einsum_backward(g: Array, a: Array, b: Array) -> Any:
    return [np.einsum("nij,njk->nik", g, b.swapaxes(1, 2)), np.einsum("nij,nik->njk", a, g)]


def _loop(x: Array) -> Any:
    state, out = np.zeros(x.shape[0], x.dtype), np.zeros_like(x)
    for t in range(x.shape[1]):
        state = out[:, t] = 0.5 * state + np.tanh(x[:, t])
    return out


def _loop_backward(g: Array, x: Array) -> Any:
    d, back = np.zeros_like(x), np.zeros(x.shape[0], x.dtype)
    for t in reversed(range(x.shape[1])):
        back = g[:, t] + 0.5 * back
        d[:, t] = back * (1 - np.tanh(x[:, t]) ** 2)
    return d


hard(
    name="python_float_output",
    forward=_python_float,
    backward=lambda g, x: (2 * float(g)) * x,
    signature="(n)->()",
    story="The output is a Python float.",
)
hard(
    name="exact_sum",
    forward=_exact_sum,
    backward=lambda g, x: np.full_like(x, float(g)),
    signature="(n)->()",
    story="math.fsum: rounded once.",
)
hard(
    name="zero_dimensional",
    forward=_one_number,
    backward=lambda g, x: -g * x * np.exp(-x * x / 2),
    signature="()->()",
    story="A number in, a number out: NumPy scalars, not arrays.",
)
hard(
    name="float64_inside",
    forward=_double_inside,
    backward=_double_inside_backward,
    signature="(n,d)->(n)",
    story="Computed in float64 whatever comes in, handed back in the input's dtype.",
)
hard(
    name="refuses_fortran_order",
    forward=_packed,
    backward=_packed_backward,
    signature="(n,d)->(n,d)",
    story="The forward says clearly which layout it wants.",
)
hard(
    name="list_of_gradients",
    forward=lambda a, b: a @ b,
    backward=_einsum_backward,
    signature="(n,i,j),(n,j,k)->(n,i,k)",
    names=("a", "b"),
    story="A list where a tuple is usual: a note, not a failure.",
)
hard(
    name="numpy_scalar_gradient",
    forward=lambda x, scale: x * scale,
    backward=lambda g, x, scale: (g * scale, (g * x).sum()),
    signature="(n),()->(n)",
    names=("x", "scale"),
    story="The gradient of a 0-d argument is a NumPy scalar.",
)
hard(
    name="empty_mean_guarded",
    forward=lambda x: x.sum(axis=0) / max(1, x.shape[0]),
    backward=lambda g, x: np.broadcast_to(g / max(1, x.shape[0]), x.shape),
    signature="(n,d)->(d)",
    story="Defined for no rows; the gradient is a read-only view of stride zero.",
)
hard(
    name="empty_product",
    forward=lambda x: x.sum(axis=1) + 1,
    backward=lambda g, x: np.repeat(g[:, None], x.shape[1], axis=1),
    signature="(n,d)->(n)",
    story="Outputs of one where there is nothing to sum.",
)
hard(
    name="time_loop",
    forward=_loop,
    backward=_loop_backward,
    signature="(n,t)->(n,t)",
    story="A loop over time in both directions.",
)
hard(
    name="constant_output",
    forward=lambda x: softmax(x).sum(axis=-1),
    backward=lambda g, x: np.zeros_like(x),
    signature="(n,d)->(n)",
    dims={"d": (1, None)},
    story="Always one: the gradient is exactly zero, differences see rounding alone.",
)
hard(
    name="unused_argument",
    forward=lambda x, unused: 3 * x,
    backward=lambda g, x, unused: (3 * g, np.zeros_like(unused)),
    signature="(n),(k)->(n)",
    names=("x", "unused"),
    story="An argument that does not matter.",
)
