"""Mutants that misuse the upstream gradient: all of them pass a check that feeds one-hot or all-ones upstreams."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.mutants.wrapping import Spoiler, upstream_through
from benchmarks.zoo.operations.activations import GELU, SIGMOID, SILU, TANH
from benchmarks.zoo.operations.convolution import AVG_POOL, CONV1D
from benchmarks.zoo.operations.elementwise import DIVIDE, MULTIPLY, SQRT
from benchmarks.zoo.operations.indexing import EMBEDDING
from benchmarks.zoo.operations.losses import BCE, HINGE, HUBER, MSE, SOFT_CROSS_ENTROPY
from benchmarks.zoo.operations.norms import BATCH_NORM, GROUP_NORM, LAYER_NORM, RMS_NORM
from benchmarks.zoo.operations.products import ATTENTION, BILINEAR, LINEAR, MATMUL
from benchmarks.zoo.operations.recurrent import RNN
from benchmarks.zoo.operations.reductions import MAX, PROD, SUM, VAR
from benchmarks.zoo.operations.rows import LOG_SOFTMAX, LOGSUMEXP, SOFTMAX
from benchmarks.zoo.registry import patch
from benchmarks.zoo.subject import Function, Subject

for _subject in (LINEAR, SIGMOID, LAYER_NORM):
    patch(
        _subject,
        "upstream",
        "absolute_upstream",
        "The size of the upstream counts, its sign does not: gradcheck's fast mode feeds no negative ones.",
        upstream_through(np.abs),
    )

for _subject in (SOFTMAX, GELU):
    patch(
        _subject,
        "upstream",
        "negative_upstream_dropped",
        "Guided backpropagation, left in after a saliency map was drawn.",
        upstream_through(lambda g: np.maximum(g, 0)),
    )

for _subject in (HUBER, BATCH_NORM):
    patch(_subject, "upstream", "sign_of_upstream", "signSGD moved into the layer.", upstream_through(np.sign))

for _subject in (BCE, SOFT_CROSS_ENTROPY, HINGE):
    patch(
        _subject,
        "upstream",
        "upstream_ignored",
        "A loss is taken for the end of the graph: the upstream is ignored, right for loss.backward().",
        upstream_through(np.ones_like),
    )

for _subject in (AVG_POOL, LOGSUMEXP, SUM):
    patch(
        _subject,
        "upstream",
        "upstream_averaged",
        "A scalar upstream is expected; an array is averaged to one, right where all its entries are equal.",
        upstream_through(lambda g: np.broadcast_to(g.mean() if g.size else g.dtype.type(0), g.shape)),
    )

for _subject in (MSE, TANH):
    patch(
        _subject,
        "upstream",
        "upstream_clipped",
        "Gradient clipping to [-1, 1] moved from the optimiser into the layer.",
        upstream_through(lambda g: np.clip(g, -1, 1)),
        upstream=lambda g: g * 4 + 3,
    )

patch(
    RMS_NORM,
    "upstream",
    "tiny_upstream_flushed",
    "Upstreams below 1e-6 are flushed to zero, which kills training with small loss scales.",
    upstream_through(lambda g: np.where(np.abs(g) < 1e-6, 0, g)),
    upstream=lambda g: g * 1e-8,
)
patch(
    CONV1D,
    "upstream",
    "huge_upstream_to_zero",
    "nan_to_num with too low a limit: upstreams above 1e4 (a usual loss scale) become zero.",
    upstream_through(lambda g: np.where(np.abs(g) > 1e4, 0, g)),
    upstream=lambda g: g * 65536,
)
patch(
    ATTENTION,
    "upstream",
    "upstream_normalised",
    "The upstream is divided by its norm against explosions.",
    upstream_through(lambda g: g / max(1.0, float(np.sqrt((g * g).sum())))),
)
patch(
    VAR,
    "upstream",
    "first_upstream_for_all",
    "Only the first element of the upstream is read.",
    upstream_through(lambda g: np.broadcast_to(g.reshape(-1)[0] if g.size else g.dtype.type(0), g.shape)),
)
patch(
    LOG_SOFTMAX,
    "upstream",
    "upstream_made_one_hot",
    "The upstream is taken for a one-hot row: only its largest entry survives.",
    upstream_through(lambda g: np.where(np.abs(g) == np.abs(g).max(axis=-1, keepdims=True), g, 0)),
)
patch(
    DIVIDE,
    "upstream",
    "upstream_rounded",
    "The upstream goes through a half-precision buffer.",
    upstream_through(lambda g: g.astype(np.float16)),
)
patch(
    PROD,
    "upstream",
    "integer_upstream",
    "The upstream goes through an integer buffer, so its fraction is lost.",
    upstream_through(np.trunc),
)


def _in_place(change: Function) -> Spoiler:
    """Edits the caller's upstream and then differentiates correctly."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            result = subject.backward(np.array(g), *inputs, **params)
            if isinstance(g, np.ndarray):
                change(g)
            return result

        return backward

    return wrap


def _double(g: Any) -> None:
    g *= 2


def _mask(g: Any) -> None:
    g[g < 0] = 0


def _clear(g: Any) -> None:
    g[...] = 0


patch(
    SILU,
    "upstream",
    "upstream_doubled_in_place",
    "`grad_output *= slope` spoils the caller's array.",
    _in_place(_double),
)
patch(MULTIPLY, "upstream", "upstream_masked_in_place", "`grad_output[mask] = 0` to save an array.", _in_place(_mask))
patch(RNN, "upstream", "upstream_cleared_in_place", "The upstream is zeroed after use, as a buffer.", _in_place(_clear))
patch(MAX, "upstream", "upstream_overwritten", "The answer is built inside the upstream's memory.", _in_place(_double))


def _adds_constant(g: Any) -> Any:
    return g + 1e-3


patch(
    BILINEAR,
    "upstream",
    "upstream_offset",
    "An eps is added to the upstream: B(0) is not 0.",
    upstream_through(_adds_constant),
)
patch(
    GROUP_NORM,
    "upstream",
    "positive_part_squared",
    "Not linear: a penalty on large upstreams.",
    upstream_through(lambda g: g * (1 + 1e-3 * np.abs(g))),
)
patch(
    MATMUL,
    "upstream",
    "shortcut_for_zero_rows",
    "If the upstream's first element is zero, the whole of it is taken for zero.",
    upstream_through(lambda g: g * (g.reshape(-1)[0] != 0) if g.size else g),
    upstream=lambda g: np.where(np.arange(g.size).reshape(g.shape) == 0, 0, g),
)
patch(
    SQRT,
    "upstream",
    "negative_zeroed_when_mixed",
    "Negative upstreams are dropped unless all are negative.",
    upstream_through(lambda g: g if (g <= 0).all() else np.maximum(g, 0)),
)
patch(
    EMBEDDING,
    "upstream",
    "sparse_threshold",
    "Rows whose upstream is small beside the largest are skipped to keep the gradient sparse.",
    upstream_through(lambda g: np.where(np.abs(g) < 1e-3 * np.abs(g).max(initial=0), 0, g)),
    upstream=lambda g: np.where(np.arange(g.size).reshape(g.shape) % 2 == 0, 1.0, 1e-5),
)
