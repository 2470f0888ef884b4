"""Batch normalisation by hand: training and evaluation, over n and over n, h, w.

All forms save the centred x_c rather than x_hat: inv_std then enters at size C and the forward has a pass less.
Evaluation saves x_c too: x * scale + (beta - mean * scale) would be faster still and wrong at large means.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.hand_written.layers import BLOCK
from benchmarks.hand_written.rival import Array, HandWritten

Saved = tuple[Array, Array, Array]


def sum_rows(a: Array) -> Array:
    """Σ over the first axis; a BLAS product is 1.2-4 times faster than `a.sum(0)` and more accurate in float32."""
    total: Array = np.ones(len(a), a.dtype) @ a
    return total


def forward(x: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Saved]:
    """Compute `y = gamma (x - mean) inv_std + beta`."""
    scale = 1 / len(x)
    x_c = x - sum_rows(x) * scale
    inv_std = 1 / np.sqrt(np.einsum("nc,nc->c", x_c, x_c) * scale + eps)
    y = x_c * (gamma * inv_std)
    y += beta
    return y, (x_c, inv_std, gamma)


def backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `dx = gamma inv_std (g - dbeta/N - x_hat dgamma/N)`."""
    x_c, inv_std, gamma = saved
    scale = 1 / len(g)
    dbeta = sum_rows(g)
    dgamma = np.einsum("nc,nc->c", g, x_c) * inv_std
    dx = x_c * (inv_std * dgamma * -scale)
    dx += g
    dx -= dbeta * scale
    dx *= gamma * inv_std
    return dx, dgamma, dbeta


