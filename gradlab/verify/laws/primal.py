"""Law "primal": forward computes what its independent reference computes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.noise import output_noise
from gradlab.verify.oracles.steps import scales
from gradlab.verify.references import Reference
from gradlab.verify.spread import nudged, output_spread
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "primal"

_RUNS = 6

# Large steps: a reference whose inner numbers are 1e7 times the input does not move at smaller ones.
_STEPS = (-30, -27, -24, -21, -18)


def primal(trial: Trial) -> Iterator[Violation]:
    """Compared before any gradient: a reference of another function is no oracle."""
    if trial.upstream is None or not trial.references:
        return
    wide = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in trial.case.inputs]
    for reference in trial.references:
        truth = reference.output(wide, trial.params)
        if truth is None:
            if not reference.exact:
                trial.tally.skipped[f"{reference.name} refuses the case"] += 1
            continue
        if truth.shape != trial.output.shape:
            claim = f"forward returns shape {trial.output.shape}, the reference ({reference.name}) {truth.shape}"
            yield Violation(LAW, "output", claim)
            continue
        yield from _values(trial, reference, wide, truth)


def _values(trial: Trial, reference: Reference, wide: list[Array], truth: Array) -> Iterator[Violation]:
    found = trial.output.astype(np.float64)
    eps = float(np.finfo(trial.case.dtype).eps)
    finite = np.isfinite(truth) & np.isfinite(found)
    if not finite.any():
        return
    miss = np.where(finite, np.abs(found - truth), 0.0)
    largest = float(np.abs(truth[finite]).max())
    tolerance = 100 * eps * np.abs(truth) + 8 * eps * largest + float(np.finfo(trial.case.dtype).tiny) * 1e6
    if (miss <= np.where(finite, tolerance, np.inf)).all():
        return
    # The conditioning of forward, for it and for the reference alike. Generous: a reference of another function shows
    # in every mild case.
    moved = output_spread(trial.caller, trial.case.inputs, found, trial.params, trial.rng, trial.case.dtype)
    tolerance = tolerance + 1e3 * moved + 100 * eps * trial.natural(truth[finite]) + 10 * trial.forward_error * largest
    # A reference may round more than the forward does: batch norm at mean 1e8 does, where the forward recentres.
    if not reference.exact:
        tolerance = (
            tolerance + 10 * _scatter(trial, reference, wide, truth) + 10 * _noise(trial, reference, wide, truth)
        )
    wrong = finite & (miss > tolerance)
    if wrong.any():
        k = int(np.argmax(np.where(wrong, miss / tolerance, 0)))
        pair = float(found.reshape(-1)[k]), float(truth.reshape(-1)[k])
        claim = f"forward gives {pair[0]:.9g} where the reference ({reference.name}) gives {pair[1]:.9g}"
        yield Violation(LAW, "output", claim, {"forward": pair[0], "reference": pair[1]})


def _scatter(trial: Trial, reference: Reference, wide: list[Array], truth: Array) -> Array:
    """How far the reference's output moves when its inputs move by one ulp: its own rounding shows in it."""
    scatter = np.zeros(truth.shape)
    for run in range(_RUNS):
        moved = reference.output(nudged(wide, trial.rng, together=run % 2 == 0), trial.params)
        if moved is not None:
            scatter = np.fmax(scatter, np.abs(moved - truth))
    return np.asarray(scatter)


def _noise(trial: Trial, reference: Reference, wide: list[Array], truth: Array) -> Array:
    """The rounding of numbers inside the reference: 2 sigmoid(2 x) - 1 rounds at 1 where tanh(x) is 1e-6."""

    def evaluate(inputs: Sequence[Array]) -> Array:
        found = reference.output(inputs, trial.params)
        return truth.reshape(-1) if found is None or found.shape != truth.shape else found.reshape(-1)

    sizes = [scales(array) if array.dtype.kind == "f" else None for array in wide]
    found = output_noise(evaluate, wide, sizes, truth.reshape(-1), trial.rng, False, _STEPS)
    # By luck a single output may show none of its rounding.
    return np.full(truth.shape, found.rounding.max(initial=0.0))
