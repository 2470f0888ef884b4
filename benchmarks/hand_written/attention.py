"""log_softmax, logsumexp, matrix products and attention by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.hand_written.rival import Array, HandWritten


def log_softmax(x: Array) -> tuple[Array, tuple[Array]]:
    """Compute `y = x - max - log Σ exp(x - max)` and save the probabilities."""
    y = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
    p = np.exp(y)
    total = p.sum(axis=-1)
    y -= np.log(total)[..., None]
    p *= (1 / total)[..., None]
    return y, (p,)


def log_softmax_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Compute `dx = g - p Σ g`."""
    (p,) = saved
    dx = p * -g.sum(axis=-1)[..., None]
    dx += g
    return (dx,)


def log_softmax_backward_blas(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """The same with the sum as a product with ones."""
    (p,) = saved
    dx = p * (g @ np.full(g.shape[-1], -1, g.dtype))[..., None]
    dx += g
    return (dx,)


def logsumexp(x: Array) -> tuple[Array, tuple[Array]]:
    """Compute `max + log Σ exp(x - max)` and save the probabilities."""
    largest = x.max(axis=-1, initial=-np.inf)
    p = x - largest[..., None]
    np.exp(p, out=p)
    total = p.sum(axis=-1)
    p *= (1 / total)[..., None]
    return largest + np.log(total), (p,)


def logsumexp_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array]:
    """Compute `dx = g p`."""
    (p,) = saved
    return (p * g[..., None],)


def matmul(a: Array, b: Array) -> tuple[Array, tuple[Array, Array]]:
    """Compute `a b`."""
    return a @ b, (a, b)


def matmul_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array]:
    """Compute `da = g bᵀ, db = aᵀ g`."""
    a, b = saved
    return g @ b.mT, a.mT @ g


def bias_add(x: Array, bias: Array) -> tuple[Array, tuple[()]]:
    """Compute `x + b`."""
    return x + bias, ()


def bias_add_backward(g: Array, _saved: tuple[Any, ...]) -> tuple[Array, Array]:
    """Compute `db = Σ g`; dx is a copy, which its owner may change."""
    rows = g.reshape(-1, g.shape[-1])
    return g.copy(), np.ones(len(rows), g.dtype) @ rows


def attention(query: Array, key: Array, value: Array) -> tuple[Array, tuple[Any, ...]]:
    """Compute `softmax(query keyᵀ / √c) value`."""
    scale = 1 / float(np.sqrt(query.shape[-1]))
    p = (query * scale) @ key.mT
    p -= p.max(axis=-1, keepdims=True, initial=-np.inf)
    np.exp(p, out=p)
    p *= (1 / p.sum(axis=-1))[..., None]
    return p @ value, (query, key, value, p, scale)


def attention_backward(g: Array, saved: tuple[Any, ...]) -> tuple[Array, Array, Array]:
    """Compute `ds = p (dp - Σ p dp)` with dp = g valueᵀ; it crosses the scores' product twice."""
    query, key, value, p, scale = saved
    ds = g @ value.mT
    ds -= np.vecdot(ds, p)[..., None]
    ds *= p
    dquery, dkey = ds @ key, ds.mT @ query
    dquery *= scale
    dkey *= scale
    return dquery, dkey, p.mT @ g


RIVALS = {
    "log_softmax": (
        HandWritten("sum", log_softmax, log_softmax_backward),
        HandWritten("blas", log_softmax, log_softmax_backward_blas),
    ),
    "logsumexp": (HandWritten("one pass", logsumexp, logsumexp_backward),),
    "matmul": (HandWritten("batched", matmul, matmul_backward),),
    "bias_add": (HandWritten("blas", bias_add, bias_add_backward),),
    "scaled_dot_product_attention": (HandWritten("in place", attention, attention_backward),),
}