def backward_product(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same with g x_c stored where dx goes later: better for few channels, where einsum's inner loop is short."""
    x_c, inv_std, gamma = saved
    scale = 1 / len(g)
    ones = np.ones(len(g), g.dtype)
    dbeta = ones @ g
    dx = g * x_c
    dgamma = (ones @ dx) * inv_std
    np.multiply(x_c, inv_std * dgamma * -scale, out=dx)
    dx += g
    dx -= dbeta * scale
    dx *= gamma * inv_std
    return dx, dgamma, dbeta


def backward_blocked(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same by blocks of rows, each finished while it is in the cache."""
    x_c, inv_std, gamma = saved
    dbeta = sum_rows(g)
    dgamma = np.einsum("nc,nc->c", g, x_c) * inv_std
    scale = 1 / len(g)
    dx = finish_blocked(g, x_c, inv_std * dgamma * -scale, dbeta * scale, gamma * inv_std)
    return dx, dgamma, dbeta


def finish_blocked(g: Array, x_c: Array, slope: Array, shift: Array, factor: Array) -> Array:
    """(x_c slope + g - shift) factor, by blocks of rows."""
    dx = np.empty_like(g)
    step = max(1, BLOCK // g.shape[1])
    for start in range(0, len(g), step):
        block = slice(start, start + step)
        out = np.multiply(x_c[block], slope, out=dx[block])
        out += g[block]
        out -= shift
        out *= factor
    return dx


def forward_2d(x: Array, gamma: Array, beta: Array, *, eps: float) -> tuple[Array, Saved]:
    """The same over n, h, w, with (n, c, h, w) as rows of c h w: factors are repeated to make the inner loop long."""
    n, c, h, w = x.shape
    m = h * w
    scale = 1 / (n * m)
    mean = np.einsum("ncm->c", x.reshape(n, c, m)) * scale
    x_c = x.reshape(n, c * m) - np.repeat(mean, m)
    channels = x_c.reshape(n, c, m)
    inv_std = 1 / np.sqrt(np.vecdot(channels, channels).sum(axis=0) * scale + eps)
    y = x_c * np.repeat(gamma * inv_std, m)
    y += np.repeat(beta, m)
    return y.reshape(x.shape), (x_c, inv_std, gamma)


def sums_2d(g: Array, x_c: Array, inv_std: Array) -> tuple[Array, Array]:
    """Return dgamma and dbeta."""
    n, c, h, w = g.shape
    channels = g.reshape(n, c, h * w)
    return np.vecdot(channels, x_c.reshape(n, c, h * w)).sum(axis=0) * inv_std, np.einsum("ncm->c", channels)


def backward_2d(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Return dx, dgamma, dbeta, with repeated factors."""
    x_c, inv_std, gamma = saved
    n, c, h, w = g.shape
    m = h * w
    scale = 1 / (n * m)
    dgamma, dbeta = sums_2d(g, x_c, inv_std)
    dx = x_c * np.repeat(inv_std * dgamma * -scale, m)
    dx += g.reshape(n, c * m)
    dx -= np.repeat(dbeta * scale, m)
    dx *= np.repeat(gamma * inv_std, m)
    return dx.reshape(g.shape), dgamma, dbeta


def backward_2d_broadcast(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same with broadcast factors: fewer calls, better for small arrays."""
    x_c, inv_std, gamma = saved
    n, _, h, w = g.shape
    scale = 1 / (n * h * w)
    dgamma, dbeta = sums_2d(g, x_c, inv_std)
    dx: Array = x_c.reshape(g.shape) * (inv_std * dgamma * -scale)[:, None, None]
    dx += g
    dx -= (dbeta * scale)[:, None, None]
    dx *= (gamma * inv_std)[:, None, None]
    return dx, dgamma, dbeta


def backward_2d_blocked(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same by blocks of samples, each finished while it is in the cache."""
    x_c, inv_std, gamma = saved
    n, c, h, w = g.shape
    m = h * w
    scale = 1 / (n * m)
    dgamma, dbeta = sums_2d(g, x_c, inv_std)
    slope, shift, factor = (np.repeat(v, m) for v in (inv_std * dgamma * -scale, dbeta * scale, gamma * inv_std))
    dx = finish_blocked(g.reshape(n, c * m), x_c, slope, shift, factor)
    return dx.reshape(g.shape), dgamma, dbeta


def evaluation_forward(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> tuple[Array, Saved]:
    """Compute `y = gamma (x - mean) inv_std + beta` with given mean and variance."""
    inv_std = 1 / np.sqrt(var + eps)
    x_c = x - mean
    y = x_c * (gamma * inv_std)
    y += beta
    return y, (x_c, inv_std, gamma)


def evaluation_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array, None, None]:
    """Compute `dx = gamma inv_std g`; mean and variance are constants."""
    x_c, inv_std, gamma = saved
    return g * (gamma * inv_std), np.einsum("nc,nc->c", g, x_c) * inv_std, sum_rows(g), None, None


def evaluation_backward_product(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array, None, None]:
    """The same with g x_c stored where dx goes later."""
    x_c, inv_std, gamma = saved
    ones = np.ones(len(g), g.dtype)
    dx = g * x_c
    dgamma = (ones @ dx) * inv_std
    np.multiply(g, gamma * inv_std, out=dx)
    return dx, dgamma, ones @ g, None, None


def evaluation_forward_2d(
    x: Array, gamma: Array, beta: Array, mean: Array, var: Array, *, eps: float
) -> tuple[Array, Saved]:
    """The same for (n, c, h, w)."""
    n, c, h, w = x.shape
    m = h * w
    inv_std = 1 / np.sqrt(var + eps)
    x_c = x.reshape(n, c * m) - np.repeat(mean, m)
    y = x_c * np.repeat(gamma * inv_std, m)
    y += np.repeat(beta, m)
    return y.reshape(x.shape), (x_c, inv_std, gamma)


def evaluation_backward_2d(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array, None, None]:
    """Return the gradients for (n, c, h, w), with repeated factors."""
    x_c, inv_std, gamma = saved
    n, _, h, w = g.shape
    dgamma, dbeta = sums_2d(g, x_c, inv_std)
    dx = g.reshape(n, -1) * np.repeat(gamma * inv_std, h * w)
    return dx.reshape(g.shape), dgamma, dbeta, None, None


def evaluation_backward_2d_broadcast(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array, None, None]:
    """The same with broadcast factors."""
    x_c, inv_std, gamma = saved
    dgamma, dbeta = sums_2d(g, x_c, inv_std)
    return g * (gamma * inv_std)[:, None, None], dgamma, dbeta, None, None


RIVALS = {
    "batch_norm": (
        HandWritten("einsum", forward, backward),
        HandWritten("product", forward, backward_product),
        HandWritten("blocked", forward, backward_blocked, loops=True),
    ),
    "batch_norm_2d": (
        HandWritten("repeated", forward_2d, backward_2d),
        HandWritten("broadcast", forward_2d, backward_2d_broadcast),
        HandWritten("blocked", forward_2d, backward_2d_blocked, loops=True),
    ),
    "batch_norm_eval": (
        HandWritten("einsum", evaluation_forward, evaluation_backward),
        HandWritten("product", evaluation_forward, evaluation_backward_product),
    ),
    "batch_norm_2d_eval": (
        HandWritten("repeated", evaluation_forward_2d, evaluation_backward_2d),
        HandWritten("broadcast", evaluation_forward_2d, evaluation_backward_2d_broadcast),
    ),
}
