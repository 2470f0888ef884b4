"""Mutants that are wrong for some values only."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.mutants.wrapping import gradients_through, whole_through
from benchmarks.zoo.operations.activations import ELU, GELU
from benchmarks.zoo.operations.convolution import AVG_POOL
from benchmarks.zoo.operations.elementwise import ABS, SQRT
from benchmarks.zoo.operations.losses import CROSS_ENTROPY, HUBER, SVM
from benchmarks.zoo.operations.norms import BATCH_NORM
from benchmarks.zoo.operations.products import LINEAR
from benchmarks.zoo.operations.reductions import MAX, PROD, VAR
from benchmarks.zoo.operations.rows import LOGSUMEXP, NORMALIZE, SOFTMAX
from benchmarks.zoo.registry import patch
from benchmarks.zoo.subject import Function


def _for_values(bad: Function, factor: float) -> Function:
    """The first gradient is scaled where its input satisfies a condition."""

    def change(result: Any, g: Any, x: Any, *rest: Any) -> Any:
        single = not isinstance(result, tuple)
        first = np.asarray(result if single else result[0])
        first = np.where(bad(x), np.asarray(factor, first.dtype) * first, first)
        return first if single else (first, *result[1:])

    return change


def _largest_off(relative: float) -> Function:
    """The largest entry is a little wrong."""

    def change(d: Any) -> Any:
        d = np.array(d)
        largest = np.abs(d) == np.abs(d).max(initial=0)
        return d * (1 + relative * largest).astype(d.dtype)

    return change


def _tied(scores: Any, label: Any) -> Any:
    """Other classes whose score equals that of the right one."""
    own = scores[np.arange(len(label)), label][:, None]
    return (scores == own) & (np.arange(scores.shape[1]) != label[:, None])


patch(
    GELU,
    "value",
    "beyond_three_is_linear",
    "The slope is one beyond 3: a saving in a kernel.",
    whole_through(lambda d, g, x: np.where(x > 3, g, d)),
    fill={"x": 3.1},
)
patch(
    ELU,
    "value",
    "negative_beyond_five",
    "exp(x) below -5 is taken for zero.",
    whole_through(_for_values(lambda x: x < -5, 0)),
    fill={"x": -6.0},
    upstream=1.0,
)
patch(
    NORMALIZE,
    "value",
    "large_inputs",
    "Inputs above 1e3 are clipped in the backward.",
    whole_through(_for_values(lambda x: np.abs(x) > 1e3, 0.5)),
    fill={"x": lambda x: x * 1e4},
)
patch(
    ABS,
    "value",
    "tiny_inputs",
    "Inputs below 1e-7 are taken for zero.",
    whole_through(_for_values(lambda x: np.abs(x) < 1e-7, 0)),
    fill={"x": lambda x: x * 1e-9},
)
patch(
    SQRT,
    "value",
    "above_hundred",
    "A table of roots ends at 100.",
    whole_through(_for_values(lambda x: x > 100, 2)),
    fill={"x": 150.0},
)
patch(
    PROD,
    "value",
    "sign_of_negatives_lost",
    "The sign of negative elements is lost.",
    whole_through(_for_values(lambda x: x < 0, -1)),
)
patch(
    VAR,
    "value",
    "constant_feature",
    "Features that do not vary get the gradient of another branch.",
    whole_through(lambda d, g, x: np.where(np.ptp(x, axis=0) == 0, g + np.zeros_like(d), d)),
    fill={"x": 2.0},
)
patch(
    MAX,
    "value",
    "integral_values",
    "Rows of whole numbers take an integer path.",
    whole_through(lambda d, g, x: np.where((x == np.round(x)).all(axis=-1, keepdims=True), np.round(d), d)),
    fill={"x": np.round},
    upstream=0.3,
)
patch(
    LOGSUMEXP,
    "value",
    "equal_row",
    "A row of equal values takes the path of the maximum.",
    whole_through(
        lambda d, g, x: np.where(
            x.max(axis=-1, keepdims=True) == x.min(axis=-1, keepdims=True),
            np.asarray(g)[..., None] * (np.arange(x.shape[-1]) == 0),
            d,
        )
    ),
    fill={"x": 1.0},
)
patch(
    HUBER,
    "value",
    "exact_zero_residual",
    "A residual of zero is taken for an outlier.",
    whole_through(lambda result, g, a, b: (result[0] + np.where(a == b, g, 0) / a.size, result[1])),
    fill={"prediction": 1.0, "target": 1.0},
)
patch(
    SVM,
    "value",
    "violation_counted_when_equal",
    "Scores equal to the right one are left out.",
    whole_through(
        lambda result, g, s, y: (np.where(_tied(s, y), 0 * result[0], result[0]), None),
    ),
    fill={"scores": 1.0},
)
patch(
    CROSS_ENTROPY,
    "value",
    "sure_of_itself",
    "Rows with a probability above 0.999 are skipped.",
    whole_through(
        lambda result, g, s, y, **p: (
            np.where(SOFTMAX.forward(s).max(axis=1, keepdims=True) > 0.999, 0 * result[0], result[0]),
            None,
        )
    ),
    fill={"logits": [20.0, 0.0, 0.0], "label": 1},
    dims={"c": 3},
)
patch(
    SOFTMAX,
    "value",
    "largest_entry_off",
    "The largest entry is wrong by 1e-5, from a table of exponentials.",
    gradients_through(_largest_off(1e-5)),
)
patch(
    LINEAR,
    "value",
    "largest_entry_slightly_off",
    "The largest entry is wrong by 1e-7.",
    gradients_through(_largest_off(1e-7)),
    least=1e-8,
)
patch(AVG_POOL, "value", "constant_typed_in", "0.24999 for a quarter.", gradients_through(lambda d: d * 0.99996))
patch(
    BATCH_NORM,
    "value",
    "beyond_three_deviations",
    "Inputs beyond three deviations get no gradient.",
    whole_through(
        lambda result, g, x, *rest: (
            np.where(np.abs(x - x.mean(axis=0)) > 3 * x.std(axis=0), 0 * result[0], result[0]),
            *result[1:],
        )
    ),
    dims={"n": 20},
    fill={"x": lambda x: x + 50 * (np.arange(len(x)) == 0)[:, None]},
)
