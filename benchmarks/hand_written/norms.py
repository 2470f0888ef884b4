"""Normalisation over the last axis and over images by hand: layer, root mean square, Euclidean norm, instance, group.

Layer and RMS norm save x_hat: the weight enters per column, so that saving x_c would save no pass.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.hand_written.rival import Array, HandWritten


def sum_rows(a: Array) -> Array:
    """Σ over all axes but the last, as a BLAS product."""
    rows = a.reshape(-1, a.shape[-1])
    total: Array = np.ones(len(rows), a.dtype) @ rows
    return total


def dot_rows(a: Array, b: Array) -> Array:
    """Σ a b over all axes but the last."""
    total: Array = np.einsum("nc,nc->c", a.reshape(-1, a.shape[-1]), b.reshape(-1, b.shape[-1]))
    return total


def layer_norm(x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """Compute `y = weight (x - mean) inv_std + bias`."""
    scale = 1 / x.shape[-1]
    x_hat = x - (x.sum(axis=-1) * scale)[..., None]
    inv_std = 1 / np.sqrt(np.vecdot(x_hat, x_hat) * scale + eps)
    x_hat *= inv_std[..., None]
    y = x_hat * weight
    y += bias
    return y, (x_hat, inv_std, weight)


def layer_norm_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `dx = inv_std (h - mean(h) - x_hat mean(h x_hat))` with h = weight g."""
    x_hat, inv_std, weight = saved
    scale = 1 / g.shape[-1]
    h = g * weight
    dx = x_hat * (np.vecdot(h, x_hat) * -scale)[..., None]
    dx += h
    dx -= ((g @ weight) * scale)[..., None]
    dx *= inv_std[..., None]
    return dx, dot_rows(g, x_hat), sum_rows(g)


