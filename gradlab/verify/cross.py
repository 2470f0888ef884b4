"""Oracles that contradict each other: who disagreed, at which element, with whom backward sides, and the likely why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import ORACLE_BARS, SPREAD_FACTOR, attainable
from gradlab.verify.oracles.estimate import Estimate, Oracle
from gradlab.verify.oracles.kinks import coordinate_sides
from gradlab.verify.oracles.reference import GradientsOracle
from gradlab.verify.trial import Trial

# The first few of a pair are explained, which costs calls; the others are counted.
_EXPLAINED = 3


@dataclass(slots=True)
class Dispute:
    """Two oracles beyond their joint error bars at one element of one argument.

    `sides` is the oracle that backward agrees with, "both" or "neither"; `count` is the number of elements that the
    two dispute for the same reason.
    """

    argument: str
    index: tuple[int, ...]
    dtype: str
    names: tuple[str, str]
    values: tuple[float, float]
    backward: float
    sides: str
    why: str
    count: int = 1

    def __str__(self) -> str:
        place = f"{self.argument}{list(self.index) if self.index else ''}"
        head = f"{self.names[0]} and {self.names[1]} disagree on grad {place}"
        numbers = f"{self.values[0]:.9g} and {self.values[1]:.9g}, backward {self.backward:.9g}"
        sided = f"backward agrees with {self.sides}"
        more = f" ({self.count} elements)" if self.count > 1 else ""
        return f"{head}: {numbers} in {self.dtype}; {sided}; why: {self.why}{more}"

    def as_dict(self) -> dict[str, object]:
        """Plain lists, strings and numbers."""
        return {
            "argument": self.argument,
            "index": list(self.index),
            "dtype": self.dtype,
            "oracles": dict(zip(self.names, self.values, strict=True)),
            "backward": self.backward,
            "backward agrees with": self.sides,
            "why": self.why,
            "elements": self.count,
        }


def cross_examine(
    trial: Trial,
    argument: int,
    elements: Array,
    differences: Oracle,
    estimate: Estimate,
    others: Sequence[tuple[Oracle, Estimate]],
) -> None:
    """Compare differences, asked about `elements`, with oracles asked about all; disputes go to the tally."""
    if np.isfinite(estimate.value).any():
        trial.tally.consulted[differences.name] = differences.independent
    for oracle, whole in others:
        other = Estimate(*(part[elements] for part in (whole.value, whole.error, whole.magnitude, whole.blur)))
        if np.isfinite(other.value).any():
            trial.tally.consulted[oracle.name] = oracle.independent
        joint = ORACLE_BARS * (estimate.error + other.error) + np.maximum(estimate.blur, other.blur)
        with np.errstate(all="ignore"):
            apart = np.isfinite(joint) & (np.abs(estimate.value - other.value) > joint)
        for position in map(int, np.flatnonzero(apart)):
            pair = _at(estimate, position), _at(other, position)
            _dispute(trial, argument, int(elements[position]), (differences, oracle), pair)


def _at(estimate: Estimate, position: int) -> Estimate:
    one = slice(position, position + 1)
    return Estimate(estimate.value[one], estimate.error[one], estimate.magnitude[one], estimate.blur[one])


def _dispute(
    trial: Trial, argument: int, element: int, oracles: tuple[Oracle, Oracle], pair: tuple[Estimate, Estimate]
) -> None:
    name, known = trial.name(argument), trial.tally.disputes
    key = name, oracles[0].name, oracles[1].name
    disputes = known.setdefault(key, [])
    if len(disputes) >= _EXPLAINED:
        disputes[0].count += 1
        return
    why = _why(trial, argument, element, oracles[1], pair)
    for dispute in disputes:
        if dispute.why == why:
            dispute.count += 1
            return
    shape, answer = trial.inputs[argument].shape, trial.answers[argument]
    assert answer is not None
    disputes.append(
        Dispute(
            name,
            tuple(int(i) for i in np.unravel_index(element, shape)) if shape else (),
            trial.case.dtype,
            (oracles[0].name, oracles[1].name),
            (float(pair[0].value[0]), float(pair[1].value[0])),
            float(answer.reshape(-1)[element]),
            _sides(trial, argument, element, oracles, pair),
            why,
        )
    )


def _sides(
    trial: Trial, argument: int, element: int, oracles: tuple[Oracle, Oracle], pair: tuple[Estimate, Estimate]
) -> str:
    answer = trial.answers[argument]
    assert answer is not None
    own = answer.reshape(-1)[element : element + 1]
    x = trial.case.inputs[argument].reshape(-1)[element : element + 1].astype(np.float64)
    agreeing = []
    for oracle, estimate in zip(oracles, pair, strict=True):
        magnitude = np.where(np.isfinite(estimate.magnitude), estimate.magnitude, 0.0)
        bar = attainable(own, magnitude, x, trial.scales(argument)) + ORACLE_BARS * estimate.error
        if np.abs(own - estimate.value)[0] <= bar[0]:
            agreeing.append(oracle.name)
    return {0: "neither", 1: agreeing[0] if agreeing else "", 2: "both"}[len(agreeing)]


def _why(trial: Trial, argument: int, element: int, other: Oracle, pair: tuple[Estimate, Estimate]) -> str:
    sides = coordinate_sides(trial.differences, argument, element, trial.weights)
    if sides.singular:
        return "the slope of forward grows without bound there"
    apart = abs(float(pair[0].value[0] - pair[1].value[0]))
    scatter = 0.0
    for stretch in (0.75, 1.25):
        again = trial.differences.repeated(argument, element, trial.weights, stretch)
        moved = abs(float(again.value[0] - pair[0].value[0]))
        scatter = max(scatter, moved if np.isfinite(moved) else np.inf)
    if 4 * scatter < apart and sides.kinked:
        return "a kink lies inside the steps of the differences"
    if 4 * scatter >= apart and sides.kinked:
        return "a kink, or forward's own rounding, lies inside the steps: differences scatter when these change"
    if 4 * scatter >= apart:
        if trial.forward_error > 100 * float(np.finfo(trial.case.dtype).eps):
            return "forward's own rounding: differences scatter when their steps change"
        return "forward bends within the steps (a short period or a kink close by): differences scatter with them"
    if isinstance(other, GradientsOracle) and SPREAD_FACTOR["float64"] * other.doubt(argument, element) >= apart:
        return f"rounding of {other.name}: it moves as much with the last digits of its inputs"
    return "no cause found: one of the two differentiates another function"


def testimony(tally_consulted: Mapping[str, bool]) -> str:
    """One line: the oracles of a check, and which of them differentiate something else than forward."""
    shown = [
        f"{name}{' (independent)' if independent else ''}" for name, independent in sorted(tally_consulted.items())
    ]
    return f"oracles: {', '.join(shown)}" if shown else ""
