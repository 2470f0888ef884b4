"""jax.test_util.check_grads on a custom_vjp whose halves call NumPy by pure_callback, reverse mode, 64 bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.test_util import check_grads

from benchmarks.checkers.outcome import Outcome
from benchmarks.checkers.pair import Pair
from benchmarks.zoo.subject import Subject


def check(subject: Subject, correct: Subject, seed: int) -> Outcome:
    """Default tolerances; its one random direction is always the same, so the seed changes the inputs alone."""
    jax.config.update("jax_enable_x64", True)
    jax.clear_caches()  # it keeps every wrapped function: after a thousand checks 3 GB, and each ten times slower
    pair = Pair(subject, correct, seed)
    function = wrap(pair)
    arguments = [pair.inputs[k] for k in pair.differentiable]

    def call() -> None:
        check_grads(function, arguments, order=1, modes=["rev"])

    return pair.judge(call)


def wrap(pair: Pair) -> Any:
    """The pair as a function of its differentiable arguments; the others are constants of it."""

    def inputs_of(arrays: Sequence[Any]) -> list[Any]:
        inputs = list(pair.inputs)
        for k, array in zip(pair.differentiable, arrays, strict=True):
            inputs[k] = np.asarray(array)
        return inputs

    def run_forward(*arrays: Any) -> Any:
        return pair.forward(inputs_of(arrays))

    def run_backward(grad_output: Any, *arrays: Any) -> Any:
        inputs = inputs_of(arrays)
        result = pair.backward(np.asarray(grad_output), inputs)
        gradients = (result,) if isinstance(result, np.ndarray | np.generic) else result
        if len(gradients) != len(inputs):  # custom_vjp itself compares the structures
            raise TypeError(f"{len(gradients)} gradients for {len(inputs)} arguments")
        # None means zeros to custom_vjp; pure_callback compares shapes and dtypes.
        return tuple(
            np.zeros_like(inputs[k]) if gradients[k] is None else np.asarray(gradients[k]) for k in pair.differentiable
        )

    output = jax.ShapeDtypeStruct(pair.output_shape, pair.output_dtype)

    @jax.custom_vjp
    def function(*arrays: Any) -> Any:
        return jax.pure_callback(run_forward, output, *arrays)

    def forward(*arrays: Any) -> Any:
        return function(*arrays), arrays

    def backward(arrays: Any, grad_output: Any) -> Any:
        shapes = tuple(jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays)
        return jax.pure_callback(run_backward, shapes, grad_output, *arrays)

    function.defvjp(forward, backward)
    return function
