"""Mutants with right numbers in the wrong form: dtype, shape, arity, type, purity."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.mutants.wrapping import Spoiler, gradients_through, whole_through
from benchmarks.zoo.operations.activations import ELU, LEAKY_RELU, RELU, SIGMOID, SOFTPLUS
from benchmarks.zoo.operations.convolution import CONV2D, MAX_POOL, UPSAMPLE
from benchmarks.zoo.operations.elementwise import ABS, ADD, CLIP, POWER, SCALE_CHANNELS
from benchmarks.zoo.operations.indexing import DROPOUT, GATHER, ROTATE_AXES, SELECT
from benchmarks.zoo.operations.losses import CROSS_ENTROPY, KL_DIV, MSE, SVM
from benchmarks.zoo.operations.norms import BATCH_NORM_2D, LAYER_NORM, RMS_NORM
from benchmarks.zoo.operations.products import ATTENTION, BILINEAR, LINEAR, QUADRATIC_FORM
from benchmarks.zoo.operations.recurrent import GRU, LSTM
from benchmarks.zoo.operations.reductions import CUMSUM, MEAN, STD
from benchmarks.zoo.operations.rows import COSINE, LOGSUMEXP, NORMALIZE, SOFTMAX
from benchmarks.zoo.registry import patch
from benchmarks.zoo.subject import Function, Subject


def _through_float32(d: Any) -> Any:
    return d.astype(np.float32).astype(d.dtype)


for _subject in (LINEAR, SOFTMAX, LAYER_NORM, LSTM):
    patch(
        _subject,
        "contract",
        "computed_in_float32",
        "A kernel that accumulates in float32 and casts back: the dtype is right, half of the digits are noise.",
        gradients_through(_through_float32),
        least=1e-10,
    )

for _subject in (SIGMOID, MEAN):
    patch(
        _subject,
        "contract",
        "returns_float32",
        "`np.zeros(shape, np.float32)` for the gradient of float64 inputs.",
        gradients_through(lambda d: d.astype(np.float32)),
    )

for _subject in (RELU, BATCH_NORM_2D, GRU):
    patch(
        _subject,
        "contract",
        "returns_float64",
        "A `np.zeros(shape)` without dtype: float32 inputs get float64 gradients.",
        gradients_through(lambda d: d.astype(np.float64)),
        dtype="float32",
    )

for _subject in (CLIP, COSINE):
    patch(
        _subject,
        "contract",
        "returns_lists",
        "`.tolist()`, once written to print the gradient.",
        gradients_through(lambda d: d.tolist()),
    )

for _subject in (BILINEAR, ATTENTION):
    patch(
        _subject,
        "contract",
        "last_gradient_missing",
        "One gradient fewer than there are arguments.",
        whole_through(lambda result, g, *inputs: result[:-1]),
    )

for _subject in (SCALE_CHANNELS, RMS_NORM):
    patch(
        _subject,
        "contract",
        "none_for_parameter",
        "The parameter is frozen in the author's model, so its gradient is None.",
        whole_through(lambda result, g, *inputs: (*result[:-1], None)),
    )

patch(
    STD,
    "contract",
    "extra_none",
    "A None for the keyword parameter too, as torch.autograd.Function wants it.",
    whole_through(lambda result, g, *inputs: (result, None)),
)
patch(
    CROSS_ENTROPY,
    "contract",
    "zeros_for_labels",
    "Integer labels get zeros instead of None.",
    whole_through(lambda result, g, logits, label: (result[0], np.zeros_like(label))),
)
patch(
    GATHER,
    "contract",
    "column_vector",
    "A trailing axis of length one is left from an expand_dims.",
    whole_through(lambda result, g, x, index: (result[0][..., None], None)),
)
patch(
    CUMSUM,
    "contract",
    "leading_axis",
    "An added batch axis is not removed.",
    gradients_through(lambda d: d[None]),
)
patch(
    LOGSUMEXP,
    "contract",
    "flattened_gradient",
    "The gradient comes flat.",
    gradients_through(lambda d: d.reshape(-1)),
    dims={"...": (2, 3)},
)
patch(
    ABS,
    "contract",
    "complex_gradient",
    "Complex numbers with no imaginary part, from an FFT or a complex step.",
    gradients_through(lambda d: d.astype(np.complex128)),
)
patch(
    POWER,
    "contract",
    "object_array",
    "An object array of Python floats, from np.vectorize.",
    gradients_through(lambda d: d.astype(object)),
)
patch(
    UPSAMPLE,
    "contract",
    "integer_gradient",
    "The gradient is written into an integer array.",
    gradients_through(lambda d: np.trunc(d * 8).astype(np.int64)),
)
patch(
    SVM,
    "contract",
    "returns_none",
    "The return statement is missing.",
    whole_through(lambda result, *rest: None),
)
patch(
    MSE,
    "contract",
    "dictionary",
    "Gradients by name instead of in the order of the arguments.",
    whole_through(lambda result, *rest: {"prediction": result[0], "target": result[1]}),
)
patch(
    QUADRATIC_FORM,
    "contract",
    "swapped_order",
    "Gradients in the order of another framework.",
    whole_through(lambda result, *rest: (result[1], result[0])),
)
patch(
    SELECT,
    "contract",
    "none_at_the_end",
    "None stands at the end instead of at the place of the mask.",
    whole_through(lambda result, *rest: (result[1], result[2], None)),
)
patch(
    KL_DIV,
    "contract",
    "single_array",
    "A bare array although there are two arguments.",
    whole_through(lambda result, *rest: result[0]),
)
patch(
    ROTATE_AXES,
    "contract",
    "half_precision",
    "The gradient is handed back in half precision.",
    gradients_through(lambda d: d.astype(np.float16)),
)


def _then_edits(change: Function) -> Spoiler:
    """Differentiates correctly and then edits an input of the caller."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            result = subject.backward(g, *(np.array(value) for value in inputs), **params)
            change(*inputs)
            return result

        return backward

    return wrap


