"""Ties among elements and among arguments, each resolved in a legal way."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.convolution import pieces, window
from benchmarks.zoo.operations.elementwise import unbroadcast
from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array

_ROW = {"d": (1, None)}


def _max_shared(g: Array, x: Array) -> Any:
    winners = x == x.max(axis=-1, keepdims=True)
    return g[:, None] * winners / winners.sum(axis=-1, keepdims=True).astype(x.dtype)


def _max_last(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    d[np.arange(x.shape[0]), x.shape[1] - 1 - x[:, ::-1].argmax(axis=1)] = g
    return d


def _sort_backward(g: Array, x: Array) -> Any:
    d = np.empty_like(x)
    np.put_along_axis(d, np.argsort(x, axis=-1, kind="stable"), g, axis=-1)
    return d


def _median_backward(g: Array, x: Array) -> Any:
    order = np.argsort(x, axis=-1, kind="stable")
    d, n = np.zeros_like(x), x.shape[-1]
    for k in ((n - 1) // 2, n // 2):
        d[np.arange(x.shape[0]), order[:, k]] += g / 2
    return d


def _top(x: Array, k: int = 2) -> Any:
    return np.sort(x, axis=-1)[:, x.shape[1] - k :].sum(axis=-1)


def _top_backward(g: Array, x: Array, k: int = 2) -> Any:
    d = np.zeros_like(x)
    np.put_along_axis(d, np.argsort(x, axis=-1)[:, x.shape[1] - k :], np.repeat(g[:, None], k, axis=1), axis=-1)
    return d


def _maximum_shared(g: Array, a: Array, b: Array) -> Any:
    share = np.where(a > b, 1, np.where(a < b, 0, 0.5)).astype(a.dtype)
    return unbroadcast(g * share, a.shape), unbroadcast(g * (1 - share), b.shape)


def _pool_shared(g: Array, x: Array) -> Any:
    parts = pieces(x, 2, 2)
    winners = parts == parts.max(axis=0)
    share = g / winners.sum(axis=0).astype(x.dtype)
    d = np.zeros_like(x)
    for k in range(4):
        d[:, :, window(k // 2, g.shape[2], 2), window(k % 2, g.shape[3], 2)] += share * winners[k]
    return d


def _largest_size(x: Array) -> Any:
    return np.abs(x).max(axis=-1)


def _largest_size_backward(g: Array, x: Array) -> Any:
    d, rows, place = np.zeros_like(x), np.arange(x.shape[0]), np.abs(x).argmax(axis=-1)
    d[rows, place] = g * np.sign(x[rows, place])
    return d


def _pick(x: Array, key: Array) -> Any:
    return x[np.arange(x.shape[0]), key.argmax(axis=-1)]


def _pick_backward(g: Array, x: Array, key: Array) -> Any:
    d = np.zeros_like(x)
    d[np.arange(x.shape[0]), key.argmax(axis=-1)] = g
    return d, np.zeros_like(key)


def _range_backward(g: Array, x: Array) -> Any:
    d, rows = np.zeros_like(x), np.arange(x.shape[0])
    d[rows, x.argmax(axis=1)] += g
    d[rows, x.argmin(axis=1)] -= g
    return d


def _max_initial_backward(g: Array, x: Array) -> Any:
    d = np.zeros_like(x)
    if x.shape[1]:
        place = x.argmax(axis=1)
        rows = np.flatnonzero(x[np.arange(x.shape[0]), place] > 0)
        d[rows, place[rows]] = g[rows]
    return d


hard(
    name="max_shared",
    forward=lambda x: x.max(axis=-1),
    backward=_max_shared,
    signature="(n,d)->(n)",
    dims=_ROW,
    story="Tied winners share evenly, as torch.amax does.",
)
hard(
    name="max_last_winner",
    forward=lambda x: x.max(axis=-1),
    backward=_max_last,
    signature="(n,d)->(n)",
    dims=_ROW,
    story="The last of tied winners gets all.",
)
hard(
    name="sort",
    forward=lambda x: np.sort(x, axis=-1),
    backward=_sort_backward,
    signature="(n,d)->(n,d)",
    story="Any order of equal elements is legal.",
)
hard(
    name="median",
    forward=lambda x: np.median(x, axis=-1),
    backward=_median_backward,
    signature="(n,d)->(n)",
    dims=_ROW,
    story="The mean of the middle two for an even number.",
)
hard(
    name="top_k_sum",
    forward=_top,
    backward=_top_backward,
    signature="(n,d)->(n)",
    dims=_ROW,
    where=lambda dims, params: dims["d"] >= params["k"],
    params={"k": (2, 1)},
    story="Ties at the border of the chosen, and a relation between a size and a parameter.",
)
hard(
    name="maximum_shared",
    forward=lambda a, b: np.maximum(a, b),
    backward=_maximum_shared,
    signature="(...),(...)->(...)",
    names=("a", "b"),
    broadcast=True,
    story="Half each where the arguments are equal, as torch does.",
)
hard(
    name="max_pool_shared",
    forward=lambda x: pieces(x, 2, 2).max(axis=0),
    backward=_pool_shared,
    signature="(n,c,h,w)",
    dims={"h": (2, None), "w": (2, None)},
    sizes={"n": 2, "c": 2, "h": 5, "w": 4},
    story="Tied winners of a window share.",
)
hard(
    name="maximum_length",
    forward=_largest_size,
    backward=_largest_size_backward,
    signature="(n,d)->(n)",
    dims=_ROW,
    story="Ties of size with different signs, and a kink at zero.",
)
hard(
    name="pick_by_key",
    forward=_pick,
    backward=_pick_backward,
    signature="(n,d),(n,d)->(n)",
    names=("x", "key"),
    dims=_ROW,
    story="The key only chooses: its gradient is zero, with jumps where keys tie.",
)
hard(
    name="range",
    forward=lambda x: x.max(axis=1) - x.min(axis=1),
    backward=_range_backward,
    signature="(n,d)->(n)",
    dims=_ROW,
    story="Zero and both extremes at once for constant rows.",
)
hard(
    name="max_with_initial",
    forward=lambda x: x.max(axis=1, initial=0),
    backward=_max_initial_backward,
    signature="(n,d)->(n)",
    story="Defined for empty rows; ties with the constant zero.",
)
