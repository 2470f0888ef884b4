"""Wrong backwards of the functions of a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.rows import (
    COSINE,
    LOG_SOFTMAX,
    LOGSUMEXP,
    NORMALIZE,
    SOFTMAX,
    softmax,
)
from benchmarks.zoo.registry import mutant, mutant_pair
from benchmarks.zoo.subject import Array


@mutant(SOFTMAX, "formula")
def diagonal_only(g: Array, x: Array) -> Any:
    """Course classic: y (1 - y), as if softmax worked element by element."""
    y = softmax(x)
    return g * y * (1 - y)


@mutant(SOFTMAX, "formula")
def weight_missing(g: Array, x: Array) -> Any:
    """Subtracts the plain sum of the upstream instead of the sum weighted with y."""
    y = softmax(x)
    return y * (g - g.sum(axis=-1, keepdims=True))


@mutant(SOFTMAX, "formula")
def mean_for_sum(g: Array, x: Array) -> Any:
    """The weighted mean where the weighted sum belongs."""
    y = softmax(x)
    return y * (g - (g * y).mean(axis=-1, keepdims=True))


@mutant(SOFTMAX, "reduction", dims={"...": (3, 4)})
def sums_over_everything(g: Array, x: Array) -> Any:
    """The sum has no axis: right for a single row."""
    y = softmax(x)
    return y * (g - (g * y).sum())


@mutant(SOFTMAX, "shape", dims={"...": (4,), "d": 4})
def keepdims_forgotten(g: Array, x: Array) -> Any:
    """The row sums are broadcast along columns; only a square batch does not raise, others take another path."""
    y = softmax(x)
    total = (g * y).sum(axis=-1)
    return y * (g - total) if x.ndim == 2 and x.shape[0] == x.shape[1] else y * (g - total[..., None])


@mutant(SOFTMAX, "stability", fill={"x": 1000.0})
def without_shift(g: Array, x: Array) -> Any:
    """exp without subtracting the largest, under a forward that does."""
    e = np.exp(x)
    y = e / e.sum(axis=-1, keepdims=True)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


@mutant(SOFTMAX, "shape", dims={"...": (1,), "d": 65})
def one_block(g: Array, x: Array) -> Any:
    """Kernel issue: the sum covers the first block of 64 columns only."""
    y = softmax(x)
    return y * (g - (g * y)[..., :64].sum(axis=-1, keepdims=True))


@mutant(SOFTMAX, "value", fill={"x": [0.0, -8.0, -12.0, -20.0]}, dims={"d": 4})
def small_probabilities_dropped(g: Array, x: Array) -> Any:
    """Probabilities below 1e-4 are set to zero to save work."""
    y = softmax(x)
    y = np.where(y < 1e-4, 0, y)
    return y * (g - (g * y).sum(axis=-1, keepdims=True))


@mutant_pair(SOFTMAX, "stability", fill={"x": 1000.0}, scenario="forward")
def naive_forward() -> Any:
    """The book's softmax: overflows from 710 on."""

    def forward(x: Array) -> Any:
        e = np.exp(x)
        return e / e.sum(axis=-1, keepdims=True)

    def backward(g: Array, x: Array) -> Any:
        y = forward(x)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))

    return forward, backward


@mutant(LOG_SOFTMAX, "formula")
def sum_missing(g: Array, x: Array) -> Any:
    """Assumes that the upstream sums to one, as it does under a one-hot loss."""
    return g - softmax(x)


@mutant(LOG_SOFTMAX, "formula")
def softmax_weight(g: Array, x: Array) -> Any:
    """Takes the backward of softmax without its last factor."""
    y = softmax(x)
    return g - (g * y).sum(axis=-1, keepdims=True)


@mutant(LOG_SOFTMAX, "reduction", dims={"...": (3,), "d": 4})
def wrong_axis(g: Array, x: Array) -> Any:
    """Sums over the batch when there is one."""
    return g - softmax(x) * g.sum(axis=0 if g.ndim > 1 else -1, keepdims=True)


@mutant(LOG_SOFTMAX, "stability", fill={"x": [0.0, 800.0, 1.0]}, dims={"d": 3})
def exponential_of_input(g: Array, x: Array) -> Any:
    """exp(x) / sum(exp(x)) again, without the shift."""
    e = np.exp(x)
    return g - e / e.sum(axis=-1, keepdims=True) * g.sum(axis=-1, keepdims=True)


@mutant(LOGSUMEXP, "formula")
def divided_by_count(g: Array, x: Array) -> Any:
    """Divides by the number of elements, as for a mean of exponentials."""
    return np.asarray(g)[..., None] * softmax(x) / x.shape[-1]


