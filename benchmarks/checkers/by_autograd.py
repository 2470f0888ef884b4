"""HIPS autograd's check_grads on a primitive with the backward as its VJP, reverse mode, first order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.checkers.outcome import Outcome
from benchmarks.checkers.pair import Pair
from benchmarks.zoo.subject import Subject


def check(subject: Subject, correct: Subject, seed: int) -> Outcome:
    """Its tolerances are constants; its directions come from NumPy's global generator."""
    pair = Pair(subject, correct, seed)
    np.random.seed(seed)  # noqa: NPY002 - the one that autograd draws from
    from autograd.test_util import check_grads

    function, positions = wrap(pair), pair.differentiable

    def call() -> None:
        check_grads(function, positions[0] if len(positions) == 1 else positions, modes=["rev"], order=1)(*pair.inputs)

    return pair.judge(call)


def wrap(pair: Pair) -> Any:
    """The pair as a primitive; its one backward gives the gradients of all arguments."""
    from autograd.extend import defvjp_argnums, primitive

    @primitive  # type: ignore[untyped-decorator,unused-ignore]
    def function(*arrays: Any) -> Any:
        return pair.forward(arrays)

    def vjp(argnums: tuple[int, ...], ans: Any, arrays: Any, kwargs: Any) -> Callable[[Any], tuple[Any, ...]]:
        def gradients(grad_output: Any) -> tuple[Any, ...]:
            result = pair.backward(grad_output, arrays)
            everything = (result,) if isinstance(result, np.ndarray | np.generic) else result
            return tuple(everything[k] for k in argnums)

        return gradients

    defvjp_argnums(function, vjp)
    return function
