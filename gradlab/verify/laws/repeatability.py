"""Law "repeatability": the same question gets the same answer, also when other calls happen in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import listed, numeric
from gradlab.verify.judge import same
from gradlab.verify.laws.randomness import random_backward, random_forward
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "repeatability"

# Threads may sum in another order from run to run; the unavoidable rounding (spread) is never added here, because a
# backward that draws random numbers would hide behind it.
_ROUNDINGS = 64

# State is there in every case or in none: the costlier questions are asked in one case of three.
_EVERY = 3


def repeatability(trial: Trial) -> Iterator[Violation]:
    """The same call again; then a forward and backward on other numbers between forward and backward."""
    if not trial.ran or trial.upstream is None:
        return
    held = [(k, gradient) for k, gradient in enumerate(trial.gradients) if isinstance(gradient, np.ndarray)]
    copies = [np.array(gradient) for _, gradient in held]
    found = [*_compare(trial, trial.again(trial.inputs, trial.upstream.array), "a second call")]
    if trial.case.coordinates == "all" or not trial.case.seed % _EVERY:
        # Once more: a counter that changes every second answer may be in step with the calls of other laws.
        found += _compare(trial, trial.again(trial.inputs, trial.upstream.array), "a third call")
        found += _compare(trial, _interleaved(trial), "a call after another forward")
        found += [] if found else _forward(trial)
    why = (random_forward(trial) or random_backward(trial)) if found else ""
    yield from (replace(violation, claim=f"{violation.claim}; {why}") if why else violation for violation in found)
    for (k, gradient), copy in zip(held, copies, strict=True):
        if k < len(trial.inputs) and not np.array_equal(gradient, copy, equal_nan=True):
            claim = f"a later call overwrites the gradient of {trial.name(k)} that an earlier one returned"
            yield Violation(LAW, trial.name(k), claim)


def _forward(trial: Trial) -> Iterator[Violation]:
    """Noise in forward that backward does not see: no gradient of it exists either."""
    again = trial.caller.forward(trial.inputs, trial.params).output
    if again.shape != trial.output.shape or not again.size or not trial.forward_finite:
        return
    scale = float(np.abs(trial.output).max())
    if not same(trial.output, again, float(np.finfo(trial.output.dtype).eps), 1e4, scale).all():
        yield Violation(LAW, "output", "forward gives other numbers when it is called twice")


def _interleaved(trial: Trial) -> list[Array | None]:
    others = [
        np.array(array[::-1] * array.dtype.type(0.5)) if array.ndim and array.dtype.kind == "f" else array
        for array in trial.inputs
    ]
    first = trial.caller.forward(trial.inputs, trial.params)
    second = trial.caller.forward(others, trial.params)
    if first.error or second.error or second.output.shape != trial.output.shape:
        return [None] * len(trial.inputs)
    assert trial.upstream is not None
    trial.caller.backward(trial.grad_output * 2, others, second.saved, trial.params)
    returned, error = trial.caller.backward(trial.upstream.array, trial.inputs, first.saved, trial.params)
    shapes = [array.shape for array in trial.case.inputs]
    return [None] * len(shapes) if error else numeric(listed(returned, len(shapes)), shapes)


def _compare(trial: Trial, answers: list[Array | None], how: str) -> Iterator[Violation]:
    eps = float(np.finfo(trial.case.dtype).eps)
    for k, answer in enumerate(answers):
        usual = trial.answers[k]
        if answer is None or usual is None or not answer.size:
            continue
        # Rounding is judged on the scale of the whole gradient: other memory may be summed in another order.
        scale = float(np.abs(np.nan_to_num(usual, posinf=0, neginf=0)).max())
        if not same(usual, answer, eps, _ROUNDINGS, scale).all():
            j = int(np.argmax(np.abs(np.nan_to_num(usual - answer, nan=np.inf))))
            pair = float(usual.reshape(-1)[j]), float(answer.reshape(-1)[j])
            claim = f"{how} with the same numbers gives {pair[1]:.9g} for {trial.name(k)} instead of {pair[0]:.9g}"
            yield Violation(LAW, trial.name(k), claim, {"first": pair[0], "then": pair[1]})
