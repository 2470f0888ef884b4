"""What a failure looks like, as plain lists: its error element by element, against the step, and along a direction.

The finding's own case is shrunk, often to one element; a picture needs more to show a pattern. It is taken of a generic
case where the gradient is wrong there too, else of the case as it was found, else of the shrunk one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify import curves
from gradlab.verify.calls import Caller
from gradlab.verify.case import Case, build
from gradlab.verify.judge import Verdicts, attainable, compare
from gradlab.verify.laws.acquittal import Acquittal
from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.plan import Plan, round_of_plans
from gradlab.verify.report import plain
from gradlab.verify.specification import Specification
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

# Laws that say "this number is wrong"; the others have nothing to draw.
LAWS = ("value", "stability", "kinks", "linearity", "edges")

# More elements would be smaller than a fingertip on a screen; a generic case need not come near that.
LARGEST = 400
_LONGEST = 12

# For forwards that take milliseconds: elements that are not asked about by then have no value in the picture, and
# the hundreds of calls behind the curves are not worth their time beyond the second limit.
_SECONDS = 3.0
_SLOW = 5e-3
_CHUNK = 8

# Rounds whose sizes are looked through for a case that is pleasant to look at.
_ROUNDS = 4

# So many suspects are asked whether a kink excuses them: at more, it is no matter of kinks.
_EXCUSABLE = 24


def picture(
    violation: Violation,
    shrunk: Case,
    found: Case,
    specification: Specification,
    caller: Caller,
    seed: int,
) -> dict[str, Any] | None:
    """The data of one finding's charts, or None where there is nothing to draw.

    `case` says which case it is ("generic", "found", "shrunk") and with which sizes; `map` holds `backward`, `true`,
    the oracle's `error` and `wrong` per element, in C order of `shape`; `steps` and `taylor` are those of
    `gradlab.verify.curves`. Numbers that are not finite are strings, and None stands where the oracle has no opinion.
    """
    names = [argument.name for argument in specification.arguments]
    if violation.law not in LAWS or violation.argument not in names:
        return None
    k = names.index(violation.argument)
    for label, case in _candidates(shrunk, found, specification, k, seed):
        trial = Trial(case, specification, caller)
        answer = trial.answers[k]
        if answer is None or not answer.size or not trial.forward_finite or not trial.differences.usable:
            continue
        if _seconds_of_forward(trial) > _SLOW:
            return None
        estimate, wrong = _judged(trial, k)
        if wrong.any():
            return _drawn(label, trial, k, estimate, wrong)
    return None


def _seconds_of_forward(trial: Trial) -> float:
    taken = []
    for _ in range(3):  # the least of them: the machine may have been busy with something else
        start = time.perf_counter()
        trial.caller.forward(trial.case.inputs, trial.params)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _candidates(
    shrunk: Case, found: Case, specification: Specification, argument: int, seed: int
) -> Iterator[tuple[str, Case]]:
    # In double precision where there is a choice: fewer roundings in the way.
    for dtype in dict.fromkeys((*(["float64"] if "float64" in specification.dtypes else []), shrunk.dtype)):
        generic = _generic(shrunk, dtype, specification, argument, seed)
        if generic is not None:
            yield "generic", generic
    for label, case in (("found", found), ("shrunk", shrunk)):
        if case.inputs[argument].size <= LARGEST:
            yield label, case


def _generic(shrunk: Case, dtype: str, specification: Specification, argument: int, seed: int) -> Case | None:
    """A case of moderate sizes and ordinary numbers, with the parameters of the failing one."""
    plans = [
        replace(
            plan,
            params=dict(shrunk.params),
            dtype=dtype,
            regimes=("normal",) * len(plan.regimes),
            layouts=("C",) * len(plan.layouts),
            upstream="normal",
            scale=1.0,
            tie_arguments=False,
            shared=None,
        )
        for index in range(_ROUNDS)
        for plan in round_of_plans(specification, (seed, index))
        if specification.allows(plan.sizes, shrunk.params)
    ]

    def pleasant(plan: Plan) -> tuple[int, bool, int]:
        # A pattern along an axis of size 2 is none, and equal sizes hide a transposition.
        sizes, own = list(plan.sizes.values()), plan.shapes[argument]
        return min(*sizes, *own, 3, 3), len(set(sizes)) == len(sizes), math.prod(own)

    fitting = [
        plan
        for plan in plans
        if 0 < math.prod(plan.shapes[argument]) <= LARGEST
        and max((size for shape in plan.shapes for size in shape), default=0) <= _LONGEST
    ]
    return build(max(fitting, key=pleasant), specification) if fitting else None


def _judged(trial: Trial, k: int) -> tuple[Estimate, Array]:
    """The oracle's answer for every element, and which elements are wrong by it."""
    answer = np.asarray(trial.answers[k]).reshape(-1)
    estimate, wrong = Estimate.silent(answer.size), np.zeros(answer.size, dtype=bool)
    finish = time.perf_counter() + _SECONDS
    excused, acquittal = 0, Acquittal(trial)
    for first in range(0, answer.size, _CHUNK):
        elements = np.arange(first, min(first + _CHUNK, answer.size))
        found = _sharpest(trial, k, elements)
        estimate.replace(elements, found, np.arange(elements.size))
        verdicts = _compared(trial, k, answer, elements, found)
        for element in elements[verdicts.differs]:
            excused += 1
            wrong[element] = excused > _EXCUSABLE or not acquittal.kink(k, int(element), float(answer[element]), 0.0)
        if time.perf_counter() > finish:
            break
    return estimate, wrong


def _sharpest(trial: Trial, k: int, elements: Array) -> Estimate:
    # A check stops at the first estimate that covers the answer; a picture wants the sharpest there is.
    def never(value: Array, error: Array, magnitude: Array, which: Array) -> Array:
        return np.zeros(value.size)

    return trial.differences.coordinates(k, elements, trial.weights, never)


def _compared(trial: Trial, k: int, answer: Array, elements: Array, estimate: Estimate) -> Verdicts:
    x = trial.case.inputs[k].reshape(-1)[elements].astype(np.float64)
    magnitude = np.where(np.isfinite(estimate.magnitude), estimate.magnitude, 0.0)
    tolerance = attainable(answer[elements], magnitude, x, trial.scales(k))
    return compare(
        answer[elements],
        estimate.value,
        estimate.error,
        estimate.magnitude,
        tolerance,
        trial.case.dtype,
        estimate.blur,
    )


def _drawn(label: str, trial: Trial, k: int, estimate: Estimate, wrong: Array) -> dict[str, Any]:
    answer = np.asarray(trial.answers[k])
    miss = np.abs(answer.reshape(-1) - estimate.value)
    # The worst element that has a number; where backward gives NaN there is none, and any wrong one will do.
    worst = int(np.argmax(np.where(wrong, np.where(np.isfinite(miss), miss, 0.0), -1.0)))
    case = trial.case
    return {
        "case": {
            "kind": label,
            "sizes": dict(case.sizes),
            "dtype": case.dtype,
            "params": {name: plain(value) for name, value in case.params.items()},
            "seed": case.seed,
        },
        "map": {
            "argument": trial.name(k),
            "shape": list(answer.shape),
            "oracle": trial.differences.name,
            "backward": plain(answer.reshape(-1)),
            "true": _or_none(estimate.value),
            "error": _or_none(estimate.error),
            "wrong": wrong.tolist(),
        },
        "steps": curves.against_step(trial, k, worst, float(estimate.value[worst]), float(estimate.error[worst])),
        "taylor": curves.taylor(trial, k, estimate, wrong),
    }


def _or_none(values: Sequence[float] | Array) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
