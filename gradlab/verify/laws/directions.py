"""The part of law "value" for all but tiny arrays: random directions see all elements for a few forwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.draws import signs
from gradlab.verify.judge import SPREAD_FACTOR, Verdicts, attainable, compare, indistinct, levels
from gradlab.verify.laws.acquittal import STRETCHES
from gradlab.verify.oracles.estimate import Estimate, Oracle
from gradlab.verify.oracles.kinks import Sides, direction_sides, flat_along, limiting_sides
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

# Large arrays have more to see.
_LARGE, _DIRECTIONS = 24, 2


@dataclass(slots=True)
class Projection:
    """The gradient of one argument along one tangent: a single number, with the tolerance of all its terms."""

    trial: Trial
    argument: int
    steps: Array

    @property
    def tangents(self) -> list[Array | None]:
        """One tangent per argument."""
        tangents: list[Array | None] = [None] * len(self.trial.inputs)
        tangents[self.argument] = self.steps
        return tangents

    @property
    def terms(self) -> Array:
        """Gradient times tangent, element by element."""
        return np.asarray(self.trial.answers[self.argument]) * self.steps

    def judge(self, estimate: Estimate, extra: float = 0.0) -> Verdicts:
        """Each element brings its own rounding, weighed with how far it is moved."""
        trial, answer = self.trial, np.asarray(self.trial.answers[self.argument])
        x = trial.case.inputs[self.argument].astype(np.float64)
        scales = trial.scales(self.argument)
        rounding = float((attainable(answer, np.abs(answer), x, scales) * np.abs(self.steps)).sum())
        size = np.fmax(estimate.magnitude, float(np.abs(self.terms).sum()))
        tolerance = rounding + 24 * scales.eps * size + extra
        total = np.array([float(self.terms.sum())])
        blur = np.maximum(estimate.blur, indistinct(scales) * float(np.abs(self.steps).sum()))
        return compare(total, estimate.value, estimate.error, size, tolerance, trial.case.dtype, blur)

    def ask(self, oracle: Oracle) -> Estimate:
        """The oracle's number for this direction."""
        return oracle.direction(
            self.tangents,
            self.trial.weights,
            lambda v, e, m, _: levels(self.judge(Estimate(v, e, m, np.zeros(v.size)))),
        )


def directions(trial: Trial, references: list[Oracle]) -> Iterator[Violation]:
    """Random signed directions for each argument, in units of each element's own scale."""
    differences = trial.differences
    if not differences.usable:
        return
    for k in trial.specification.differentiable:
        answer, scale = trial.answers[k], differences.scales[k]
        if answer is None or scale is None or not answer.size or not np.isfinite(answer).all():
            continue
        for _ in range(_DIRECTIONS if answer.size > _LARGE else 1):
            steps = differences.steps(k, signs(trial.rng, answer.size))
            violation = _along(Projection(trial, k, steps), references)
            if violation is not None:
                yield violation
                return


def _along(projection: Projection, references: list[Oracle]) -> Violation | None:
    trial, k = projection.trial, projection.argument
    estimate = projection.ask(trial.differences)
    verdicts = projection.judge(estimate)
    name = trial.name(k)
    if verdicts.verified.any():
        trial.tally.record(name, trial.case.dtype, trial.differences.name, 1, float(verdicts.ratio[0]))
    if not verdicts.differs.any():
        return None
    spread = trial.spread[k]
    factor = SPREAD_FACTOR[trial.case.dtype]
    extra = 0.0 if spread is None else factor * float((spread * np.abs(projection.steps)).sum())
    verdicts = projection.judge(estimate, extra)
    if not verdicts.differs.any():
        return None
    estimate = _refined(projection, estimate)
    verdicts = projection.judge(estimate, extra)
    if not verdicts.differs.any():
        return None
    for reference in references:
        seen = projection.judge(projection.ask(reference), extra)
        if (seen.agrees | seen.covered).any():
            return None
    total = float(projection.terms.sum())
    sides = direction_sides(trial.differences, projection.tangents, trial.weights)
    if not projection.terms.any() and flat_along(trial.differences, projection.tangents, trial.weights):
        return None
    bars = extra + 3 * float(estimate.error[0])
    if sides.singular or (sides.kinked and _inside(total, sides, bars)):
        return None
    if _ties(trial):
        limits = limiting_sides(trial.differences, projection.tangents, trial.weights, trial.rng)
        if limits.singular or _inside(total, limits.joined(sides), bars):
            return None
    truth, oracle = float(estimate.value[0]), trial.differences.name
    evidence = {
        "backward": total,
        "true": truth,
        "oracle": oracle,
        "oracle error": float(estimate.error[0]),
        "tolerances": float(verdicts.ratio[0]),
    }
    claim = f"along a random direction the gradient of {name} gives {total:.9g} where {oracle} give {truth:.9g}"
    return Violation("value", name, claim, evidence, provisional=trial.case.dtype == "float32")


def _refined(projection: Projection, estimate: Estimate) -> Estimate:
    """The scatter of repeated differences joins the error, as it does for coordinates."""
    scatter = 0.0
    for stretch in STRETCHES:
        again = Projection(projection.trial, projection.argument, projection.steps * stretch)
        found = again.ask(projection.trial.differences)
        surplus = max(0.0, float(found.error[0]) / stretch - 2 * float(estimate.error[0]))
        distance = abs(float(found.value[0]) / stretch - float(estimate.value[0])) - surplus
        scatter = max(scatter, distance if np.isfinite(distance) else 0.0)
    return Estimate(estimate.value, estimate.error + 4 * scatter, estimate.magnitude, estimate.blur)


def _inside(total: float, sides: Sides, bars: float) -> bool:
    slack = 1e-4 * (sides.high - sides.low) + bars
    return sides.low - slack <= total <= sides.high + slack


def _ties(trial: Trial) -> bool:
    """Whether equal numbers meet in an argument: order statistics then have several gradients."""
    arrays = [trial.case.inputs[k] for k in trial.specification.differentiable]
    return any(np.unique(array).size < array.size for array in arrays)
