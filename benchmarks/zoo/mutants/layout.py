"""Mutants that mistake how numbers lie in memory: right for fresh contiguous arrays, as rivals feed them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from benchmarks.zoo.mutants.wrapping import Spoiler, upstream_through
from benchmarks.zoo.operations.activations import GELU, RELU, TANH
from benchmarks.zoo.operations.convolution import CONV1D, CONV2D, UPSAMPLE
from benchmarks.zoo.operations.elementwise import MULTIPLY, SCALE_CHANNELS
from benchmarks.zoo.operations.indexing import EMBEDDING, ROLL
from benchmarks.zoo.operations.losses import MSE
from benchmarks.zoo.operations.norms import BATCH_NORM, LAYER_NORM, RMS_NORM
from benchmarks.zoo.operations.products import ATTENTION, LINEAR, MATMUL
from benchmarks.zoo.operations.recurrent import LSTM
from benchmarks.zoo.operations.reductions import CUMSUM, SUM
from benchmarks.zoo.operations.rows import SOFTMAX
from benchmarks.zoo.registry import patch
from benchmarks.zoo.subject import Function, Subject


def _memory_order(g: Any) -> Any:
    """The elements as they follow each other in memory."""
    return np.ravel(g, order="K").reshape(g.shape)


def _as_if_contiguous(g: Any) -> Any:
    """What a kernel reads that computes its addresses from the shape alone, in bounds."""
    if g.size == 0 or g.ndim == 0:
        return g
    steps = np.cumprod([1, *g.shape[:0:-1]])[::-1] * g.itemsize
    reach = sum((n - 1) * s for n, s in zip(g.shape, g.strides, strict=True) if s > 0)
    wanted = sum((n - 1) * s for n, s in zip(g.shape, steps, strict=True))
    return as_strided(g, g.shape, tuple(int(s) for s in steps)).copy() if reach >= wanted else g


def _transposed_flag(g: Any) -> Any:
    """Fortran order is taken for `this is the transpose`, and undone."""
    fortran = g.flags.f_contiguous and not g.flags.c_contiguous
    return np.ascontiguousarray(g.T).reshape(g.shape) if fortran else g


def _strides_dropped(g: Any) -> Any:
    """Reads the rows with the first axis' stride halved if they are not packed."""
    packed = g.ndim == 0 or g.strides[-1] == g.itemsize or g.size < 2
    return g if packed else np.roll(g, 1, axis=-1)


def _first_of_expanded(g: Any) -> Any:
    """A stride of zero is taken for `one number`: it is used once and the rest are zero."""
    if 0 not in g.strides or g.size < 2:
        return g
    only = np.zeros(g.shape, g.dtype)
    only.reshape(-1)[0] = g.reshape(-1)[0]
    return only


def _reversed_memory(g: Any) -> Any:
    """A negative stride is dropped, so the rows come in the order of the memory."""
    return g[::-1] if g.ndim and g.strides[0] < 0 else g


def _inputs_through(change: Function) -> Spoiler:
    """The first input is misread, the upstream is not."""

    def wrap(subject: Subject) -> Function:
        def backward(g: Any, x: Any, *inputs: Any, **params: Any) -> Any:
            return subject.backward(g, change(x), *inputs, **params)

        return backward

    return wrap


def _loses_writes(subject: Subject) -> Function:
    """Writes the answer through reshape, which for some layouts is a copy."""

    def backward(g: Any, x: Any, *inputs: Any, **params: Any) -> Any:
        result = subject.backward(g, x, *inputs, **params)
        first = result[0] if isinstance(result, tuple) else result
        d = np.zeros_like(x)  # keeps the layout of x
        d.reshape(-1)[:] = np.asarray(first).reshape(-1)
        return (d, *result[1:]) if isinstance(result, tuple) else d

    return backward


_F: dict[str, Any] = {"layout": "F"}

