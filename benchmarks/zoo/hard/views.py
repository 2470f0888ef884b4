"""Outputs and gradients that are views, and caches that are right."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array


def _every_second_backward(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    d[:, ::2] = g
    return d


def _diagonal_backward(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    np.fill_diagonal(d, g)
    return d


def _windows_backward(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    for k in range(3):
        d[:, k : k + g.shape[1]] += g[:, :, k]
    return d


class _Remembering:
    """Keeps the last input's bytes and its result, and uses them only if the bytes are the same."""

    def __init__(self) -> None:
        self.key: Any = None
        self.value: Any = None

    def tanh(self, x: Array) -> Any:
        key = (x.tobytes(), x.shape, x.dtype.str)
        if key != self.key:
            self.key, self.value = key, np.tanh(x)
        return self.value.copy()

    def backward(self, g: Array, x: Array) -> Any:
        y = self.tanh(x)
        return g * (1 - y) * (1 + y)


class _Workspace:
    """Reuses a scratch array between calls, and hands out copies only."""

    def __init__(self) -> None:
        self.scratch = np.empty(0)

    def backward(self, g: Array, x: Array) -> Any:
        if self.scratch.shape != x.shape or self.scratch.dtype != x.dtype:
            self.scratch = np.empty(x.shape, x.dtype)
        np.multiply(g, 2, out=self.scratch)
        self.scratch *= x
        return self.scratch.copy()


@lru_cache(maxsize=8)
def _projection(n: int) -> Any:
    """The same random directions in every call."""
    return np.random.default_rng(n).standard_normal((n, 3))


_MEMORY = _Remembering()
_WORKSPACE = _Workspace()

hard(
    name="identity",
    forward=lambda x: x,
    backward=lambda g, x: g,
    signature="(...)->(...)",
    story="Output and gradient are the very arrays that came in.",
)
hard(
    name="flatten_view",
    forward=lambda x: x.reshape(x.shape[0], x.shape[1] * x.shape[2]),
    backward=lambda g, x: g.reshape(x.shape),
    signature="(n,a,b)",
    story="Views where the layout allows it, copies where not.",
)
hard(
    name="transposed_view",
    forward=lambda x: x.T,
    backward=lambda g, x: g.T,
    signature="(a,b)->(b,a)",
    story="A view of the input and a view of the upstream.",
)
hard(
    name="broadcast_view",
    forward=lambda x: np.broadcast_to(x, (4, *x.shape)),
    backward=lambda g, x: g.sum(axis=0),
    signature="(n)->(4,n)",
    story="A read-only output of stride zero.",
)
hard(
    name="every_second",
    forward=lambda x: x[:, ::2],
    backward=_every_second_backward,
    signature="(n,d)",
    story="A strided view of the input.",
)
hard(
    name="diagonal_view",
    forward=lambda x: np.diagonal(x),
    backward=_diagonal_backward,
    signature="(n,n)->(n)",
    story="A read-only view.",
)
hard(
    name="flipped_view",
    forward=lambda x: x[:, ::-1],
    backward=lambda g, x: g[:, ::-1],
    signature="(n,d)->(n,d)",
    story="Negative strides in the output and in the gradient.",
)
hard(
    name="sum_of_two_returns_upstream",
    forward=lambda a, b: a + b,
    backward=lambda g, a, b: (g, g),
    signature="(n,d),(n,d)->(n,d)",
    names=("a", "b"),
    story="Both gradients are the upstream itself.",
)
hard(
    name="sliding_windows",
    forward=lambda x: sliding_window_view(x, 3, axis=1),
    backward=_windows_backward,
    signature="(n,d)",
    dims={"d": (3, None)},
    story="A read-only output whose elements overlap in memory.",
)
hard(
    name="expand_and_squeeze",
    forward=lambda x: x[:, None],
    backward=lambda g, x: g[:, 0],
    signature="(n)->(n,1)",
    story="A size of one that is no accident.",
)
hard(
    name="zero_size_slice",
    forward=lambda x: x[:, :0],
    backward=lambda g, x: np.zeros_like(x),
    signature="(n,d)->(n,0)",
    story="The output is always empty, the gradient always zero.",
)
hard(
    name="remembered_tanh",
    forward=_MEMORY.tanh,
    backward=_MEMORY.backward,
    signature="(...)->(...)",
    story="A cache that is checked against the bytes of the input.",
)
hard(
    name="scratch_space",
    forward=lambda x: x * x,
    backward=_WORKSPACE.backward,
    signature="(n,d)->(n,d)",
    story="A workspace is reused, but never handed out.",
)
hard(
    name="fixed_projection",
    forward=lambda x: x @ _projection(x.shape[1]).astype(x.dtype),
    backward=lambda g, x: g @ _projection(x.shape[1]).T.astype(x.dtype),
    signature="(n,d)->(n,3)",
    story="Random, but seeded by the size: the same in every call.",
)
