"""Law "convention": at a kink, the choice that torch makes; a failure where it was promised, a note elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.errors import SignatureError
from gradlab.verify.judge import attainable
from gradlab.verify.oracles.kinks import Sides, coordinate_sides, standing
from gradlab.verify.oracles.reference import TORCH
from gradlab.verify.references import Reference
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "convention"

# Elements of an argument that are looked at: a choice is made in the same way everywhere.
_SUSPECTS = 4

# Of a thousand equal numbers each may take a part.
_PART = 1e-3

_SCALINGS = 8


def require_torch(specification: Specification, references: Sequence[Reference]) -> None:
    """Raises SignatureError where torch's choice is asked for and no torch reference says what it is."""
    promised = specification.extras.convention == "torch"
    if promised and not any(reference.name == TORCH for reference in references):
        raise SignatureError(
            "convention='torch' needs torch's own answer; pass reference=, a function of torch tensors"
        )


def convention(trial: Trial) -> Iterator[Violation]:
    """Only elements whose slopes on both sides differ; everything else is a matter of law "value"."""
    if not trial.ran or not trial.forward_finite or not trial.output.size:
        return
    for reference in trial.references:
        gradients = trial.reference_gradients(reference) if reference.name == TORCH else None
        for k in trial.specification.differentiable if gradients is not None else ():
            answer, chosen = trial.answers[k], gradients[k] if gradients is not None else None
            if answer is not None and chosen is not None and answer.size:
                yield from _argument(trial, reference, k, answer.reshape(-1), chosen.reshape(-1))


def _argument(trial: Trial, reference: Reference, k: int, answer: Array, chosen: Array) -> Iterator[Violation]:
    promised = trial.specification.extras.convention == "torch"
    x = trial.case.inputs[k].reshape(-1).astype(np.float64)
    miss = np.abs(answer - chosen)
    rounding = attainable(answer, np.maximum(np.abs(answer), np.abs(chosen)), x, trial.scales(k))
    # A choice is never a matter of roundings.
    other = miss > np.maximum(100 * rounding, 1e-3 * (np.abs(answer) + np.abs(chosen)))
    for j in np.flatnonzero(other & np.isfinite(answer) & np.isfinite(chosen))[:_SUSPECTS]:
        sides = coordinate_sides(trial.differences, k, int(j), trial.weights)
        if sides.singular or not sides.kinked or not _chosen(sides, float(answer[j]), float(chosen[j]), rounding[j]):
            continue
        still = standing(trial.differences, k, int(j), trial.weights, sides)
        if not still or _rounded(trial, reference, k, int(j), sides):
            continue
        index = [int(i) for i in np.unravel_index(int(j), trial.inputs[k].shape)]
        claim = (
            f"at a kink, grad {trial.name(k)}{index or ''} is {answer[j]:.6g} where torch takes {chosen[j]:.6g}; "
            f"every slope between {sides.low:.6g} and {sides.high:.6g} is one"
        )
        evidence = {"index": tuple(index), "backward": float(answer[j]), "torch": float(chosen[j])}
        yield Violation(LAW, trial.name(k), claim, evidence, "failure" if promised else "note")
        return


def _chosen(sides: Sides, answer: float, chosen: float, rounding: float) -> bool:
    """Whether both are choices: parts of the bracket, and different ones.

    Where torch's own answer is outside, it is a rounding of torch's.
    """
    width = sides.high - sides.low
    slack = 1e-4 * width + rounding
    inside = all(sides.low - slack <= value <= sides.high + slack for value in (answer, chosen))
    return inside and abs(answer - chosen) > _PART * width


def _rounded(trial: Trial, reference: Reference, k: int, element: int, sides: Sides) -> bool:
    """Whether torch's answer is what its roundings leave: std of equal numbers, whose mean is not quite one of them.

    All numbers are scaled alike, so that equal ones stay equal. A choice then stays what it is, or the kink is left for
    one of its sides; only roundings scatter between them.
    """
    rng, found = np.random.default_rng((trial.case.seed, 3)), set[float]()
    width = sides.high - sides.low
    for factor in 1 + 2.0**-12 * rng.random(_SCALINGS):
        inputs = [np.asarray(x * x.dtype.type(factor)) if x.dtype.kind == "f" else x for x in trial.case.inputs]
        gradients = reference.gradients(inputs, trial.grad_output, trial.params)
        gradient = gradients[k] if gradients is not None else None
        if gradient is not None:
            part = (float(gradient.reshape(-1)[element]) - sides.low) / width
            found.add(round(part, 3))
    return len({part for part in found if 0.001 < part < 0.999}) > 1
