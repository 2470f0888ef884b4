"""Mutants that remember: stale caches, accumulation, random numbers, call counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.mutants.wrapping import each
from benchmarks.zoo.operations.activations import ELU, SIGMOID, logistic
from benchmarks.zoo.operations.convolution import CONV2D, MAX_POOL
from benchmarks.zoo.operations.elementwise import DIVIDE, SQRT
from benchmarks.zoo.operations.indexing import GATHER
from benchmarks.zoo.operations.losses import BCE, CROSS_ENTROPY
from benchmarks.zoo.operations.norms import BATCH_NORM, GROUP_NORM, LAYER_NORM, statistics, through
from benchmarks.zoo.operations.products import ATTENTION, LINEAR
from benchmarks.zoo.operations.recurrent import GRU
from benchmarks.zoo.operations.reductions import STD, VAR
from benchmarks.zoo.operations.rows import SOFTMAX, softmax
from benchmarks.zoo.registry import mutant_pair, patch
from benchmarks.zoo.subject import Array, Function, Subject


def _accumulates(subject: Subject) -> Function:
    """Adds to the gradients of earlier calls with the same shapes."""
    kept: dict[Any, Any] = {}

    def backward(g: Any, *inputs: Any, **params: Any) -> Any:
        result = subject.backward(g, *inputs, **params)
        key = tuple(np.shape(value) for value in inputs)
        if key in kept:
            before = iter([d for d in kept[key] if d is not None])
            result = each(result, lambda d: d + next(before).astype(d.dtype))
        kept[key] = result if isinstance(result, tuple) else (result,)
        return result

    return backward


def _first_answer(subject: Subject) -> Function:
    """Memoises by shape: the first answer for every later call."""
    kept: dict[Any, Any] = {}

    def backward(g: Any, *inputs: Any, **params: Any) -> Any:
        key = (np.shape(g), *(np.shape(value) for value in inputs), g.dtype.str)
        if key not in kept:
            kept[key] = subject.backward(g, *inputs, **params)
        return each(kept[key], np.copy)

    return backward


def _every_second_call(subject: Subject) -> Function:
    """A debugging counter: every second call is doubled."""
    calls = 0

    def backward(g: Any, *inputs: Any, **params: Any) -> Any:
        nonlocal calls
        calls += 1
        result = subject.backward(g, *inputs, **params)
        return each(result, lambda d: 2 * d) if calls % 2 == 0 else result

    return backward


def _noise(scale: float) -> Any:
    def wrap(subject: Subject) -> Function:
        generator = np.random.default_rng(5)

        def backward(g: Any, *inputs: Any, **params: Any) -> Any:
            def add(d: Any) -> Any:
                return (d * (1 + scale * generator.standard_normal(d.shape))).astype(d.dtype)

            return each(subject.backward(g, *inputs, **params), add)

        return backward

    return wrap


for _subject in (LINEAR, CONV2D, BATCH_NORM):
    patch(
        _subject,
        "state",
        "gradients_accumulated",
        "Course classic: `self.grad +=` without zeroing, so the second call holds the first.",
        _accumulates,
        scenario="repeat",
    )
for _subject in (ATTENTION, DIVIDE):
    patch(
        _subject,
        "state",
        "memoised_by_shape",
        "A cache whose key is the shapes: later calls get the gradients of the first.",
        _first_answer,
        scenario="interleave",
    )
for _subject in (GRU, STD):
    patch(
        _subject,
        "state",
        "counts_its_calls",
        "A debugging counter changes every second answer.",
        _every_second_call,
        scenario="repeat",
    )
patch(SQRT, "state", "gradient_noise", "Noise of 1e-3 for regularisation, left on.", _noise(1e-3))
patch(CROSS_ENTROPY, "state", "slight_noise", "Stochastic rounding of 1e-6 in the backward.", _noise(1e-6), least=1e-8)
patch(GATHER, "state", "row_noise", "Differential privacy noise, left on.", _noise(1e-2))


@mutant_pair(SOFTMAX, "state", scenario="interleave")
def last_output_used() -> Any:
    """The layer saves one output; two forwards in a row, and the backward of the first is wrong."""
    saved: dict[tuple[int, ...], Array] = {}

    def forward(x: Array) -> Any:
        saved[x.shape] = softmax(x)
        return saved[x.shape].copy()

    def backward(g: Array, x: Array) -> Any:
        y = saved.get(x.shape)
        y = softmax(x) if y is None else y.astype(x.dtype)
        return y * (g - (g * y).sum(axis=-1, keepdims=True))

    return forward, backward


@mutant_pair(SIGMOID, "state", scenario="interleave")
def one_saved_output() -> Any:
    """One saved output for all calls; recomputed only when its shape does not fit."""
    saved: dict[str, Array] = {}

    def forward(x: Array) -> Any:
        y = logistic(x)
        saved["y"] = np.array(y)
        return y

    def backward(g: Array, x: Array) -> Any:
        y = saved.get("y", x)
        y = y.astype(x.dtype) if y.shape == x.shape and y is not x else logistic(x)
        return g * y * (1 - y)

    return forward, backward


@mutant_pair(LAYER_NORM, "state", scenario="interleave")
def statistics_of_last_call() -> Any:
    """Mean and deviation are attributes of the layer, overwritten by the next forward."""
    saved: dict[tuple[int, ...], Any] = {}

    def forward(x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
        x_hat, inverse = statistics(x, -1, eps)
        saved[x.shape] = inverse
        return gamma * x_hat + beta

    def backward(g: Array, x: Array, gamma: Array, beta: Array, eps: float = 1e-5) -> Any:
        d = LAYER_NORM.backward(g, x, gamma, beta, eps)
        x_hat, inverse = statistics(x, -1, eps)
        dx = through(g * gamma, x_hat, saved.get(x.shape, inverse).astype(x.dtype), -1)
        return dx, *d[1:]

    return forward, backward


@mutant_pair(MAX_POOL, "state", scenario="interleave")
def winners_of_last_call() -> Any:
    """The indices of the winners are kept on the layer."""
    saved: dict[Any, Array] = {}

    def forward(x: Array, kernel: int = 2, stride: int = 2) -> Any:
        saved[x.shape] = x.copy()
        return MAX_POOL.forward(x, kernel, stride)

    def backward(g: Array, x: Array, kernel: int = 2, stride: int = 2) -> Any:
        return MAX_POOL.backward(g, saved.get(x.shape, x).astype(x.dtype), kernel, stride)

    return forward, backward


@mutant_pair(VAR, "state", scenario="repeat")
def frees_after_use() -> Any:
    """The saved mean is freed by the first backward; the second finds nothing and takes zero."""
    saved: dict[tuple[int, ...], Any] = {}

    def forward(x: Array, ddof: int = 0) -> Any:
        saved[x.shape] = x.mean(axis=0)
        return VAR.forward(x, ddof)

    def backward(g: Array, x: Array, ddof: int = 0) -> Any:
        saved.pop(x.shape, None)
        used = x.mean(axis=0) if x.shape not in done else 0
        done.add(x.shape)
        return (g * 2 * (x - used) / (x.shape[0] - ddof)).astype(x.dtype)

    done: set[tuple[int, ...]] = set()
    return forward, backward


@mutant_pair(BCE, "state", scenario="repeat")
def loss_scale_grows() -> Any:
    """A dynamic loss scale is doubled by every call and never taken out again."""
    scale = 1.0

    def backward(g: Array, logits: Array, target: Array) -> Any:
        nonlocal scale
        result = each(BCE.backward(g, logits, target), lambda d: (d * scale).astype(d.dtype))
        scale = min(scale * 2, 2.0**20)
        return result

    return BCE.forward, backward


@mutant_pair(GROUP_NORM, "state", scenario="interleave")
def groups_of_last_call() -> Any:
    """The scale is taken from an attribute which the last forward set."""
    saved: dict[tuple[int, ...], Array] = {}

    def forward(x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
        saved[gamma.shape] = gamma.copy()
        return GROUP_NORM.forward(x, gamma, beta, groups, eps)

    def backward(g: Array, x: Array, gamma: Array, beta: Array, groups: int = 2, eps: float = 1e-5) -> Any:
        used = saved.get(gamma.shape, gamma).astype(gamma.dtype)
        return GROUP_NORM.backward(g, x, used, beta, groups, eps)

    return forward, backward


@mutant_pair(ELU, "state", scenario="repeat")
def warm_up() -> Any:
    """The first call returns before the parameters are set: alpha counts from the second call on."""
    seen: set[tuple[int, ...]] = set()

    def backward(g: Array, x: Array, alpha: float = 1.0) -> Any:
        used = alpha if x.shape not in seen else alpha * 0.999
        seen.add(x.shape)
        return ELU.backward(g, x, used)

    return ELU.forward, backward
