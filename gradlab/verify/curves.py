"""Two curves that tell a wrong gradient from a badly chosen step: central differences and the Taylor remainder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.draws import signs
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.report import plain
from gradlab.verify.trial import Trial

# Steps of the V-curve, in units of the element's own scale (the power of two below |x|): those that people choose from.
STEPS = np.logspace(-1, -16, 46)

# Steps of the Taylor remainder: powers of two, so that x + h v rounds as little as possible.
HALVINGS = 2.0 ** -np.arange(3, 37)

# A remainder below so many roundings of the loss is noise; the slope is fitted to the smallest steps above it.
_NOISE = 64.0
_FITTED = 4


def against_step(trial: Trial, argument: int, element: int, true: float, error: float) -> dict[str, Any]:
    """The error of plain central differences of one element for every step, in each precision there is.

    `backward` and `true` are the two answers, `bound` is the oracle's error; each curve is a list of absolute errors,
    one for each entry of `step` (in units of `scale`), None where forward gives no finite number there.
    """
    answer = np.asarray(trial.answers[argument])
    index = np.unravel_index(element, answer.shape) if answer.ndim else ()
    found = [differences for differences in (_in_double(trial), trial.differences) if differences.usable]
    scale = _scale(trial, argument, element)
    curves = {
        "longdouble" if differences.extended else "float64": [
            _quotient_error(differences, argument, element, trial.weights, step * scale, true) for step in STEPS
        ]
        for differences in found
    }
    backward = float(answer.reshape(-1)[element])
    return {
        "index": [int(i) for i in index],
        "backward": plain(backward),
        "true": true,
        "miss": plain(abs(backward - true)),
        "bound": error,
        "scale": scale,
        "step": STEPS.tolist(),
        "curves": curves,
    }


def taylor(trial: Trial, argument: int, estimate: Estimate, wrong: Array) -> dict[str, Any] | None:
    """The remainder |L(x + h v) - L(x) - h <gradient, v>| for backward's gradient and for the true one.

    L is the output weighted with grad_output. A right gradient leaves a remainder of order h^2 (slope 2 in a log-log
    plot), a wrong one of order h (slope 1). `v` moves every element by its own scale, with random signs, those of wrong
    elements along their error, which could cancel otherwise. A slope of None: no remainder above rounding, as of a
    function that is linear along v. None instead of all where a gradient is not finite or not known.
    """
    differences, answer = trial.differences, np.asarray(trial.answers[argument]).reshape(-1)
    scale = differences.scales[argument]
    if scale is None or not (np.isfinite(answer) & np.isfinite(estimate.value)).all():
        return None
    rng = np.random.default_rng((trial.case.seed, 3))
    units = np.where(wrong, np.sign(answer - estimate.value), signs(rng, answer.size))
    room = differences.reach(argument) >= scale * HALVINGS[0]
    direction = np.where(room, units * scale, 0.0)
    work = differences.work
    weights = trial.weights.astype(work)
    tangents: list[Array | None] = [None] * len(trial.inputs)
    tangents[argument] = direction.reshape(trial.inputs[argument].shape)
    changes = np.array([(differences.shifted(tangents, h) - differences.output) @ weights for h in HALVINGS], work)
    rounding = float(np.finfo(work).eps) * float(np.abs(weights) @ np.abs(differences.output))
    doubt = float(estimate.error @ np.abs(direction))
    result: dict[str, Any] = {"step": HALVINGS.tolist()}
    for name, gradient, uncertain in (("backward", answer, 0.0), ("true", estimate.value, doubt)):
        remainder = np.abs(changes - HALVINGS.astype(work) * work(gradient @ direction)).astype(np.float64)
        clear = np.isfinite(remainder) & (remainder > _NOISE * rounding + 3 * uncertain * HALVINGS)
        result[name] = [float(r) if np.isfinite(r) else None for r in remainder]
        result[f"{name} slope"] = _slope(HALVINGS[clear], remainder[clear])
    return result


def _slope(steps: Array, remainder: Array) -> float | None:
    """Least squares through the smallest steps, where the leading power rules."""
    if steps.size < 3:
        return None
    return float(np.polyfit(np.log(steps[-_FITTED:]), np.log(remainder[-_FITTED:]), 1)[0])


def _in_double(trial: Trial) -> Differences:
    """The differences that people take by hand: in float64, whatever else the forward could run in."""
    subject = replace(trial.caller.subject, extended=False)
    return Trial(trial.case, trial.specification, replace(trial.caller, subject=subject)).differences


def _scale(trial: Trial, argument: int, element: int) -> float:
    scale = trial.differences.scales[argument]
    return 1.0 if scale is None else float(scale[element])


def _quotient_error(
    differences: Differences, argument: int, element: int, weights: Array, step: float, true: float
) -> float | None:
    if step > float(differences.reach(argument)[element]):
        return None
    h = differences.work(step)
    moved = differences.along(argument, element, h) - differences.along(argument, element, -h)
    error = abs(float(moved @ weights.astype(differences.work) / (2 * h)) - true)
    return error if np.isfinite(error) else None
