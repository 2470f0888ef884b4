"""Law "second_order": for a fixed grad_output the Jacobian of backward is symmetric, as every Hessian is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import listed
from gradlab.verify.draws import signs
from gradlab.verify.judge import ORACLE_BARS
from gradlab.verify.laws.double import double_backward
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.oracles.kinks import direction_sides
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "second_order"

# Differences of a gradient whose terms cancel (softmax of logits near 1e8) err by more than they know; a backward that
# is no gradient is not symmetric by far more than this part of the terms.
_FLOOR = 1e-6

# A wrong second derivative needs no large case, and differences of backward are costly.
_LARGEST = 64
# Differences vouch for a product that is known to this part of its terms; wider bars say nothing.
_SHARP = 1e-4


def second_order(trial: Trial) -> Iterator[Violation]:
    """Where `order=2` asks for it, in float64: symmetry, which needs no oracle, then the user's double backward."""
    extras = trial.specification.extras
    small = sum(array.size for array in trial.case.inputs) <= _LARGEST
    wanted = extras.order == 2 and small and trial.case.dtype == "float64"
    if not wanted or not trial.ran or not trial.forward_finite or not trial.output.size:
        return
    if not all(answer is None or np.isfinite(answer).all() for answer in trial.answers):
        return
    yield from _symmetry(trial)
    if extras.double_backward is not None:
        yield from double_backward(trial, slopes(trial, with_upstream=True))


def slopes(trial: Trial, *, with_upstream: bool = False) -> Differences:
    """Differences of backward itself: its answers, flat and in one row, are the output.

    With `with_upstream` grad_output is one more argument, the last.
    """
    count, specification = len(trial.inputs), trial.specification

    def run(inputs: Sequence[Array]) -> Array | None:
        given = inputs[:count]
        grad_output = inputs[count] if with_upstream else trial.grad_output
        forward = trial.caller.forward(given, trial.params)
        if forward.error:
            return None
        # Extended precision wherever backward keeps it.
        upstream = grad_output.astype(forward.output.dtype)
        returned, error = trial.caller.backward(upstream, given, forward.saved, trial.params)
        gradients = [] if error else listed(returned, count)
        wanted = [gradients[k] for k in specification.differentiable if k < len(gradients)]
        if len(wanted) < len(specification.differentiable) or any(gradient is None for gradient in wanted):
            return None
        return np.concatenate([np.asarray(gradient).reshape(-1) for gradient in wanted])

    bounds: list[tuple[float, float] | None] = [
        (argument.domain.minimum, argument.domain.maximum) if argument.differentiable else None
        for argument in specification.arguments
    ]
    inputs = list(trial.case.inputs)
    if with_upstream:
        bounds.append((-np.inf, np.inf))
        inputs.append(trial.grad_output)
    return Differences(run, inputs, bounds, trial.rng, extended=trial.caller.subject.extended)


def tangents_of(trial: Trial, differences: Differences) -> list[Array | None]:
    """A random direction in units of each element's own scale; elements at the edge of their domain stay."""
    tangents: list[Array | None] = []
    for k, scale in enumerate(differences.scales):
        if scale is None:
            tangents.append(None)
            continue
        units = signs(trial.rng, scale.size) * trial.rng.uniform(0.5, 1.0, size=scale.size)
        tangents.append(differences.steps(k, units))
    return tangents


def along(differences: Differences, tangents: Sequence[Array | None], weights: Array) -> Estimate:
    """The derivative of sum(weights * answers) along one direction, by the family of steps that errs least."""
    return differences.direction(tangents, weights, lambda value, error, magnitude, which: np.zeros(value.size))


def _symmetry(trial: Trial) -> Iterator[Violation]:
    differences = slopes(trial)
    if not differences.usable:
        return
    pair = tangents_of(trial, differences), tangents_of(trial, differences)
    flat = [np.concatenate([v.reshape(-1) for v in tangents if v is not None]) for tangents in pair]
    first, second = along(differences, pair[0], flat[1]), along(differences, pair[1], flat[0])
    left, right = float(first.value[0]), float(second.value[0])
    bar = ORACLE_BARS * float(first.error[0] + second.error[0]) + float(first.blur[0] + second.blur[0])
    size = float(first.magnitude[0] + second.magnitude[0])
    bar += _FLOOR * size
    if left == right:
        trial.tally.compared(LAW, np.zeros(1))
        return
    if not np.isfinite(left - right) or not bar <= _SHARP * size:
        trial.tally.skipped["second order: differences of backward are too blurred"] += 1
        return
    if abs(left - right) <= bar:
        trial.tally.compared(LAW, np.array([abs(left - right) / bar if bar else 0.0]))
        return
    if _rough(differences, pair, flat):
        return
    claim = (
        f"backward is the gradient of nothing: <u, DB[v]> = {left:.9g}, <v, DB[u]> = {right:.9g}, "
        "which a symmetric second derivative makes equal"
    )
    yield Violation(LAW, "", claim, {"uv": left, "vu": right, "tolerances": abs(left - right) / bar})


def _rough(
    differences: Differences, pair: tuple[list[Array | None], list[Array | None]], flat: Sequence[Array]
) -> bool:
    """A kink of backward between the steps: two right answers need not be symmetric there."""
    sides = [
        direction_sides(differences, tangents, weights) for tangents, weights in zip(pair, flat[::-1], strict=True)
    ]
    return any(side.kinked or side.singular for side in sides)