def _centre(x: Any, *rest: Any) -> None:
    x -= 1


def _scale_last(*inputs: Any) -> None:
    inputs[-1][...] *= 0.5


def _drop(x: Any, *rest: Any) -> None:
    x[...] = np.where(x < 0, 0, x)


patch(NORMALIZE, "contract", "input_edited", "`x -= mean` works on the caller's array.", _then_edits(_centre))
patch(ADD, "contract", "second_input_edited", "The weight is updated inside the backward.", _then_edits(_scale_last))
patch(ELU, "contract", "input_masked", "`x[x < 0] = 0` in place.", _then_edits(_drop))
patch(CONV2D, "contract", "bias_edited", "The bias is updated inside the backward.", _then_edits(_scale_last))


def _shared(change: Function) -> Spoiler:
    """Returns memory that the next call with the same shapes writes into."""

    def wrap(subject: Subject) -> Function:
        buffers: dict[Any, Any] = {}

        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            def keep(d: Any) -> Any:
                room = buffers.setdefault((d.shape, d.dtype.str, change(d)), np.empty_like(d))
                room[...] = d
                return room

            result = subject.backward(g, *inputs, **params)
            if isinstance(result, tuple):
                return tuple(None if d is None else keep(np.asarray(d)) for d in result)
            return keep(np.asarray(result))

        return backward

    return wrap


for _subject in (SOFTPLUS, MAX_POOL, DROPOUT):
    patch(
        _subject,
        "contract",
        "workspace_returned",
        "The gradient is a workspace kept for speed; the next call overwrites it.",
        _shared(lambda d: 0),
        scenario="overwrite",
    )
patch(
    LEAKY_RELU,
    "contract",
    "workspace_of_large_arrays",
    "Only arrays of more than 8 elements live in the workspace.",
    _shared(lambda d: 0 if d.size > 8 else object()),
    scenario="overwrite",
    dims={"...": (3, 4)},
)
