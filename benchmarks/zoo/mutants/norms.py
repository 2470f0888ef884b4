"""Wrong backwards of the normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.norms import (
    BATCH_NORM,
    BATCH_NORM_2D,
    GROUP_NORM,
    LAYER_NORM,
    RMS_NORM,
    grouped,
    inverse_rms,
    rows_of,
    statistics,
    through,
)
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(BATCH_NORM, "formula")
def variance_path_missing(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Course classic: the path through the variance is forgotten."""
    x_hat, inverse = statistics(x, 0, eps)
    d = g * gamma
    return inverse * (d - d.mean(axis=0)), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "formula")
def mean_path_missing(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The path through the mean is forgotten."""
    x_hat, inverse = statistics(x, 0, eps)
    d = g * gamma
    return inverse * (d - x_hat * (d * x_hat).mean(axis=0)), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "formula")
def statistics_constant(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The backward of evaluation mode in training mode."""
    x_hat, inverse = statistics(x, 0, eps)
    return inverse * g * gamma, (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "formula")
def dgamma_with_input(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Course classic: x instead of x_hat in the gradient of gamma."""
    x_hat, inverse = statistics(x, 0, eps)
    return through(g * gamma, x_hat, inverse, 0), (g * x).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "formula")
def unbiased_variance(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """N - 1 in the variance term where the forward divides by N."""
    x_hat, inverse = statistics(x, 0, eps)
    d = g * gamma
    term = (d * x_hat).sum(axis=0) / max(1, x.shape[0] - 1)
    return inverse * (d - d.mean(axis=0) - x_hat * term), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "parameter", params={"eps": 1e-3}, fill={"x": lambda x: x * 0.1})
def eps_default(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The default eps whatever the caller passed."""
    x_hat, inverse = statistics(x, 0, 1e-5)
    return through(g * gamma, x_hat, inverse, 0), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "parameter", fill={"x": lambda x: x * 0.01})
def eps_after_root(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """1 / (sqrt(var) + eps) where the forward has 1 / sqrt(var + eps)."""
    centred = x - x.mean(axis=0)
    inverse = 1 / (np.sqrt((centred * centred).mean(axis=0)) + eps)
    x_hat = centred * inverse
    return through(g * gamma, x_hat, inverse, 0), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "stability", fill={"x": lambda x: x + 1e8})
def mean_of_squares(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """E[x²] - E[x]², which cancels when the mean is large; the forward is careful."""
    mean = x.mean(axis=0)
    inverse = 1 / np.sqrt((x * x).mean(axis=0) - mean * mean + eps)
    x_hat = (x - mean) * inverse
    return through(g * gamma, x_hat, inverse, 0), (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "shape", dims={"n": 1})
def lonely_sample(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """A special case for n = 1 passes the upstream through."""
    x_hat, inverse = statistics(x, 0, eps)
    dx = through(g * gamma, x_hat, inverse, 0) if x.shape[0] > 1 else g * gamma
    return dx, (g * x_hat).sum(axis=0), g.sum(axis=0)


@mutant(BATCH_NORM, "shape", dims={"n": 18})
def remainder_rows_lost(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Kernel issue: blocks of 16 rows, and the rest is left out of the parameters' sums."""
    x_hat, inverse = statistics(x, 0, eps)
    whole = x.shape[0] // 16 * 16 or x.shape[0]
    dgamma = (g * x_hat)[:whole].sum(axis=0)
    return through(g * gamma, x_hat, inverse, 0), dgamma, g[:whole].sum(axis=0)


@mutant(BATCH_NORM_2D, "reduction")
def rows_counted_only(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Divides by N instead of N H W."""
    x_hat, inverse = statistics(x, (0, 2, 3), eps)
    d = g * gamma[:, None, None]
    total = d.sum(axis=(0, 2, 3), keepdims=True) + x_hat * (d * x_hat).sum(axis=(0, 2, 3), keepdims=True)
    return inverse * (d - total / x.shape[0]), (g * x_hat).sum(axis=(0, 2, 3)), g.sum(axis=(0, 2, 3))


@mutant(BATCH_NORM_2D, "reduction", dims={"n": 2, "c": 3, "h": 3, "w": 3})
def summed_over_channels(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """NHWC axes in an NCHW layer where the shape happens to allow it."""
    x_hat, inverse = statistics(x, (0, 2, 3), eps)
    axes = (0, 1, 2) if x.shape[1] == x.shape[3] else (0, 2, 3)
    dx = through(g * gamma[:, None, None], x_hat, inverse, (0, 2, 3))
    return dx, (g * x_hat).sum(axis=axes), g.sum(axis=axes)


@mutant(BATCH_NORM_2D, "reduction")
def statistics_for_each_image(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The backward of instance norm."""
    x_hat, inverse = statistics(x, (0, 2, 3), eps)
    dx = through(g * gamma[:, None, None], x_hat, inverse, (2, 3))
    return dx, (g * x_hat).sum(axis=(0, 2, 3)), g.sum(axis=(0, 2, 3))


@mutant(BATCH_NORM_2D, "formula")
def gamma_forgotten(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The upstream is not scaled with gamma: right as long as gamma is one."""
    x_hat, inverse = statistics(x, (0, 2, 3), eps)
    return through(g, x_hat, inverse, (0, 2, 3)), (g * x_hat).sum(axis=(0, 2, 3)), g.sum(axis=(0, 2, 3))


@mutant(LAYER_NORM, "formula")
def no_variance_term(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """The last of the three terms is missing."""
    x_hat, inverse = statistics(x, -1, eps)
    d = g * gamma
    dx = inverse * (d - d.mean(axis=-1, keepdims=True))
    return dx, rows_of(g * x_hat).sum(axis=0), rows_of(g).sum(axis=0)


@mutant(LAYER_NORM, "formula")
def gamma_after_the_means(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Scales with gamma after the means are taken instead of before."""
    x_hat, inverse = statistics(x, -1, eps)
    return gamma * through(g, x_hat, inverse, -1), rows_of(g * x_hat).sum(axis=0), rows_of(g).sum(axis=0)


@mutant(LAYER_NORM, "reduction", dims={"...": (2, 3)})
def batch_axis_only(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Sums over the first axis and takes the first row of the rest: right for a matrix."""
    x_hat, inverse = statistics(x, -1, eps)
    dx = through(g * gamma, x_hat, inverse, -1)
    if x.ndim == 3 and x.shape[1]:
        return dx, (g * x_hat).sum(axis=0)[0], g.sum(axis=0)[0]
    return dx, rows_of(g * x_hat).sum(axis=0), rows_of(g).sum(axis=0)


@mutant(LAYER_NORM, "shape", dims={"...": (2,), "d": 70})
def columns_beyond_block(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Kernel issue: columns beyond the block of 64 are left out of the row sums."""
    x_hat, inverse = statistics(x, -1, eps)
    d = g * gamma
    mean = d[..., :64].sum(axis=-1, keepdims=True) / x.shape[-1]
    term = (d * x_hat)[..., :64].sum(axis=-1, keepdims=True) / x.shape[-1]
    return inverse * (d - mean - x_hat * term), rows_of(g * x_hat).sum(axis=0), rows_of(g).sum(axis=0)


@mutant(LAYER_NORM, "shape", dims={"...": (), "d": 5})
def raises_for_a_vector(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Expects a batch axis, so a single vector raises."""
    x_hat, inverse = statistics(x, -1, eps)
    axes = tuple(range(x.ndim - 1))
    if not axes:
        raise ValueError("axes must not be empty")
    return through(g * gamma, x_hat, inverse, -1), (g * x_hat).sum(axis=axes), g.sum(axis=axes)


@mutant(LAYER_NORM, "stability", fill={"x": 3.0})
def infinite_for_constant_rows(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
    """Divides by the bare deviation in the last term: 0 / 0 for a constant row."""
    x_hat, inverse = statistics(x, -1, eps)
    centred = x - x.mean(axis=-1, keepdims=True)
    d = g * gamma
    bare = centred / np.sqrt((centred * centred).mean(axis=-1, keepdims=True))
    dx = inverse * (d - d.mean(axis=-1, keepdims=True) - bare * (d * x_hat).mean(axis=-1, keepdims=True))
    return dx, rows_of(g * x_hat).sum(axis=0), rows_of(g).sum(axis=0)


@mutant(RMS_NORM, "shape", dims={"...": (4,), "d": 4})
def correction_along_columns(g: Array, x: Array, weight: Array, eps: float = 1e-6) -> Any:
    """Kernel issue: the row's correction is broadcast along columns where the block is square."""
    inverse = inverse_rms(x, eps)
    x_hat = x * inverse
    d = g * weight
    mean = (d * x_hat).mean(axis=-1, keepdims=True)
    if x.ndim == 2 and x.shape[0] == x.shape[1]:
        mean = mean.T
    return inverse * (d - x_hat * mean), rows_of(g * x_hat).sum(axis=0)


@mutant(RMS_NORM, "formula")
def mean_subtracted(g: Array, x: Array, weight: Array, eps: float = 1e-6) -> Any:
    """Copied from layer norm, with the mean term that does not belong here."""
    inverse = inverse_rms(x, eps)
    x_hat = x * inverse
    return through(g * weight, x_hat, inverse, -1), rows_of(g * x_hat).sum(axis=0)


@mutant(RMS_NORM, "formula")
def sum_for_mean(g: Array, x: Array, weight: Array, eps: float = 1e-6) -> Any:
    """The 1/d of the mean square is forgotten."""
    inverse = inverse_rms(x, eps)
    x_hat = x * inverse
    d = g * weight
    return inverse * (d - x_hat * (d * x_hat).sum(axis=-1, keepdims=True)), rows_of(g * x_hat).sum(axis=0)


@mutant(RMS_NORM, "parameter", params={"eps": 1e-3}, fill={"x": lambda x: x * 0.1})
def normalised_without_eps(g: Array, x: Array, weight: Array, eps: float = 1e-6) -> Any:
    """The correction uses x over the rms without eps."""
    inverse = inverse_rms(x, eps)
    x_hat = x * inverse
    d = g * weight
    share = (d * x).mean(axis=-1, keepdims=True) / ((x * x).mean(axis=-1, keepdims=True) + 1e-30)
    return inverse * (d - x * share), rows_of(g * x_hat).sum(axis=0)


@mutant(GROUP_NORM, "reduction")
def backward_of_layer_norm(g: Array, x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
    """Takes the means over all groups together."""
    x_hat, inverse = statistics(grouped(x, groups), -1, eps)
    dx = through(grouped(g * gamma[:, None], groups), x_hat, inverse, (1, 2)).reshape(x.shape)
    return dx, (g * x_hat.reshape(x.shape)).sum(axis=(0, 2)), g.sum(axis=(0, 2))


@mutant(GROUP_NORM, "parameter", params={"groups": 1})
def two_groups_always(g: Array, x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
    """The number of groups is forgotten where it is not the default."""
    groups = 2 if x.shape[1] % 2 == 0 else groups
    x_hat, inverse = statistics(grouped(x, groups), -1, eps)
    dx = through(grouped(g * gamma[:, None], groups), x_hat, inverse, -1).reshape(x.shape)
    return dx, (g * x_hat.reshape(x.shape)).sum(axis=(0, 2)), g.sum(axis=(0, 2))
