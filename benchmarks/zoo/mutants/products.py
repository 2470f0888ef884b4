"""Wrong backwards of linear layers, attention and forms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from benchmarks.zoo.operations.elementwise import unbroadcast
from benchmarks.zoo.operations.products import ATTENTION, BILINEAR, LINEAR, MATMUL, QUADRATIC_FORM, weights
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(LINEAR, "reduction")
def bias_not_summed(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """Course classic: the upstream is handed to the bias as it came."""
    return g @ weight, g.T @ x, g


@mutant(LINEAR, "reduction")
def bias_averaged(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """The mean over the batch where the sum belongs (a Java library had it)."""
    return g @ weight, g.T @ x, g.mean(axis=0) if g.shape[0] else np.zeros_like(bias)


@mutant(LINEAR, "formula")
def weight_divided_by_batch(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """Course classic: the layer divides by N although the loss did already."""
    n = max(1, x.shape[0])
    return g @ weight, g.T @ x / n, g.sum(axis=0) / n


@mutant(LINEAR, "shape", dims={"n": 3, "i": 4, "o": 4})
def transposed_when_square(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """The weight's gradient is transposed where that fits: found by no test with i = o = d."""
    dw = x.T @ g
    return g @ weight, dw if dw.shape == weight.shape else dw.T, g.sum(axis=0)


