"""Law "convention": at a kink, the choice that torch makes; a failure where it was promised, a note elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.errors import SignatureError
from gradlab.verify.judge import attainable
from gradlab.verify.oracles.kinks import coordinate_sides
from gradlab.verify.oracles.reference import TORCH
from gradlab.verify.references import Reference
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "convention"

# Elements of an argument that are looked at: a choice is made in the same way everywhere.
_SUSPECTS = 4


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
                yield from _argument(trial, k, answer.reshape(-1), chosen.reshape(-1))


def _argument(trial: Trial, k: int, answer: Array, chosen: Array) -> Iterator[Violation]:
    promised = trial.specification.extras.convention == "torch"
    x = trial.case.inputs[k].reshape(-1).astype(np.float64)
    miss = np.abs(answer - chosen)
    rounding = attainable(answer, np.maximum(np.abs(answer), np.abs(chosen)), x, trial.scales(k))
    # A choice differs by a part of the bracket, never by roundings.
    other = miss > np.maximum(100 * rounding, 1e-3 * (np.abs(answer) + np.abs(chosen)))
    for j in np.flatnonzero(other & np.isfinite(answer) & np.isfinite(chosen))[:_SUSPECTS]:
        sides = coordinate_sides(trial.differences, k, int(j), trial.weights)
        slack = 1e-4 * (sides.high - sides.low) + float(rounding[j])
        # Where torch's own answer is outside, it is a rounding of torch's and no choice.
        inside = all(sides.low - slack <= value <= sides.high + slack for value in (answer[j], chosen[j]))
        if sides.singular or not sides.kinked or not inside:
            continue
        index = [int(i) for i in np.unravel_index(int(j), trial.inputs[k].shape)]
        claim = (
            f"at a kink, grad {trial.name(k)}{index or ''} is {answer[j]:.6g} where torch takes {chosen[j]:.6g}; "
            f"every slope between {sides.low:.6g} and {sides.high:.6g} is one"
        )
        evidence = {"index": tuple(index), "backward": float(answer[j]), "torch": float(chosen[j])}
        yield Violation(LAW, trial.name(k), claim, evidence, "failure" if promised else "note")
        return
