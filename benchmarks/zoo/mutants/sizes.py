"""Mutants that are wrong at some sizes or beyond some index only."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.mutants.wrapping import gradients_through, whole_through
from benchmarks.zoo.operations.activations import SIGMOID, SILU, TANH
from benchmarks.zoo.operations.convolution import CONV1D, CONV2D
from benchmarks.zoo.operations.elementwise import ADD, MULTIPLY
from benchmarks.zoo.operations.indexing import EMBEDDING, GATHER, LOWER
from benchmarks.zoo.operations.norms import BATCH_NORM_2D, LAYER_NORM
from benchmarks.zoo.operations.products import ATTENTION, BILINEAR, MATMUL
from benchmarks.zoo.operations.recurrent import LSTM, RNN
from benchmarks.zoo.operations.reductions import CUMSUM, MEAN
from benchmarks.zoo.operations.rows import COSINE, LOG_SOFTMAX
from benchmarks.zoo.registry import patch
from benchmarks.zoo.subject import Function


def _flat_tail(start: int, factor: float) -> Function:
    """Elements from a flat index on, scaled."""

    def change(d: Any) -> Any:
        flat = np.array(d).reshape(-1)
        flat[start:] *= factor
        return flat.reshape(d.shape)

    return change


def _last_axis_tail(start: int) -> Function:
    """Columns from an index on, not written."""

    def change(d: Any) -> Any:
        d = np.array(d)
        if d.ndim:
            d[..., start:] = 0
        return d

    return change


def _one_element(index: int) -> Function:
    def change(d: Any) -> Any:
        flat = np.array(d).reshape(-1)
        flat[index : index + 1] = 0
        return flat.reshape(d.shape)

    return change


def _rows_only(rows: int, factor: float) -> Function:
    """The first gradient is scaled when its first axis has just so many rows."""

    def change(result: Any, g: Any, x: Any, *rest: Any) -> Any:
        first = result[0] if isinstance(result, tuple) else result
        if first is None or np.ndim(first) == 0 or first.shape[0] != rows:
            return result
        return (first * factor, *result[1:]) if isinstance(result, tuple) else first * factor

    return change


def _empty_fails(result: Any, g: Any, *inputs: Any) -> Any:
    if any(value.size == 0 for value in inputs):
        raise IndexError("index 0 is out of bounds")
    return result


def _empty_nan(result: Any, g: Any, *inputs: Any) -> Any:
    """A mean over an empty batch in the parameters' gradients."""
    if inputs[0].shape[0] == 0:
        return tuple(None if d is None else np.full_like(d, np.nan) for d in result)
    return result


patch(
    TANH,
    "shape",
    "beyond_eight",
    "A loop unrolled by 8 forgets the rest.",
    gradients_through(_flat_tail(8, 0)),
    dims={"...": (3, 4)},
)
patch(
    SILU,
    "shape",
    "beyond_sixteen",
    "A vector of 16 lanes, the tail is not handled.",
    gradients_through(_flat_tail(16, 0)),
    dims={"...": (20,)},
)
patch(
    ADD,
    "shape",
    "beyond_hundred",
    "A buffer of 100 elements.",
    gradients_through(_flat_tail(100, 0)),
    dims={"...": [(101,), (101,)]},
)
patch(
    SIGMOID,
    "shape",
    "beyond_sixty_four",
    "The second block of 64 is scaled twice.",
    gradients_through(_flat_tail(64, 2.0)),
    dims={"...": (66,)},
)
patch(
    MEAN,
    "shape",
    "last_axis_beyond_thirty_two",
    "Columns beyond 32 are not written.",
    gradients_through(_last_axis_tail(32)),
    dims={"a": 2, "b": 2, "c": 33},
)
patch(
    MULTIPLY,
    "shape",
    "element_fifty_seven",
    "One element is skipped at the seam of two blocks.",
    gradients_through(_one_element(57)),
    dims={"...": [(60,), (60,)]},
)
patch(
    LOG_SOFTMAX,
    "shape",
    "columns_beyond_hundred",
    "A vocabulary of more than 100 does not fit the block.",
    gradients_through(_last_axis_tail(100)),
    dims={"...": (1,), "d": 101},
)
patch(
    RNN,
    "shape",
    "batch_of_one",
    "A batch of one is taken for a vector and halved.",
    whole_through(_rows_only(1, 0.5)),
    dims={"n": 1},
)
patch(
    BILINEAR,
    "shape",
    "batch_of_two",
    "A shortcut for two rows is wrong by a factor.",
    whole_through(_rows_only(2, 2.0)),
    dims={"n": 2},
)
patch(
    COSINE,
    "shape",
    "single_pair",
    "One pair is squeezed away and scaled.",
    whole_through(_rows_only(1, -1.0)),
    dims={"n": 1},
)
patch(
    LSTM,
    "shape",
    "raises_on_empty_batch",
    "An empty batch raises in the backward only.",
    whole_through(_empty_fails),
    dims={"n": 0},
)
patch(
    GATHER,
    "shape",
    "raises_on_empty_rows",
    "An empty batch raises in the backward only.",
    whole_through(_empty_fails),
    dims={"n": 0},
)
patch(
    CUMSUM,
    "shape",
    "raises_on_empty_rows",
    "Reads the first element of an empty row.",
    whole_through(_empty_fails),
    dims={"d": 0},
)
patch(
    CONV2D,
    "shape",
    "nan_for_empty_batch",
    "A mean over an empty batch: NaN for the weights.",
    whole_through(_empty_nan),
    dims={"n": 0},
)
patch(
    LAYER_NORM,
    "shape",
    "nan_for_empty_batch",
    "0 / 0 for gamma and beta of an empty batch.",
    whole_through(_empty_nan),
    dims={"...": (0,)},
)
patch(
    ATTENTION,
    "shape",
    "nan_without_queries",
    "No query: NaN for keys and values instead of zero.",
    whole_through(_empty_nan),
    dims={"t": 0},
)
patch(
    BATCH_NORM_2D,
    "shape",
    "one_pixel",
    "1 × 1 images of one sample take the path of evaluation mode.",
    whole_through(
        lambda result, g, x, gamma, beta: (
            (result[0] + g * gamma[:, None, None], *result[1:]) if x.shape[0] * x.shape[2] * x.shape[3] == 1 else result
        )
    ),
    dims={"n": 1, "h": 1, "w": 1},
)
patch(
    MATMUL,
    "shape",
    "inner_size_one",
    "Outer products take a shortcut with a wrong sign.",
    whole_through(lambda result, g, a, b: (-result[0], result[1]) if a.shape[-1] == 1 else result),
    dims={"k": 1},
)
patch(
    CONV1D,
    "shape",
    "more_outputs_than_inputs",
    "Right only while there are no more output than input channels.",
    whole_through(lambda result, g, x, w, b: (result[0] * 0.5, *result[1:]) if w.shape[0] > w.shape[1] else result),
    dims={"c": 2, "o": 3},
)
patch(
    LOWER,
    "shape",
    "tall_matrix",
    "Rows beyond the width are dropped.",
    whole_through(lambda d, g, x: np.where((np.arange(x.shape[0]) >= x.shape[1])[:, None], np.zeros((), d.dtype), d)),
    dims={"n": 5, "m": 3},
)
patch(
    EMBEDDING,
    "shape",
    "more_lookups_than_rows",
    "Only the first v lookups are counted.",
    whole_through(
        lambda result, g, index, table: (None, EMBEDDING.backward(g[: len(table)], index[: len(table)], table)[1])
    ),
    dims={"n": 5, "v": 3},
)
