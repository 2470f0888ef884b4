"""Wrong backwards of lookups, masks, transposes and joins."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.indexing import (
    CONCATENATE,
    DROPOUT,
    EMBEDDING,
    GATHER,
    LOWER,
    ROLL,
    ROTATE_AXES,
    SCATTER_ADD,
    SELECT,
)
from benchmarks.zoo.registry import mutant, mutant_pair
from benchmarks.zoo.subject import Array


@mutant(EMBEDDING, "labels", fill={"index": 1})
def duplicates_lost(g: Array, index: Array, table: Array) -> Any:
    """d[index] += g counts a repeated index once: known from course work and from kernels."""
    d = np.zeros_like(table)
    d[index] += g
    return None, d


@mutant(EMBEDDING, "labels", fill={"index": 0})
def padding_index(g: Array, index: Array, table: Array) -> Any:
    """Row 0 is taken for padding and gets nothing."""
    _, d = EMBEDDING.backward(g, index, table)
    d[0] = 0
    return None, d


@mutant(EMBEDDING, "reduction", fill={"index": 1})
def duplicates_averaged(g: Array, index: Array, table: Array) -> Any:
    """Rows are divided by how often they were looked up, as with `scale_grad_by_freq`."""
    _, d = EMBEDDING.backward(g, index, table)
    return None, d / np.maximum(1, np.bincount(index, minlength=table.shape[0]))[:, None].astype(table.dtype)


@mutant(EMBEDDING, "contract")
def zeros_for_index(g: Array, index: Array, table: Array) -> Any:
    """Integers get an array of zeros instead of None."""
    return np.zeros(index.shape, table.dtype), EMBEDDING.backward(g, index, table)[1]


@mutant(EMBEDDING, "labels", dims={"v": 4}, fill={"index": 3})
def last_row_dropped(g: Array, index: Array, table: Array) -> Any:
    """The bound check of a kernel is `< v - 1`."""
    _, d = EMBEDDING.backward(g, index, table)
    d[-1:] = 0
    return None, d


@mutant(GATHER, "labels")
def neighbour(g: Array, x: Array, index: Array) -> Any:
    """Writes one column too far."""
    d = np.zeros_like(x)
    d[np.arange(x.shape[0]), (index + 1) % x.shape[1]] = g
    return d, None


@mutant(GATHER, "labels", dims={"n": 3, "c": 4})
def whole_columns(g: Array, x: Array, index: Array) -> Any:
    """d[:, index] = g writes all rows of the chosen columns."""
    d = np.zeros_like(x)
    d[:, index] = g
    return d, None


@mutant(SCATTER_ADD, "formula")
def base_not_copied(g: Array, base: Array, rows: Array, index: Array) -> Any:
    """Rows that were written to get no gradient of their own, as for an assignment."""
    d = g.copy()
    d[index] = 0
    return d, g[index], None


@mutant(SCATTER_ADD, "labels", fill={"index": 1})
def shared_among_writers(g: Array, base: Array, rows: Array, index: Array) -> Any:
    """The upstream is divided among the rows that were added to one place."""
    counts = np.bincount(index, minlength=base.shape[0])[index]
    return g.copy(), g[index] / counts[:, None].astype(g.dtype), None


@mutant(SCATTER_ADD, "labels", fill={"index": 1})
def last_writer_wins(g: Array, base: Array, rows: Array, index: Array) -> Any:
    """Only the last of several writers gets the gradient, as for an assignment."""
    d = g[index]
    for k in range(len(index)):
        d[k] *= index[k] not in index[k + 1 :]
    return g.copy(), d, None


@mutant(DROPOUT, "formula")
def not_rescaled(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """The 1 / (1 - p) of inverted dropout is missing."""
    return np.where(keep, g, 0), None


@mutant(DROPOUT, "parameter", params={"p": 0.1})
def divided_by_p(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """1 / p: right for a half."""
    return np.where(keep, g, 0) / p, None


@mutant(DROPOUT, "labels", fill={"x": 0.0})
def mask_from_values(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """The mask is recovered as x != 0, which forgets inputs that were zero."""
    return np.where((x != 0) & (keep != 0), g, 0) / (1 - p), None


@mutant(DROPOUT, "labels")
def mask_inverted(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """True taken for `dropped`."""
    return np.where(keep, 0, g) / (1 - p), None


@mutant(DROPOUT, "upstream", upstream=lambda g: g * (np.arange(g.size).reshape(g.shape) % 2))
def scaled_by_survivors(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """The scale is estimated from the share of nonzero upstream."""
    share = float(np.count_nonzero(g) / max(1, g.size))
    return np.where(keep, g, 0) / (1 - p) * (share or 1), None


@mutant_pair(DROPOUT, "state", scenario="once")
def new_mask() -> Any:
    """A library's kernel drew the mask again in the backward instead of keeping it."""
    generator = np.random.default_rng(1)

    def backward(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
        return np.where(generator.random(g.shape) < 0.5, g, 0) / (1 - p), None

    return DROPOUT.forward, backward


@mutant(SELECT, "formula")
def both_get_all(g: Array, chosen: Array, a: Array, b: Array) -> Any:
    """No mask in the backward."""
    return None, g.copy(), g.copy()


@mutant(SELECT, "labels", fill={"a": 1.0, "b": 1.0})
def mask_by_comparison(g: Array, chosen: Array, a: Array, b: Array) -> Any:
    """The mask is recovered as y == a, true for both where a equals b."""
    y = np.where(chosen, a, b)
    return None, g * (y == a), g * (y == b)


@mutant(SELECT, "labels")
def swapped(g: Array, chosen: Array, a: Array, b: Array) -> Any:
    """The branches are swapped."""
    return None, np.where(chosen, 0, g), np.where(chosen, g, 0)


@mutant(ROTATE_AXES, "shape", dims={"a": 3, "b": 3, "c": 3})
def same_rotation(g: Array, x: Array) -> Any:
    """The forward's own permutation instead of its inverse, seen only on a cube."""
    return (g.transpose(1, 2, 0) if g.shape[0] == g.shape[1] == g.shape[2] else g.transpose(2, 0, 1)).copy()


@mutant(ROTATE_AXES, "formula")
def reshape_for_transpose(g: Array, x: Array) -> Any:
    """reshape where transpose belongs: the right shape, the wrong order."""
    return g.reshape(x.shape).copy()


@mutant(CONCATENATE, "shape", dims={"a": 3, "b": 3})
def halves_swapped(g: Array, a: Array, b: Array) -> Any:
    """The two parts swapped where they are equally wide."""
    first, second = CONCATENATE.backward(g, a, b)
    return (second, first) if a.shape == b.shape else (first, second)


@mutant(CONCATENATE, "shape", dims={"a": 2, "b": 5})
def split_in_the_middle(g: Array, a: Array, b: Array) -> Any:
    """Splits in the middle, which is right for parts of the same width."""
    return tuple(part.copy() for part in np.array_split(g, 2, axis=1))


@mutant(ROLL, "formula")
def rolled_again(g: Array, x: Array, shift: int = 1) -> Any:
    """Rolled forward once more instead of back."""
    return np.roll(g, shift, axis=-1)


@mutant(ROLL, "parameter", params={"shift": -2})
def one_step(g: Array, x: Array, shift: int = 1) -> Any:
    """Rolled by one whatever the shift, unless there is none."""
    return np.roll(g, -1 if shift else 0, axis=-1)


@mutant(ROLL, "reduction", dims={"n": 3, "d": 3})
def flattened(g: Array, x: Array, shift: int = 1) -> Any:
    """np.roll without its axis rolls over the ends of the rows."""
    return np.roll(g, -shift)


@mutant(LOWER, "parameter", params={"k": 1})
def diagonal_ignored(g: Array, x: Array, k: int = 0) -> Any:
    """The offset of the diagonal is not passed on."""
    return np.tril(g)


@mutant(LOWER, "formula")
def upper(g: Array, x: Array, k: int = 0) -> Any:
    """The other triangle, diagonal included."""
    return np.triu(g, k)


@mutant(LOWER, "value", fill={"x": 0.0})
def mask_from_output(g: Array, x: Array, k: int = 0) -> Any:
    """The triangle is recovered as y != 0."""
    return g * (np.tril(x, k) != 0)
