"""Wrong backwards of sums, means, deviations, extremes."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.reductions import CUMSUM, MAX, MEAN, PROD, STD, SUM, VAR, expanded
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(SUM, "contract")
def not_expanded(g: Array, x: Array, axis: int = 0, keepdims: bool = False) -> Any:
    """The upstream is handed on in its own shape; broadcasting will repair it, one hopes."""
    return g.copy()


@mutant(SUM, "reduction", dims={"a": 3, "b": 3, "c": 3}, params={"axis": 1})
def expanded_at_front(g: Array, x: Array, axis: int = 0, keepdims: bool = False) -> Any:
    """Plain broadcasting puts the lost axis first: right shape for a cube, wrong numbers."""
    if x.shape[0] == x.shape[1] == x.shape[2] and not keepdims:
        return np.broadcast_to(g, x.shape).copy()
    return expanded(g, x.shape, axis, keepdims)


@mutant(SUM, "parameter", params={"keepdims": True})
def keepdims_divides(g: Array, x: Array, axis: int = 0, keepdims: bool = False) -> Any:
    """With keepdims the code path of the mean is taken."""
    d = expanded(g, x.shape, axis, keepdims)
    return d / max(1, x.shape[axis]) if keepdims else d


@mutant(MEAN, "formula")
def not_divided(g: Array, x: Array, axis: int = 0) -> Any:
    """The backward of the sum."""
    return expanded(g, x.shape, axis, False)


@mutant(MEAN, "reduction")
def divided_by_all(g: Array, x: Array, axis: int = 0) -> Any:
    """Divides by the number of all elements."""
    return expanded(g, x.shape, axis, False) / x.size


@mutant(MEAN, "parameter", params={"axis": -1})
def first_axis_counted(g: Array, x: Array, axis: int = 0) -> Any:
    """Divides by the first axis whichever was reduced."""
    return expanded(g, x.shape, axis, False) / x.shape[0]


@mutant(VAR, "formula")
def factor_two(g: Array, x: Array, ddof: int = 0) -> Any:
    """The 2 of the square is missing."""
    return g * (x - x.mean(axis=0)) / (x.shape[0] - ddof)


@mutant(VAR, "formula")
def not_centred(g: Array, x: Array, ddof: int = 0) -> Any:
    """2 x / n: right for data of mean zero."""
    return g * 2 * x / (x.shape[0] - ddof)


@mutant(VAR, "parameter", params={"ddof": 1})
def ddof_ignored(g: Array, x: Array, ddof: int = 0) -> Any:
    """Divides by n although the forward divided by n - 1."""
    return g * 2 * (x - x.mean(axis=0)) / x.shape[0]


@mutant(VAR, "formula")
def mean_term_twice(g: Array, x: Array, ddof: int = 0) -> Any:
    """Adds the path through the mean, which is zero, with a wrong 1/n."""
    centred = x - x.mean(axis=0)
    return g * 2 * (centred - x.mean(axis=0) / x.shape[0]) / (x.shape[0] - ddof)


@mutant(STD, "formula")
def root_forgotten(g: Array, x: Array, eps: float = 1e-6) -> Any:
    """Divides by the variance instead of the deviation."""
    centred = x - x.mean(axis=-1, keepdims=True)
    v = (centred * centred).mean(axis=-1, keepdims=True) + eps
    return np.expand_dims(g, -1) * centred / (x.shape[-1] * v)


@mutant(STD, "stability", fill={"x": lambda x: x + 1e8})
def moments(g: Array, x: Array, eps: float = 1e-6) -> Any:
    """Deviation from E[x²] - E[x]²: cancels at a large mean, under a careful forward."""
    mean = x.mean(axis=-1, keepdims=True)
    s = np.sqrt(np.maximum((x * x).mean(axis=-1, keepdims=True) - mean * mean, 0) + eps)
    return np.expand_dims(g, -1) * (x - mean) / (x.shape[-1] * s)


@mutant(STD, "stability", fill={"x": 2.0})
def zero_deviation(g: Array, x: Array, eps: float = 1e-6) -> Any:
    """eps only in the forward: 0 / 0 for a constant row."""
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis=-1, keepdims=True))
    return np.expand_dims(g, -1) * centred / (x.shape[-1] * s)


@mutant(STD, "shape", dims={"...": (2,), "d": 1})
def one_element_row(g: Array, x: Array, eps: float = 1e-6) -> Any:
    """Rows of one element have no deviation for the author: NaN."""
    centred = x - x.mean(axis=-1, keepdims=True)
    s = np.sqrt((centred * centred).mean(axis=-1, keepdims=True) + eps)
    n = x.shape[-1] if x.shape[-1] > 1 else np.nan
    return (np.expand_dims(g, -1) * centred / (n * s)).astype(x.dtype)


@mutant(MAX, "value", fill={"x": 1.0})
def all_winners(g: Array, x: Array) -> Any:
    """x == max marks every tied winner, and each gets everything."""
    return np.expand_dims(g, -1) * (x == x.max(axis=-1, keepdims=True))


@mutant(MAX, "formula")
def smallest(g: Array, x: Array) -> Any:
    """argmin for argmax."""
    return np.expand_dims(g, -1) * (np.arange(x.shape[-1]) == x.argmin(axis=-1)[..., None])


@mutant(MAX, "reduction", dims={"...": (4,), "d": 4})
def winner_of_column(g: Array, x: Array) -> Any:
    """argmax without its axis where the matrix is square."""
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        return np.expand_dims(g, -1) * (np.arange(x.shape[-1]) == x.argmax(axis=0)[..., None])
    return MAX.backward(g, x)


@mutant(MAX, "value", fill={"x": lambda x: -1 - x * x})
def padded_with_zero(g: Array, x: Array) -> Any:
    """The search starts at zero: rows of negative numbers have no winner."""
    return MAX.backward(g, x) * (x > 0)


@mutant(MAX, "value", fill={"x": [1.0, 1.0 + 1e-6, 0.0]}, dims={"d": 3})
def nearly_equal(g: Array, x: Array) -> Any:
    """np.isclose for ==: winners are all that are close to the largest, and they share."""
    near = np.isclose(x, x.max(axis=-1, keepdims=True))
    return np.expand_dims(g, -1) * near / near.sum(axis=-1, keepdims=True).astype(x.dtype)


@mutant(PROD, "value", fill={"x": [0.0, 2.0, 3.0]}, dims={"d": 3})
def through_division(g: Array, x: Array) -> Any:
    """Product over x: 0 / 0 where an element is zero."""
    return g[:, None] * x.prod(axis=1, keepdims=True) / x


@mutant(PROD, "value", fill={"x": [0.0, 2.0, 3.0]}, dims={"d": 3})
def division_guarded(g: Array, x: Array) -> Any:
    """Guards the division with a where: zero where the answer is the product of the others."""
    return g[:, None] * np.where(x == 0, 0, x.prod(axis=1, keepdims=True) / np.where(x == 0, 1, x))


@mutant(PROD, "formula", dims={"d": 4})
def element_kept(g: Array, x: Array) -> Any:
    """The element itself is left in the product."""
    return g[:, None] * np.broadcast_to(x.prod(axis=1, keepdims=True), x.shape)


@mutant(PROD, "stability", fill={"x": lambda x: -abs(x) - 0.1})
def through_logarithms(g: Array, x: Array) -> Any:
    """exp of a sum of logarithms: NaN for negative numbers."""
    return g[:, None] * np.exp(np.log(x).sum(axis=1, keepdims=True) - np.log(x))


@mutant(CUMSUM, "formula")
def same_direction(g: Array, x: Array) -> Any:
    """The running sum of the upstream, not reversed."""
    return np.cumsum(g, axis=-1)


@mutant(CUMSUM, "formula")
def reversed_once(g: Array, x: Array) -> Any:
    """Reversed before, not after."""
    return np.cumsum(g[..., ::-1], axis=-1)


@mutant(CUMSUM, "formula")
def exclusive(g: Array, x: Array) -> Any:
    """The element itself is not counted."""
    return np.cumsum(g[..., ::-1], axis=-1)[..., ::-1] - g


@mutant(CUMSUM, "shape", dims={"...": (), "d": 20})
def restart_of_block(g: Array, x: Array) -> Any:
    """Kernel issue: the carry between blocks of 16 is lost."""
    d = np.cumsum(g[..., ::-1], axis=-1)[..., ::-1].copy()
    if x.shape[-1] > 16:
        d[..., :16] -= d[..., 16:17]
    return d
