"""The user's double backward: the gradient of sum(grad_grads * backward(grad_output, inputs)) in all its arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import describe, listed
from gradlab.verify.draws import signs
from gradlab.verify.judge import ORACLE_BARS, SPREAD_FACTOR
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.kinks import direction_sides
from gradlab.verify.spread import nudged
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "second_order"

# See `second_order`: differences of a gradient know their error less well than those of a forward.
_FLOOR = 1e-7
_RUNS = 4


def double_backward(trial: Trial, differences: Differences) -> Iterator[Violation]:
    """Judged argument by argument along random directions; `differences` are those of backward, grad_output last."""
    weights = trial.rng.normal(size=differences.output.size)
    arrays = [*trial.case.inputs, trial.grad_output]
    answers, error = _call(trial, arrays, weights)
    if error:
        yield Violation(LAW, "", f"double_backward {error}", {"error": error})
        return
    places = [(len(trial.inputs), "grad_output"), *((k, trial.name(k)) for k in trial.specification.differentiable)]
    for k, name in places:
        answer = answers[k]
        if answer is None or answer.shape != arrays[k].shape:
            shape = "None" if answer is None else f"shape {answer.shape}"
            claim = f"double_backward returns {shape} for {name}, which has shape {arrays[k].shape}"
            yield Violation(LAW, name, claim)
            return
    if not differences.usable:
        return
    spread: list[Array] | None = None
    for k, name in places:
        answer, scale = answers[k], differences.scales[k]
        assert answer is not None
        assert scale is not None
        steps = differences.steps(k, signs(trial.rng, scale.size))
        tangents: list[Array | None] = [None] * len(arrays)
        tangents[k] = steps
        truth = differences.direction(tangents, weights, lambda value, error, magnitude, which: np.zeros(value.size))
        found, exact = float((answer * steps).sum()), float(truth.value[0])
        size = np.fmax(float(truth.magnitude[0]), float(np.abs(answer * steps).sum()))
        bar = _FLOOR * size + ORACLE_BARS * float(truth.error[0]) + float(truth.blur[0])
        if not np.isfinite(exact) or not bar <= 1e-4 * size:
            continue
        if abs(found - exact) <= bar:
            trial.tally.compared(
                "second_order of double_backward", np.array([abs(found - exact) / bar if bar else 0.0])
            )
            continue
        spread = _spread(trial, arrays, weights, answers) if spread is None else spread
        bar += SPREAD_FACTOR["float64"] * float((spread[k] * np.abs(steps)).sum())
        sides = direction_sides(differences, tangents, weights)
        if abs(found - exact) <= bar or sides.kinked or sides.singular:
            continue
        claim = (
            f"along a random direction double_backward gives {found:.9g} for {name} where differences give {exact:.9g}"
        )
        yield Violation(LAW, name, claim, {"found": found, "true": exact, "tolerances": abs(found - exact) / bar})
        return


def _call(trial: Trial, arrays: Sequence[Array], weights: Array) -> tuple[list[Array | None], str]:
    """The answers in the order of `arrays`: inputs first, grad_output last."""
    function, count = trial.specification.extras.double_backward, len(trial.inputs)
    assert function is not None
    grad_grads: list[Array | None] = [None] * count
    start = 0
    for k in trial.specification.differentiable:
        stop = start + arrays[k].size
        grad_grads[k], start = weights[start:stop].reshape(arrays[k].shape).astype(arrays[k].dtype), stop
    copies = [np.array(array) for array in arrays]
    try:
        returned = function(tuple(grad_grads), copies[count], *copies[:count], **trial.params)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return [], f"raises {describe(error)}"
    answers = listed(returned, count + 1)
    if len(answers) != count + 1:
        return [], f"returns {len(answers)} gradients; one for grad_output and one per input are {count + 1}"
    arranged = [*answers[1:], answers[0]]
    return [None if answer is None else np.asarray(answer, dtype=np.float64) for answer in arranged], ""


def _spread(trial: Trial, arrays: Sequence[Array], weights: Array, answers: Sequence[Array | None]) -> list[Array]:
    """Rounding of the double backward, measured by moving its arguments by one ulp."""
    spread = [np.zeros(array.shape) for array in arrays]
    for run in range(_RUNS):
        moved, error = _call(trial, nudged(arrays, trial.rng, together=run % 2 == 0), weights)
        for k, gradient in enumerate([] if error else moved):
            base = answers[k]
            if gradient is not None and base is not None and gradient.shape == base.shape:
                spread[k] = np.fmax(spread[k], np.abs(gradient - base))
    return spread
