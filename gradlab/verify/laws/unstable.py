"""The part of law "value" for gradients that the last bits of the inputs decide, where the true gradient is steady."""

from __future__ import annotations

import numpy as np

from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.spread import nudged
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

# Only gross errors are called unstable (parts of the value and of the largest gradient), and only where the truth moves
# this many times less than the answer misses it: a hard problem moves its true gradient as well.
_GROSS = 1e-4
_CONDITION = 30.0
_RUNS = 4

# A backward cannot be steadier than the forward it belongs to.
_ACCURATE = 1e-10


def gross(trial: Trial, argument: int, element: int, estimate: Estimate) -> bool:
    """Whether a miss is so large that rounding of a steady gradient cannot be its reason."""
    if trial.case.dtype != "float64" or not trial.differences.extended or trial.forward_error > _ACCURATE:
        return False
    answers = np.nan_to_num(np.asarray(trial.answers[argument]).reshape(-1), posinf=0, neginf=0)
    # Terms of the size of upstream times input may cancel exactly: the variance of a single number.
    inputs = float(np.abs(trial.case.inputs[argument]).max())
    natural = float(np.abs(trial.weights).max()) * min(1.0, inputs)
    truth = float(estimate.value[0])
    miss = abs(float(answers[element]) - truth)
    largest = max(abs(truth), float(np.abs(answers).max()), natural)
    return miss > _GROSS * largest and miss > _CONDITION * float(estimate.error[0])


def unstable(trial: Trial, argument: int, element: int, estimate: Estimate) -> Violation | None:
    """A gross miss within the spread of one-ulp changes: the problem may be hard, or the backward unstable.

    E[x²] - E[x]² under a careful forward is; so is a branch on `a == b` that nothing in the forward knows of.
    """
    answer, truth = float(np.asarray(trial.answers[argument]).reshape(-1)[element]), float(estimate.value[0])
    moved = 0.0
    for _ in range(_RUNS):
        there = trial.differences_at(nudged(trial.case.inputs, trial.rng, together=False))
        found = there.repeated(argument, element, trial.weights, 1.0)
        moved = max(moved, abs(float(found.value[0]) - truth) + float(found.error[0]))
        if not moved * _CONDITION < abs(answer - truth):
            return None
    name, shape = trial.name(argument), trial.inputs[argument].shape
    index = tuple(int(i) for i in np.unravel_index(element, shape)) if shape else ()
    place = f"grad {name}[{', '.join(map(str, index))}]" if index else f"grad {name}"
    evidence: dict[str, object] = {
        "index": index,
        "backward": answer,
        "true": truth,
        "oracle": trial.differences.name,
        "oracle error": float(estimate.error[0]),
        "true value moves by": moved,
    }
    claim = (
        f"{place} is {answer:.9g} where the true value is {truth:.9g}: changes of the inputs by one ulp move backward "
        f"by as much, the true value by less than {max(moved, 1e-300):.1g}"
    )
    return Violation("stability", name, claim, evidence)
