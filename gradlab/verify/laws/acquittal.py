"""Why an element that misses the oracle may still be right: a kink, a tie, a singular point, scattered differences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.oracles.kinks import (
    LIMIT_POINTS,
    Sides,
    coordinate_sides,
    direction_sides,
    equals,
    flat,
    lies_between,
    limiting_coordinate,
    limiting_sides,
)
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

# An answer inside a bracket is right; this part of the bracket's width forgives its own rounding.
_SLACK = 1e-4

_TIE_DIRECTIONS = 3

# Of thirty equal elements one is extreme, and each place of a sorted array must have had it.
_TIE_POINTS = 10 * LIMIT_POINTS

# How much nearer to the answer the slope close by is than a difference of wide steps which it acquits of.
_NEARER = 1e-3

# Steps of a disputed difference, once more: rounding scatters, and two samples of it may both be small by luck.
STRETCHES = (0.75, 0.875, 1.125, 1.25)


class Acquittal:
    """Examines suspects of one trial; remembers kinked elements, to test them together with `ties`."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self._kinked: list[tuple[int, int]] = []

    def refined(self, argument: int, element: int, estimate: Estimate) -> Estimate:
        """The estimate with the scatter of repeated differences added to its error."""
        differences = self.trial.differences
        scatter = 0.0
        for stretch in STRETCHES:
            again = differences.repeated(argument, element, self.trial.weights, stretch)
            # Errors of the same size are the scatter that is asked for; larger ones say little about the first.
            distance = np.abs(again.value - estimate.value) - np.maximum(again.error - 2 * estimate.error, 0.0)
            scatter = max(scatter, float(np.nan_to_num(distance, nan=0.0)[0]))
        return Estimate(estimate.value, estimate.error + 4 * scatter, estimate.magnitude, estimate.blur)

    def kink(self, argument: int, element: int, answer: float, tolerance: float) -> bool:
        """True where the answer lies between the slopes on both sides, or where slopes grow without bound."""
        if not np.isfinite(answer):
            return False
        trial = self.trial
        if answer == 0 and flat(trial.differences, argument, element, trial.weights):
            return True
        sides = coordinate_sides(trial.differences, argument, element, trial.weights)
        if sides.singular:
            trial.tally.skipped["singular point"] += 1
            return True
        if sides.kinked and _inside(answer, sides, tolerance):
            self._kinked.append((argument, element))
            trial.tally.skipped["kink"] += 1
            return True
        if not self._tied(argument, element) and not sides.kinked:
            return False
        limits = limiting_coordinate(trial.differences, argument, element, trial.weights, trial.rng)
        wide = limits.high - limits.low > _SLACK * max(abs(limits.high), abs(limits.low))
        if wide and _inside(answer, limits.joined(sides), tolerance):
            trial.tally.skipped["tie"] += 1
            return True
        return False

    def near(self, argument: int, element: int, answer: float, value: float) -> bool:
        """True where the slope on both sides close by is the answer, and `value` that of steps across a kink.

        All steps but the smallest may lie across it, for a tiny number beside large ones, and agree: then they look
        more exact than the small ones, which the large numbers' rounding blurs. A step that is lost in it gives 0.
        """
        if not answer or not np.isfinite(answer):
            return False
        trial = self.trial
        sides = coordinate_sides(trial.differences, argument, element, trial.weights)
        found = not sides.kinked and abs(answer - sides.low) <= _NEARER * abs(answer - value)
        if not found and not lies_between(trial.differences, argument, element, trial.weights, answer, value):
            return False
        trial.tally.skipped["kink"] += 1
        return True

    def _tied(self, argument: int, element: int) -> bool:
        # A hull of neighbouring gradients is offered at ties only: elsewhere it would forgive real errors.
        inputs = self.trial.case.inputs
        at_zero = inputs[argument].reshape(-1)[element] == 0
        return bool(at_zero) or any(mask.any() for mask in equals(inputs, argument, element))

    def direction(self, tangents: list[Any]) -> Sides:
        """Bracket along a joint direction."""
        return direction_sides(self.trial.differences, tangents, self.trial.weights)

    def ties(self) -> Iterator[Violation]:
        """Kinked elements moved together: maximum(a, b) at a == b may give 1 to either or share it, not 1 to both."""
        if len(self._kinked) < 2:
            return
        trial, signs = self.trial, [np.ones(len(self._kinked))]
        signs += [trial.rng.integers(-1, 2, size=len(self._kinked)).astype(float) for _ in range(_TIE_DIRECTIONS)]
        for sign in signs:
            tangents = self._tangents(sign)
            total = sum(
                float((v * answer).sum())
                for v, answer in zip(tangents, trial.answers, strict=True)
                if v is not None and answer is not None
            )
            size = sum(
                float(np.abs(v * answer).sum())
                for v, answer in zip(tangents, trial.answers, strict=True)
                if v is not None and answer is not None
            )
            sides = self.direction(tangents)
            tolerance = 1e-4 * size if trial.case.dtype == "float32" else 1e-6 * size
            if sides.singular or sides.blurred or _inside(total, sides, tolerance):
                continue
            # sort may give equal elements any order: gradients around the point span what its own slopes do not.
            limits = limiting_sides(trial.differences, tangents, trial.weights, trial.rng, _TIE_POINTS)
            if limits.singular or _inside(total, limits.joined(sides), tolerance):
                continue
            name = trial.name(self._kinked[0][0])
            claim = (
                f"at a tie the elements together give a slope of {total:.6g}; "
                f"it lies between {sides.low:.6g} and {sides.high:.6g}"
            )
            yield Violation("kinks", name, claim, {"found": total, "low": sides.low, "high": sides.high})
            return

    def _tangents(self, signs: Array) -> list[Array | None]:
        trial = self.trial
        tangents: list[Array | None] = [None] * len(trial.inputs)
        for sign, (k, j) in zip(signs, self._kinked, strict=True):
            scale, tangent = trial.differences.scales[k], tangents[k]
            assert scale is not None
            if tangent is None:
                tangent = tangents[k] = np.zeros(trial.inputs[k].shape)
            # In units of its own size: a step that moves 1e-8 is lost in the rounding of 1e8.
            tangent.reshape(-1)[j] = sign * scale[j]
        return tangents


def _inside(answer: float, sides: Sides, tolerance: float) -> bool:
    slack = _SLACK * (sides.high - sides.low) + tolerance
    return sides.low - slack <= answer <= sides.high + slack
