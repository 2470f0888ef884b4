"""What the doors of frameworks share: laws beside the engine's, each judged on a few generated cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array, Subject
from gradlab.verify.calls import Caller, describe, quiet
from gradlab.verify.case import Case, build
from gradlab.verify.judge import SPREAD_FACTOR, same
from gradlab.verify.plan import round_of_plans
from gradlab.verify.report import Finding
from gradlab.verify.specification import Specification
from gradlab.verify.spread import gradient_spread
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

Law = Callable[[Trial], Iterable[Violation]]
Reproduction = Callable[[Violation, Case], str]


def broken_laws(
    laws: Mapping[str, Law],
    subject: Subject,
    specification: Specification,
    seed: int,
    count: int,
    reproduction: Reproduction,
) -> list[Finding]:
    """One finding per law that is broken in any of `count` cases and not excluded, in the smallest case that shows it.

    Shrinking would compile each candidate anew; the cases are drawn small and tried from the smallest on.
    """
    caller = Caller(subject)
    # By law and severity.
    found: dict[tuple[str, str], tuple[Violation, Case]] = {}
    with quiet():
        for case in _cases(specification, seed, count):
            trial = Trial(case, specification, caller)
            if not applicable(trial):
                continue
            for name, law in laws.items():
                if name in specification.exclude or (name, "failure") in found:
                    continue
                for violation in _judged(name, law, trial):
                    shown = replace(case, grad_output=trial.grad_output)
                    found.setdefault((violation.law, violation.severity), (violation, shown))
    return [
        Finding.of(violation, case, specification, reproduction(violation, case)) for violation, case in found.values()
    ]


def _judged(name: str, law: Law, trial: Trial) -> Iterator[Violation]:
    try:
        yield from law(trial)
    except Exception as error:  # the code under test, where it had come back before
        yield Violation(name, "", f"a call that went well before raises {describe(error)}")


def _cases(specification: Specification, seed: int, count: int) -> list[Case]:
    """The smallest cases of a round that have elements, no two of one dtype and one set of sizes and parameters."""
    chosen: dict[object, Case] = {}
    for plan in round_of_plans(specification, (seed, 0)):
        case = build(plan, specification)
        if not case.empty:
            key = case.dtype, tuple(array.shape for array in case.inputs), repr(case.params)
            chosen.setdefault(key, case)
    by_size = sorted(chosen.values(), key=lambda case: sum(array.size for array in case.inputs))
    # Single numbers show the least: they are tried, but leave room for others.
    ones = [case for case in by_size if all(array.size == 1 for array in case.inputs)]
    others = [case for case in by_size if any(array.size != 1 for array in case.inputs)]
    return [*ones[:1], *others][:count]


def applicable(trial: Trial) -> bool:
    """Such laws compare numbers with numbers: forward and backward must have come back, and finite."""
    usable = all(trial.answers[k] is not None for k in trial.specification.differentiable)
    return bool(trial.ran and trial.forward_finite and trial.output.size and usable)


def differing(
    law: str,
    trial: Trial,
    inputs: Sequence[Array],
    upstream: Array,
    found: Sequence[Array | None],
    expected: Sequence[Array | None],
    how: str,
    evidence: Mapping[str, object] | None = None,
) -> Iterator[Violation]:
    """The first gradient that differs beyond rounding: another path through the code may sum in another order."""
    size = float(np.abs(upstream).max(initial=0.0))
    spread: Sequence[Array | None] | None = None
    for k, gradient in enumerate(found):  # none at all where nothing was asked for
        usual = expected[k]
        if gradient is None or usual is None or not gradient.size:
            continue
        largest = float(np.abs(np.nan_to_num(usual, posinf=0, neginf=0)).max())
        bad = ~same(gradient, usual, float(np.finfo(trial.case.dtype).eps), 64, largest + size)
        if bad.any():
            if spread is None:
                spread = gradient_spread(trial.caller.gradients, inputs, upstream, trial.params, trial.rng)
            moves = spread[k]
            if moves is not None:
                bad &= ~(np.abs(gradient - usual) <= SPREAD_FACTOR[trial.case.dtype] * moves)
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            pair = float(gradient.reshape(-1)[j]), float(usual.reshape(-1)[j])
            claim = f"the gradient of {trial.name(k)} is {pair[0]:.9g} {how}, otherwise {pair[1]:.9g}"
            yield Violation(law, trial.name(k), claim, {"found": pair[0], "otherwise": pair[1], **(evidence or {})})
            return


def close(trial: Trial, left: Array, right: Array) -> bool:
    """Outputs of two paths through one forward."""
    eps = float(np.finfo(trial.case.dtype).eps)
    wide = left.astype(np.float64), right.astype(np.float64)
    if wide[0].shape != wide[1].shape:
        return False
    return bool(same(*wide, eps, 1e4, float(np.abs(wide[1]).max(initial=0.0))).all())
