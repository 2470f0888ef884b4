"""Law "jvp": <JVP(u), g> = <u, VJP(g)>, the two directions of differentiation seen through one number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import describe
from gradlab.verify.draws import signs
from gradlab.verify.judge import ORACLE_BARS, SPREAD_FACTOR, indistinct
from gradlab.verify.laws.smoothness import rough_along
from gradlab.verify.spread import nudged
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "jvp"

# Both sides are sums of as many products as there are numbers; each factor carries a few roundings of its own.
_ROUNDINGS = 64
_RUNS = 4

# Tolerances apart that both sides may be where differences cannot tell which of them is wrong.
_UNDECIDED = 8


def jvp(trial: Trial) -> Iterator[Violation]:
    """For operations and users that have a forward-mode derivative; needs no oracle, and asks one who is wrong."""
    function = trial.specification.extras.jvp
    if function is None or not trial.ran or not trial.forward_finite or not trial.output.size:
        return
    tangents = [_tangent(trial, k) for k in range(len(trial.inputs))]
    pushed, error = _push(trial, trial.case.inputs, tangents)
    if error or pushed is None:
        yield Violation(LAW, "", f"jvp raises {error}", {"error": error})
        return
    if pushed.shape != trial.output.shape:
        claim = f"jvp returns shape {pushed.shape}; the output has {trial.output.shape}"
        yield Violation(LAW, "output", claim, {"shape": pushed.shape, "expected": trial.output.shape})
        return
    answers = [
        (answer, tangent)
        for answer, tangent in zip(trial.answers, tangents, strict=True)
        if answer is not None and tangent is not None
    ]
    if not all(np.isfinite(answer).all() for answer, _ in answers):
        return
    left = float((pushed.reshape(-1) * trial.weights).sum())
    right = sum(float((answer * tangent).sum()) for answer, tangent in answers)
    yield from _judge(trial, tangents, pushed, left, right)


def _tangent(trial: Trial, k: int) -> Array | None:
    if k not in trial.specification.differentiable:
        return None
    array, scale = trial.case.inputs[k], trial.differences.scales[k]
    assert scale is not None
    # In units of each element's own scale: a tiny number is moved as far as its digits see.
    units = signs(trial.rng, array.shape) * trial.rng.uniform(0.5, 1.0, size=array.shape)
    return np.asarray(units * scale.reshape(array.shape)).astype(array.dtype)


def _push(trial: Trial, inputs: Sequence[Array], tangents: Sequence[Array | None]) -> tuple[Array | None, str]:
    function = trial.specification.extras.jvp
    assert function is not None
    try:
        pushed = np.asarray(function(tuple(tangents), *(np.array(array) for array in inputs), **trial.params))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return None, describe(error)
    return (pushed.astype(np.float64), "") if pushed.dtype.kind == "f" else (None, f"returns dtype {pushed.dtype}")


def _judge(trial: Trial, tangents: list[Array | None], pushed: Array, left: float, right: float) -> Iterator[Violation]:
    eps, single = float(np.finfo(trial.case.dtype).eps), trial.case.dtype == "float32"
    size = float(np.abs(pushed.reshape(-1) * trial.weights).sum())
    slack = 0.0
    for k, (answer, tangent) in enumerate(zip(trial.answers, tangents, strict=True)):
        if answer is None or tangent is None:
            continue
        size += float(np.abs(answer * tangent).sum())
        scales = trial.scales(k)
        # Terms of the size of the upstream that cancel inside a gradient, as in a saturated softmax.
        slack += (indistinct(scales) + 8 * eps * scales.largest) * float(np.abs(tangent).sum())
    tolerance = _ROUNDINGS * eps * size + slack
    if abs(left - right) <= tolerance:
        trial.tally.compared(LAW, np.array([abs(left - right) / tolerance if tolerance else 0.0]))
        return
    if not np.isfinite(right):
        return
    tolerance += _measured(trial, tangents, pushed)
    if abs(left - right) <= tolerance or rough_along(trial, tangents):
        return
    truth = trial.differences.direction(tangents, trial.weights, lambda v, e, m, _: np.zeros(v.size))
    exact, error = float(truth.value[0]), ORACLE_BARS * float(truth.error[0]) + tolerance
    if error > abs(left - right) and np.isfinite(error):
        exact = np.nan
        # A few runs see the largest of many roundings only in part, and nobody else sees a difference.
        if abs(left - right) <= _UNDECIDED * tolerance:
            return
    wrong = "one of the two is wrong"
    if abs(right - exact) <= error:
        wrong = f"differences give {exact:.9g}: jvp is wrong"
    elif abs(left - exact) <= error:
        wrong = f"differences give {exact:.9g}: backward is wrong"
    claim = f"<jvp(u), grad_output> = {left:.9g}, but <u, backward(grad_output)> = {right:.9g}; {wrong}"
    evidence = {"jvp": left, "backward": right, "differences": exact, "tolerances": abs(left - right) / tolerance}
    yield Violation(LAW, "", claim, evidence, provisional=single)


def _measured(trial: Trial, tangents: list[Array | None], pushed: Array) -> float:
    """Rounding of both sides, measured by moving the inputs by one ulp."""
    factor = SPREAD_FACTOR[trial.case.dtype]
    total = 0.0
    for spread, tangent in zip(trial.spread, tangents, strict=True):
        if spread is not None and tangent is not None:
            total += float((spread * np.abs(tangent)).sum())
    moved = np.zeros(pushed.shape)
    for run in range(_RUNS):
        again, _ = _push(trial, nudged(trial.case.inputs, trial.rng, together=run % 2 == 0), tangents)
        if again is not None and again.shape == pushed.shape:
            moved = np.fmax(moved, np.abs(again - pushed))
    return factor * (total + float((moved.reshape(-1) * np.abs(trial.weights)).sum()))