for _subject in (RELU, LAYER_NORM, MSE):
    extra: dict[str, Any] = {"dims": {"...": (3, 4)}} if "..." in _subject.signature else {}
    patch(
        _subject,
        "layout",
        "input_ravelled_in_memory_order",
        "ravel(order='K') on the input: a fast flat view, and another order for a transposed array.",
        _inputs_through(_memory_order),
        layout="F",
        layout_of="inputs",
        **extra,
    )
for _subject in (LINEAR, CONV2D, SOFTMAX):
    patch(
        _subject,
        "layout",
        "upstream_assumed_contiguous",
        "Kernel issue of many libraries: the upstream is addressed as if it were contiguous.",
        upstream_through(_as_if_contiguous),
        layout="strided",
        layout_of="upstream",
    )
for _subject in (MATMUL, SCALE_CHANNELS):
    patch(
        _subject,
        "layout",
        "upstream_in_memory_order",
        "ravel(order='K') on the upstream, which a sum's backward or a transpose hands over in F order.",
        upstream_through(_memory_order),
        layout="F",
        layout_of="upstream",
    )
for _subject in (TANH, BATCH_NORM):
    patch(
        _subject,
        "layout",
        "writes_lost_in_a_copy",
        "zeros_like keeps the input's layout, and reshape(-1) of it is a copy: the writes are lost.",
        _loses_writes,
        dims={"...": (3, 4)} if "..." in _subject.signature else {},
        **_F,
    )
patch(
    ATTENTION,
    "layout",
    "fortran_taken_for_transposed",
    "An F-ordered upstream is transposed back.",
    upstream_through(_transposed_flag),
    **_F,
)
patch(
    RMS_NORM,
    "layout",
    "input_assumed_contiguous",
    "The input of the backward is a slice of a larger array, read as if it were not.",
    _inputs_through(_as_if_contiguous),
    layout="strided",
    layout_of="inputs",
)
patch(
    CUMSUM,
    "layout",
    "expanded_upstream_used_once",
    "An upstream of stride zero, as the backward of a sum makes it, is taken for one number.",
    upstream_through(_first_of_expanded),
    layout="expanded",
    layout_of="upstream",
)
patch(
    SUM,
    "layout",
    "expanded_upstream_counted_once",
    "A stride of zero is taken for `one number` here too.",
    upstream_through(_first_of_expanded),
    layout="expanded",
    layout_of="upstream",
)
patch(
    ROLL,
    "layout",
    "negative_stride_dropped",
    "The sign of a stride is dropped: a flipped array is read forwards.",
    upstream_through(_reversed_memory),
    layout="negative",
)
patch(
    LSTM,
    "layout",
    "stacked_upstream_misread",
    "The two parts of the upstream are split in memory order.",
    upstream_through(_memory_order),
    layout="F",
    layout_of="upstream",
)
patch(
    UPSAMPLE,
    "layout",
    "row_stride_assumed",
    "Rows that are not packed are read one element off.",
    upstream_through(_strides_dropped),
    layout="strided",
    layout_of="upstream",
)
patch(
    GELU,
    "layout",
    "bytes_of_input",
    "np.frombuffer(x.tobytes('A')): the bytes in memory order.",
    _inputs_through(lambda x: np.frombuffer(x.tobytes("A"), x.dtype).reshape(x.shape)),
    layout="F",
    layout_of="inputs",
    dims={"...": (3, 4)},
)
patch(
    MULTIPLY,
    "layout",
    "input_flipped",
    "A negative stride of the first argument is dropped.",
    _inputs_through(_reversed_memory),
    layout="negative",
    layout_of="inputs",
)
patch(
    CONV1D,
    "layout",
    "input_transposed_when_fortran",
    "An F-ordered input is taken for channels-last.",
    _inputs_through(_transposed_flag),
    layout="F",
    layout_of="inputs",
)
patch(
    EMBEDDING,
    "layout",
    "rows_of_upstream_misread",
    "The upstream is addressed as if it were contiguous.",
    upstream_through(_as_if_contiguous),
    layout="strided",
    layout_of="upstream",
)
