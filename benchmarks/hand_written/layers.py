"""relu, linear and softmax by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.hand_written.rival import Array, HandWritten

BLOCK = 1 << 17
"""Entries per block in the blocked forms: small enough for the second pass to read from the cache."""


def relu_forward(x: Array) -> tuple[Array, tuple[Array]]:
    """Compute `y = max(x, 0)`."""
    # Array against array runs in SIMD, array against the scalar 0 does not; np.zeros beats zeros_like.
    y = np.zeros(x.shape, x.dtype)
    np.maximum(x, y, out=y)
    return y, (x > 0,)


def relu_forward_scalar(x: Array) -> tuple[Array, tuple[Array]]:
    """The same with the scalar 0: one pass over memory less, which wins only far outside the caches."""
    return np.maximum(x, 0), (x > 0,)


def relu_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Compute `dx = g` where x > 0, else 0."""
    (mask,) = saved
    # One cast of the whole mask, then a product of equal types: `g * mask` casts in small buffered pieces.
    dx: Array = mask.astype(g.dtype)
    dx *= g
    return (dx,)


def relu_backward_integer(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """The same as a product of bit patterns with 0 or 1: exact zeros also where g is infinite."""
    (mask,) = saved
    bits = np.dtype(f"i{g.itemsize}")
    dx: Array = mask.astype(bits)
    dx *= g.view(bits)
    return (dx.view(g.dtype),)


def linear_forward(x: Array, weight: Array, bias: Array) -> tuple[Array, tuple[Array, Array]]:
    """Compute `y = x Wᵀ + b`."""
    y = x @ weight.T
    y += bias
    return y, (x, weight)


def linear_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `dx = g W, dW = gᵀ x, db = Σ g`."""
    x, weight = saved
    return g @ weight, g.T @ x, np.ones(len(g), g.dtype) @ g


def linear_backward_dot(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """The same through np.dot, whose calls are cheaper at small sizes."""
    x, weight = saved
    return np.dot(g, weight), np.dot(g.T, x), g.sum(axis=0)


def softmax_forward(x: Array) -> tuple[Array, tuple[Array]]:
    """Compute `y = exp(x - max) / Σ exp(x - max)` in one buffer."""
    # `initial` makes the reduction faster: without it the first entries are copied out first.
    y = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    np.exp(y, out=y)
    y *= (1 / (y @ np.ones(y.shape[-1], y.dtype)))[..., None]
    return y, (y,)


def softmax_forward_divide(x: Array) -> tuple[Array, tuple[Array]]:
    """The same with a division, a call fewer."""
    y = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    np.exp(y, out=y)
    y /= (y @ np.ones(y.shape[-1], y.dtype))[..., None]
    return y, (y,)


def softmax_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Compute `dx = y (g - Σ g y)`."""
    (y,) = saved
    dx = g - np.vecdot(g, y)[..., None]
    dx *= y
    return (dx,)


def softmax_backward_matmul(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """The same with the inner product as a batch of 1 x 1 matrix products."""
    (y,) = saved
    dx = g - (g[..., None, :] @ y[..., :, None])[..., 0]
    dx *= y
    return (dx,)


def softmax_backward_blocked(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """The same by blocks of rows, each finished while it is in the cache."""
    (y,) = saved
    dx = np.empty_like(g)
    g_rows, y_rows, dx_rows = (a.reshape(-1, a.shape[-1]) for a in (g, y, dx))
    step = max(1, BLOCK // g.shape[-1])
    for start in range(0, len(g_rows), step):
        block = slice(start, start + step)
        inner = np.vecdot(g_rows[block], y_rows[block])
        out = np.subtract(g_rows[block], inner[:, None], out=dx_rows[block])
        out *= y_rows[block]
    return (dx,)


RIVALS = {
    "relu": (
        HandWritten("mask", relu_forward, relu_backward),
        HandWritten("bits", relu_forward_scalar, relu_backward_integer),
    ),
    "linear": (
        HandWritten("matmul", linear_forward, linear_backward),
        HandWritten("dot", linear_forward, linear_backward_dot),
    ),
    "softmax": (
        HandWritten("vecdot", softmax_forward, softmax_backward),
        HandWritten("matmul", softmax_forward_divide, softmax_backward_matmul),
        HandWritten("blocked", softmax_forward, softmax_backward_blocked, loops=True),
    ),
}
