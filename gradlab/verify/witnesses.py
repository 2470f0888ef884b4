"""The references of a trial as oracles: who else can say what the gradient is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import Scales, attainable
from gradlab.verify.oracles.complex_step import ComplexStep
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.estimate import Oracle
from gradlab.verify.oracles.reference import GradientsOracle
from gradlab.verify.references import Reference
from gradlab.verify.spread import gradient_spread, rescaled_spread, widest
from gradlab.verify.trial import Trial


def witnesses(trial: Trial) -> list[Oracle]:
    """One oracle per reference that has an opinion on this case."""
    found: list[Oracle] = []
    for reference in trial.references:
        gradients = trial.reference_gradients(reference)
        if gradients is not None:
            errors, spread = _errors(trial, reference, gradients), _spread(trial, reference)
            # An exact one differentiates the definition that the code under test was made from.
            found.append(GradientsOracle(reference.name, gradients, errors, spread, independent=not reference.exact))
        elif reference.differences:
            found.append(_differences(trial, reference))
    return found


def own_differences(trial: Trial) -> Oracle:
    """Differences of the forward under test; those that run in float64 are sharpened by the complex step."""
    if trial.differences.extended or not trial.caller.subject.extended:
        return trial.differences
    subject, params = trial.caller.subject, trial.params

    def run(inputs: Sequence[Array]) -> Array | None:
        try:
            output, _ = subject.forward(inputs, params)
        except KeyboardInterrupt:
            raise
        except BaseException:
            return None
        return np.asarray(output)

    return ComplexStep(run, trial.differences, trial.rng)


def _errors(trial: Trial, reference: Reference, gradients: Sequence[Array | None]) -> list[Array | None]:
    """A reference in float64 rounds like any backward in float64 does; an exact one only when it is converted."""
    if reference.exact:
        eps = float(np.finfo(np.float64).eps)
        return [None if gradient is None else eps * np.abs(gradient) for gradient in gradients]
    errors: list[Array | None] = []
    for k, gradient in enumerate(gradients):
        if gradient is None or trial.answers[k] is None:
            errors.append(None)
            continue
        scales = trial.scales(k)
        largest = float(np.abs(np.nan_to_num(gradient, posinf=0, neginf=0)).max(initial=0.0))
        wide = Scales("float64", scales.upstream, scales.output, scales.weighed, largest)
        x = trial.case.inputs[k].astype(np.float64)
        errors.append(attainable(gradient, np.abs(gradient), x, wide))
    return errors


def _spread(trial: Trial, reference: Reference) -> Callable[[], Sequence[Array | None]]:
    def measure() -> Sequence[Array | None]:
        if reference.exact:
            return [None] * len(trial.inputs)
        # In float64, the dtype that the reference runs in: its own rounding is asked for.
        wide = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in trial.case.inputs]
        upstream = trial.grad_output.astype(np.float64)
        moved = gradient_spread(reference.gradients, wide, upstream, trial.params, trial.rng)
        scaled = rescaled_spread(reference.gradients, wide, upstream, trial.params, trial.rng)
        return widest(moved, scaled)

    return measure


def _differences(trial: Trial, reference: Reference) -> Differences:
    bounds = [
        (argument.domain.minimum, argument.domain.maximum) if argument.differentiable else None
        for argument in trial.specification.arguments
    ]

    def run(inputs: Sequence[Array]) -> Array | None:
        return reference.output(inputs, trial.params)

    return Differences(run, trial.case.inputs, bounds, trial.rng, independent=True)
