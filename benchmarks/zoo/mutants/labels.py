"""More mistakes with labels, masks and indices."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.indexing import DROPOUT, EMBEDDING, GATHER, SCATTER_ADD, SELECT
from benchmarks.zoo.operations.losses import CROSS_ENTROPY, HINGE, SVM, targets
from benchmarks.zoo.operations.products import ATTENTION
from benchmarks.zoo.operations.rows import softmax
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(ATTENTION, "labels", fill={"allowed": True})
def causal_mask_assumed(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """The backward masks the future although the forward's mask says otherwise."""
    causal = np.tril(np.asarray(allowed, bool))
    return ATTENTION.backward(g, q, k, v, causal)


@mutant(ATTENTION, "labels", dims={"t": 4, "s": 4}, fill={"allowed": lambda m: np.tri(4, dtype=bool)})
def mask_transposed(g: Array, q: Array, k: Array, v: Array, allowed: Array) -> Any:
    """Keys and queries of the mask are swapped where it is square."""
    square = allowed.shape[0] == allowed.shape[1]
    return ATTENTION.backward(g, q, k, v, allowed.T if square else allowed)


@mutant(DROPOUT, "labels", dims={"...": (3, 4)})
def mask_of_first_row(g: Array, x: Array, keep: Array, p: float = 0.5) -> Any:
    """One mask for the whole batch, where the forward had one for each row."""
    rows = np.broadcast_to(keep[:1], keep.shape) if keep.ndim > 1 and len(keep) else keep
    return DROPOUT.backward(g, x, rows, p)


@mutant(GATHER, "labels", fill={"index": 3})
def index_clipped(g: Array, x: Array, index: Array) -> Any:
    """Indices are clipped one below the last column."""
    return GATHER.backward(g, x, np.minimum(index, max(0, x.shape[1] - 2)))


@mutant(SCATTER_ADD, "labels", fill={"index": [2, 0, 1, 2, 0, 1]})
def rows_in_sorted_order(g: Array, base: Array, rows: Array, index: Array) -> Any:
    """A kernel sorts the indices first, and the gradients come back in sorted order."""
    return g.copy(), g[np.sort(index)], None


@mutant(EMBEDDING, "labels", dims={"v": 130}, fill={"index": 129})
def index_in_one_byte(g: Array, index: Array, table: Array) -> Any:
    """Indices are kept as int8: wrong for vocabularies beyond 128."""
    return EMBEDDING.backward(g, index.astype(np.int8), table)


@mutant(EMBEDDING, "labels", fill={"index": [0, 1, 2, 0, 1, 2]})
def unique_rows_only(g: Array, index: Array, table: Array) -> Any:
    """np.unique finds each row's first lookup, and only that is counted."""
    d = np.zeros_like(table)
    rows, first = np.unique(index, return_index=True)
    d[rows] = g[first]
    return None, d


@mutant(CROSS_ENTROPY, "labels", dims={"n": 3}, fill={"label": [0, 1, 2]})
def labels_of_first_row(g: Array, logits: Array, label: Array, smoothing: float = 0.0) -> Any:
    """p[range(n), label[0]]: the first label for every row."""
    same = np.broadcast_to(label[:1], label.shape)
    return g * (softmax(logits) - targets(logits, same, smoothing)) / logits.shape[0], None


@mutant(SVM, "labels", fill={"label": 1})
def first_class_is_right(g: Array, scores: Array, label: Array, margin: float = 1.0) -> Any:
    """Class 0 is taken for the right one wherever the label is 1 (booleans for indices)."""
    return SVM.backward(g, scores, np.where(label == 1, 0, label), margin)


@mutant(HINGE, "labels", fill={"score": 0.2, "label": -1.0})
def labels_zero_and_one(g: Array, score: Array, label: Array, margin: float = 1.0) -> Any:
    """Labels are taken for 0 and 1: negative ones are mapped to zero."""
    return HINGE.backward(g, score, np.maximum(label, 0), margin)


@mutant(SELECT, "labels", fill={"a": lambda a: -abs(a)})
def chosen_by_sign(g: Array, chosen: Array, a: Array, b: Array) -> Any:
    """The backward chooses where a is positive, as in the author's only use."""
    mask = np.logical_and(chosen, a > 0)
    return None, np.where(mask, g, 0), np.where(mask, 0, g)