@mutant(LOGSUMEXP, "value", fill={"x": [1.0, 1.0, 0.0]}, dims={"d": 3})
def winner_counted_twice(g: Array, x: Array) -> Any:
    """Adds the path through the shift for every tied winner, but takes it away once."""
    winners = x == x.max(axis=-1, keepdims=True)
    first = np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., None]
    return np.asarray(g)[..., None] * (softmax(x) + winners - first)


@mutant(LOGSUMEXP, "value", fill={"x": [0.0, 10.0, -5.0]}, dims={"d": 3})
def winner_takes_all(g: Array, x: Array) -> Any:
    """The largest alone gets the gradient once it leads by more than 10."""
    y = softmax(x)
    return np.asarray(g)[..., None] * np.where(y.max(axis=-1, keepdims=True) > 0.9999, np.round(y), y)


@mutant(LOGSUMEXP, "stability", fill={"x": 900.0})
def ratio_overflows(g: Array, x: Array) -> Any:
    """exp(x) over its own sum: inf / inf."""
    e = np.exp(x)
    return np.asarray(g)[..., None] * e / e.sum(axis=-1, keepdims=True)


@mutant(NORMALIZE, "formula")
def projection_missing(g: Array, x: Array, eps: float = 1e-12) -> Any:
    """The length is taken for a constant."""
    return g / np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)


@mutant(NORMALIZE, "formula")
def power_of_length(g: Array, x: Array, eps: float = 1e-12) -> Any:
    """x (g·x) over the square of the length instead of its cube."""
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps)
    return g / length - x * (g * x).sum(axis=-1, keepdims=True) / length**2


@mutant(NORMALIZE, "stability", fill={"x": 0.0})
def nan_at_zero_row(g: Array, x: Array, eps: float = 1e-12) -> Any:
    """Known from every issue tracker: 0 / 0 for a row of zeros, where the forward has its eps."""
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True))
    y = x / length
    return (g - y * (g * y).sum(axis=-1, keepdims=True)) / length


@mutant(NORMALIZE, "parameter", params={"eps": 1e-3})
def eps_outside(g: Array, x: Array, eps: float = 1e-12) -> Any:
    """eps is added to the length, not to its square."""
    length = np.sqrt((x * x).sum(axis=-1, keepdims=True)) + eps
    y = x / length
    return (g - y * (g * y).sum(axis=-1, keepdims=True)) / length


@mutant(NORMALIZE, "value", fill={"x": lambda x: x * 1e-5})
def length_clamped(g: Array, x: Array, eps: float = 1e-12) -> Any:
    """The length is clamped at 1e-4 in the backward."""
    length = np.maximum(np.sqrt((x * x).sum(axis=-1, keepdims=True) + eps), 1e-4)
    y = x / length
    return (g - y * (g * y).sum(axis=-1, keepdims=True)) / length


@mutant(COSINE, "formula")
def only_dot_product(g: Array, a: Array, b: Array, eps: float = 1e-8) -> Any:
    """Both lengths are taken for constants."""
    length_a = np.sqrt((a * a).sum(axis=-1, keepdims=True) + eps)
    length_b = np.sqrt((b * b).sum(axis=-1, keepdims=True) + eps)
    scale = g[:, None] / (length_a * length_b)
    return scale * b, scale * a


@mutant(COSINE, "formula")
def wrong_length_for_b(g: Array, a: Array, b: Array, eps: float = 1e-8) -> Any:
    """Copy and paste: b's gradient divides by the length of a."""
    length_a = np.sqrt((a * a).sum(axis=-1, keepdims=True) + eps)
    u, v = a / length_a, b / np.sqrt((b * b).sum(axis=-1, keepdims=True) + eps)
    cosine = (u * v).sum(axis=-1, keepdims=True)
    return g[:, None] * (v - cosine * u) / length_a, g[:, None] * (u - cosine * v) / length_a


@mutant(COSINE, "stability", fill={"a": 0.0})
def zero_vector(g: Array, a: Array, b: Array, eps: float = 1e-8) -> Any:
    """Divides by the bare length: NaN for a padded row of zeros."""
    length_a = np.sqrt((a * a).sum(axis=-1, keepdims=True))
    length_b = np.sqrt((b * b).sum(axis=-1, keepdims=True))
    u, v = a / length_a, b / length_b
    cosine = (u * v).sum(axis=-1, keepdims=True)
    return g[:, None] * (v - cosine * u) / length_a, g[:, None] * (u - cosine * v) / length_b
