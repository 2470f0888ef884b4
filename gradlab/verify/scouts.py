"""Scouts: a cheap look at many more cases than can be judged; where one sees something odd, the laws follow.

A bug may need one kind of number in one argument of three: more combinations than a check has cases. A look costs a
dozen calls, judges nothing, and so raises no false alarm of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.draws import one_of, signs
from gradlab.verify.plan import Plan, draw_shapes, plain_plan
from gradlab.verify.regimes import MILD
from gradlab.verify.sizes import draw_sizes
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial

# Regimes that find the same bugs; each round sends a scout with one of each family into each argument.
FAMILIES = (
    ("shift8",),
    ("shift4",),
    ("large", "larger", "saturated"),
    ("wide8", "wide3", "tiny", "outlier"),
    ("zeros", "zero row", "ints", "constant", "ties", "near kink"),
    ("mid", "negative"),
)

# Arguments that broadcast differ in rank, in which sizes are 1, and in who has the larger one.
_BROADCASTS = 6

# What a look cannot explain by rounding: far above the noise of a generic direction in extended precision.
_ODD = 1e-7

# An oracle whose own error is this part of the answer has nothing to say.
_BLIND = 1e-3


def scouting_plans(specification: Specification, seed: tuple[int, ...]) -> list[Plan]:
    """Plans of cases that are only looked at: in the first dtype, contiguous, with a generic upstream.

    Each meets one thing: hostile numbers in one argument, one dimension that is large, one or empty, or broadcasting.
    """
    rng = np.random.default_rng((*seed, 1))
    count, plans = len(specification.arguments), []
    for kind, turn, hostile, argument, pattern in _missions(specification, rng):
        sizes, leading, params = draw_sizes(specification, kind, turn, rng)
        regimes = [one_of(rng, MILD) for _ in range(count)]
        if hostile:
            regimes[argument] = hostile
        shapes, drawn = draw_shapes(specification, sizes, leading, pattern, rng, params), int(rng.integers(1 << 32))
        plan = plain_plan(specification, sizes, shapes, params, specification.dtypes[0], drawn)
        plans.append(replace(plan, regimes=tuple(regimes)))
    return plans


def _missions(specification: Specification, rng: np.random.Generator) -> Iterator[tuple[str, int, str, int, str]]:
    """Kind of sizes, whose turn it is, hostile regime, argument that gets it, pattern of broadcasting."""
    for argument in specification.differentiable:
        for family in FAMILIES:
            yield "plural", 0, one_of(rng, family), argument, "equal"
    dims = len(specification.dims) + specification.has_ellipsis
    for kind in ("large", "unit", "none"):
        for turn in rng.permutation(dims)[: max(3, (dims + 1) // 2)]:
            yield kind, int(turn), "", 0, "equal"
    yield "equal", 0, "", 0, "equal"
    for _ in range(_BROADCASTS if specification.broadcast else 0):
        yield "medium", 0, "", 0, "mixed"


def suspicious(trial: Trial) -> bool:
    """Whether the case deserves to be judged: an error, an inaccurate forward, a slope along one direction that is off.

    One random direction moves all elements of all arguments, each in units of its own size.
    """
    if not trial.ran:
        return bool(trial.error)
    answers = [trial.answers[k] for k in trial.specification.differentiable]
    if not trial.output.size:
        return any(answer is None or bool(answer.any()) for answer in answers)
    differences = trial.differences
    if not trial.forward_finite:
        return bool(np.isfinite(differences.output.astype(np.float64)).all())
    if any(answer is None or not np.isfinite(answer).all() for answer in answers) or trial.forward_error > _ODD:
        return True
    differences.trust()
    tangents, total, terms = _joint(trial)

    def settled(value: Array, error: Array, magnitude: Array, _: Array) -> Array:
        fits = np.abs(total - value) <= _ODD * (terms + magnitude) + 3 * error
        return np.where(fits, np.where(error <= _BLIND * np.maximum(terms, np.abs(value)), 2, 1), 0)

    estimate = differences.direction(tangents, trial.weights, settled)
    value, error, magnitude = (float(part[0]) for part in (estimate.value, estimate.error, estimate.magnitude))
    return math.isfinite(value + error) and abs(total - value) > _ODD * (terms + magnitude) + 3 * error


def _joint(trial: Trial) -> tuple[list[Array | None], float, float]:
    """A tangent per argument, the gradient's product with all of them, and the size of its terms."""
    differences = trial.differences
    tangents: list[Array | None] = [None] * len(trial.inputs)
    total = terms = 0.0
    for k in trial.specification.differentiable:
        scale, answer = differences.scales[k], np.asarray(trial.answers[k])
        if scale is not None and answer.size:
            steps = differences.steps(k, signs(trial.rng, answer.size))
            tangents[k] = steps
            total += float((answer * steps).sum())
            terms += float(np.abs(answer * steps).sum())
    return tangents, total, terms