@mutant(LINEAR, "shape", dims={"n": 3, "i": 4, "o": 4})
def input_through_transpose(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """g Wᵀ instead of g W where the shapes allow both."""
    square = weight.shape[0] == weight.shape[1]
    return g @ (weight.T if square else weight), g.T @ x, g.sum(axis=0)


@mutant(LINEAR, "contract", dims={"n": 3, "i": 4, "o": 5})
def transposed_weight(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """Course classic: the weight's gradient has the shape of its transpose."""
    return g @ weight, x.T @ g, g.sum(axis=0)


@mutant(LINEAR, "contract")
def keepdims_bias(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """keepdims=True is left on: the bias gets a gradient of shape (1, o)."""
    return g @ weight, g.T @ x, g.sum(axis=0, keepdims=True)


@mutant(LINEAR, "shape", dims={"n": 1})
def no_bias_for_one_row(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """A Java library's test for `rows > 1` leaves the bias without update for a batch of one."""
    return g @ weight, g.T @ x, g.sum(axis=0) if g.shape[0] > 1 else np.zeros_like(bias)


@mutant(LINEAR, "shape", dims={"n": 0})
def uninitialised_when_empty(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """The loop over the batch never runs, so the weight's gradient is what the memory held."""
    dw = g.T @ x if x.shape[0] else np.full_like(weight, 0.5)  # a stand-in for what was there
    return g @ weight, dw, g.sum(axis=0)


@mutant(LINEAR, "shape", dims={"n": 3, "i": 33, "o": 2})
def tile_of_thirty_two(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """Kernel issue: the tile's last, partial column block is not written."""
    dx = g @ weight
    dx[:, 32:] = 0
    return dx, g.T @ x, g.sum(axis=0)


@mutant(LINEAR, "formula")
def bias_sign(g: Array, x: Array, weight: Array, bias: Array) -> Any:
    """A sign lost in a refactoring: the bias gets the negative sum."""
    return g @ weight, g.T @ x, -g.sum(axis=0)


@mutant(MATMUL, "reduction", dims={"...": [(2, 3), (3,)]})
def unbroadcast_forgotten(g: Array, a: Array, b: Array) -> Any:
    """The second matrix is shared by the batch, its gradient is not summed."""
    return unbroadcast(g @ b.swapaxes(-1, -2), a.shape), a.swapaxes(-1, -2) @ g


@mutant(MATMUL, "reduction", dims={"...": [(2, 1), (2, 3)]})
def ones_not_summed(g: Array, a: Array, b: Array) -> Any:
    """Leading axes are summed, axes of size one are not: the first of the repeats is kept."""
    da, db = g @ b.swapaxes(-1, -2), a.swapaxes(-1, -2) @ g
    for _ in range(da.ndim - a.ndim):
        da = da.sum(axis=0)
    for _ in range(db.ndim - b.ndim):
        db = db.sum(axis=0)
    return da[tuple(slice(0, s) for s in a.shape)], db[tuple(slice(0, s) for s in b.shape)]


@mutant(MATMUL, "reduction", dims={"...": [(2, 3), (1,)]})
def wrong_leading_axis(g: Array, a: Array, b: Array) -> Any:
    """Averages over the repeats instead of summing."""
    db = a.swapaxes(-1, -2) @ g
    repeats = max(1, db.size // max(1, b.size))
    return unbroadcast(g @ b.swapaxes(-1, -2), a.shape), unbroadcast(db, b.shape) / repeats


@mutant(MATMUL, "shape", dims={"...": [(), ()], "i": 3, "k": 3, "j": 3})
def full_transpose(g: Array, a: Array, b: Array) -> Any:
    """No transpose where the matrices are square."""
    square = a.shape[-1] == a.shape[-2] == b.shape[-1]
    da = g @ (b if square else b.swapaxes(-1, -2))
    return unbroadcast(da, a.shape), unbroadcast(a.swapaxes(-1, -2) @ g, b.shape)


@mutant(BILINEAR, "formula")
def one_path_only(g: Array, x: Array, weight: Array, y: Array) -> Any:
    """The second input is taken for a constant."""
    return np.einsum("no,oij,nj->ni", g, weight, y), np.einsum("no,ni,nj->oij", g, x, y), np.zeros_like(y)


@mutant(BILINEAR, "shape", dims={"n": 2, "i": 3, "j": 3})
def weight_indices_swapped(g: Array, x: Array, weight: Array, y: Array) -> Any:
    """oji for oij where both sizes are equal."""
    order = "oji" if weight.shape[1] == weight.shape[2] else "oij"
    return (
        np.einsum(f"no,{order},nj->ni", g, weight, y),
        np.einsum("no,ni,nj->oij", g, x, y),
        np.einsum("no,ni,oij->nj", g, x, weight),
    )


@mutant(BILINEAR, "reduction")
def averaged_weight(g: Array, x: Array, weight: Array, y: Array) -> Any:
    """Mean over the batch in one of three gradients."""
    n = max(1, x.shape[0])
    return (
        np.einsum("no,oij,nj->ni", g, weight, y),
        np.einsum("no,ni,nj->oij", g, x, y) / n,
        np.einsum("no,ni,oij->nj", g, x, weight),
    )


@mutant(QUADRATIC_FORM, "formula")
def symmetric_matrix_assumed(g: Array, x: Array, matrix: Array) -> Any:
    """2 A x: right for a symmetric matrix only."""
    return g * 2 * (matrix @ x), g * np.outer(x, x)


@mutant(QUADRATIC_FORM, "formula")
def one_side(g: Array, x: Array, matrix: Array) -> Any:
    """A x: the derivative of one of the two factors."""
    return g * (matrix @ x), g * np.outer(x, x)


@mutant(QUADRATIC_FORM, "formula")
def matrix_halved(g: Array, x: Array, matrix: Array) -> Any:
    """The 1/2 of an energy that the forward does not have."""
    return g * ((matrix + matrix.T) @ x), g * 0.5 * np.outer(x, x)


@mutant(ATTENTION, "formula")
def scale_forgotten(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The 1 / sqrt(d) is missing in the gradients of query and key."""
    p = weights(q, k, allowed)
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0)
    return ds @ k, ds.T @ q, p.T @ g, None


@mutant(ATTENTION, "formula")
def scale_twice(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The key's gradient uses a query that is scaled already."""
    p = weights(q, k, allowed)
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / math.sqrt(q.shape[1])
    return ds @ k, ds.T @ (q / math.sqrt(q.shape[1])), p.T @ g, None


@mutant(ATTENTION, "formula")
def softmax_diagonal(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The row sum in the backward of the softmax is missing."""
    p = weights(q, k, allowed)
    ds = np.where(allowed, p * (g @ v.T) * (1 - p), 0) / math.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ g, None


@mutant(ATTENTION, "labels", fill={"allowed": False})
def padded_rows(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """Rows where nothing is allowed let the gradient through, since the softmax there is uniform."""
    p = weights(q, k, allowed)
    dp = g @ v.T
    ds = p * (dp - (dp * p).sum(axis=-1, keepdims=True)) / math.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ g, None


@mutant(ATTENTION, "labels")
def mask_not_reapplied(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The backward recomputes the weights without the mask."""
    p = weights(q, k, np.ones_like(allowed, dtype=bool))
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / math.sqrt(q.shape[1])
    return ds @ k, ds.T @ q, p.T @ g, None


@mutant(ATTENTION, "shape", dims={"t": 4, "s": 4})
def scores_transposed(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """ds for dsᵀ in the key's gradient where there are as many queries as keys."""
    p = weights(q, k, allowed)
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / math.sqrt(q.shape[1])
    return ds @ k, (ds if ds.shape[0] == ds.shape[1] else ds.T) @ q, p.T @ g, None


@mutant(ATTENTION, "parameter", dims={"d": 3, "e": 5})
def scale_from_values(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The scale takes the width of the values: equal in every published model, not in general."""
    p = weights(q, k, allowed)
    dp = g @ v.T
    ds = np.where(allowed, p * (dp - (dp * p).sum(axis=-1, keepdims=True)), 0) / math.sqrt(max(1, v.shape[1]))
    return ds @ k, ds.T @ q, p.T @ g, None