def layer_norm_backward_product(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same with g x_hat stored where dx goes later: two of the sums are then BLAS products."""
    x_hat, inv_std, weight = saved
    scale = 1 / g.shape[-1]
    dx = g * x_hat
    dweight, slope = sum_rows(dx), dx @ weight
    np.multiply(x_hat, (slope * -scale)[..., None], out=dx)
    dx += g * weight
    dx -= ((g @ weight) * scale)[..., None]
    dx *= inv_std[..., None]
    return dx, dweight, sum_rows(g)


def rms_norm(x: Array, weight: Array, *, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """Compute `y = weight x / rms(x)`."""
    inv_rms = 1 / np.sqrt(np.vecdot(x, x) * (1 / x.shape[-1]) + eps)
    x_hat = x * inv_rms[..., None]
    return x_hat * weight, (x_hat, inv_rms, weight)


def rms_norm_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array]:
    """Compute `dx = inv_rms (h - x_hat mean(h x_hat))` with h = weight g."""
    x_hat, inv_rms, weight = saved
    h = g * weight
    dx = x_hat * (np.vecdot(h, x_hat) * (-1 / g.shape[-1]))[..., None]
    dx += h
    dx *= inv_rms[..., None]
    return dx, dot_rows(g, x_hat)


def rms_norm_backward_product(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array]:
    """The same with g x_hat stored where dx goes later."""
    x_hat, inv_rms, weight = saved
    dx = g * x_hat
    dweight, slope = sum_rows(dx), dx @ weight
    np.multiply(x_hat, (slope * (-1 / g.shape[-1]))[..., None], out=dx)
    dx += g * weight
    dx *= inv_rms[..., None]
    return dx, dweight


def l2_normalize(x: Array, *, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """Compute `y = x / max(norm(x), eps)`."""
    norm = np.sqrt(np.vecdot(x, x))
    inverse = 1 / np.maximum(norm, eps)
    y = x * inverse[..., None]
    return y, (y, inverse, norm > eps)


def l2_normalize_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Compute `dx = (g - y <g, y>) / norm`, without the second term where the norm is below eps."""
    y, inverse, above = saved
    dx = y * (np.vecdot(g, y) * above)[..., None]
    np.subtract(g, dx, out=dx)
    dx *= inverse[..., None]
    return (dx,)


def instance_norm(x: Array, weight: Array, bias: Array, *, eps: float) -> tuple[Array, tuple[Array, ...]]:
    """Compute `y = weight (x - mean) inv_std + bias` for each plane."""
    n, c, h, w = x.shape
    scale = 1 / (h * w)
    x_hat = x.reshape(n, c, h * w)
    x_hat = x_hat - (x_hat.sum(axis=-1) * scale)[..., None]
    inv_std = 1 / np.sqrt(np.vecdot(x_hat, x_hat) * scale + eps)
    x_hat *= inv_std[..., None]
    y = x_hat * weight[:, None]
    y += bias[:, None]
    return y.reshape(x.shape), (x_hat, inv_std, weight)


def instance_norm_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `dx = weight inv_std (g - mean(g) - x_hat mean(g x_hat))`; sums over planes give the other two."""
    x_hat, inv_std, weight = saved
    planes = g.reshape(x_hat.shape)
    scale = 1 / planes.shape[-1]
    sums, dots = planes.sum(axis=-1), np.vecdot(planes, x_hat)
    dx = x_hat * (dots * -scale)[..., None]
    dx += planes
    dx -= (sums * scale)[..., None]
    dx *= (weight * inv_std)[..., None]
    return dx.reshape(g.shape), dots.sum(axis=0), sums.sum(axis=0)


def group_norm(
    x: Array, weight: Array, bias: Array, *, num_groups: int, eps: float
) -> tuple[Array, tuple[Array, Array, Array]]:
    """Compute `y = weight (x - mean) inv_std + bias`, mean and inv_std for each group of channels."""
    n, c, h, w = x.shape
    x_hat = x.reshape(n, num_groups, -1)
    scale = 1 / x_hat.shape[-1]
    x_hat = x_hat - (x_hat.sum(axis=-1) * scale)[..., None]
    inv_std = 1 / np.sqrt(np.vecdot(x_hat, x_hat) * scale + eps)
    x_hat *= inv_std[..., None]
    y = x_hat.reshape(n, c, h * w) * weight[:, None]
    y += bias[:, None]
    return y.reshape(x.shape), (x_hat, inv_std, weight)


def group_norm_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `dx = inv_std (weight g - mean(weight g) - x_hat mean(weight g x_hat))` from sums over planes."""
    x_hat, inv_std, weight, sums, dots, means, slopes = _group_sums(g, saved)
    n, c = sums.shape
    dx = g.reshape(n, c, -1) * weight[:, None]
    groups = dx.reshape(x_hat.shape)
    groups -= x_hat * slopes[..., None]
    groups -= means[..., None]
    groups *= inv_std[..., None]
    return dx.reshape(g.shape), dots.sum(axis=0), sums.sum(axis=0)


def group_norm_backward_folded(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same with inv_std inside of each term: a pass less, and what should be 0 is a rounding."""
    x_hat, inv_std, weight, sums, dots, means, slopes = _group_sums(g, saved)
    n, c = sums.shape
    scale = (weight.reshape(x_hat.shape[1], -1) * inv_std[..., None]).reshape(n, c)
    dx = g.reshape(n, c, -1) * scale[..., None]
    groups = dx.reshape(x_hat.shape)
    groups -= x_hat * (slopes * inv_std)[..., None]
    groups -= (means * inv_std)[..., None]
    return dx.reshape(g.shape), dots.sum(axis=0), sums.sum(axis=0)


def _group_sums(g: Array, saved: tuple[Any, ...]) -> tuple[Array, ...]:
    """What was saved, the sums of g and g x_hat for each plane, and the means of both for each group."""
    x_hat, inv_std, weight = saved
    planes = g.reshape(*g.shape[:2], -1)
    sums, dots = planes.sum(axis=-1), np.vecdot(planes, x_hat.reshape(planes.shape))
    scale = 1 / x_hat.shape[-1]
    means, slopes = ((part * weight).reshape(*inv_std.shape, -1).sum(axis=-1) * scale for part in (sums, dots))
    return x_hat, inv_std, weight, sums, dots, means, slopes


RIVALS = {
    "layer_norm": (
        HandWritten("einsum", layer_norm, layer_norm_backward),
        HandWritten("product", layer_norm, layer_norm_backward_product),
    ),
    "rms_norm": (
        HandWritten("einsum", rms_norm, rms_norm_backward),
        HandWritten("product", rms_norm, rms_norm_backward_product),
    ),
    "l2_normalize": (HandWritten("in place", l2_normalize, l2_normalize_backward),),
    "instance_norm": (HandWritten("planes", instance_norm, instance_norm_backward),),
    "group_norm": (
        HandWritten("planes", group_norm, group_norm_backward),
        HandWritten("folded", group_norm, group_norm_backward_folded),
    ),
}
