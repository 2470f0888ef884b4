"""One run of a check: rounds of cases by Hypothesis, laws on each, findings collected, then shrunk."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Subject
from gradlab.verify.calls import Caller, quiet
from gradlab.verify.case import Case, build
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.explain import diagnose
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.laws import LAWS
from gradlab.verify.plan import round_of_plans
from gradlab.verify.profiles import Profile
from gradlab.verify.references import Reference
from gradlab.verify.report import Finding, Report
from gradlab.verify.reproduction import reproduction
from gradlab.verify.shrink import shrink
from gradlab.verify.specification import Specification
from gradlab.verify.tally import Tally
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

# One float32 miss may be rounding that no estimate foresaw; the same argument wrong in three cases is not.
_COMPANY = 3

# Findings beyond these would tell the same story; each is shrunk, which takes longer than finding it.
_SHOWN = 4


class Examination:
    """State of one run. `run` may be interrupted: what was judged so far is then lost to nobody but the caller."""

    def __init__(
        self,
        subject: Subject,
        specification: Specification,
        references: Sequence[Reference],
        profile: Profile,
        seed: int | None,
        notes: Sequence[str] = (),
        shrinking: bool = True,
    ) -> None:
        self.specification, self.references, self.profile = specification, list(references), profile
        # Code under test that edits its arguments must not spoil the cases that excluding "purity" lets continue.
        self.caller = Caller(subject, isolate="purity" in specification.exclude)
        self.seed = secrets.randbelow(1 << 32) if seed is None else seed
        self.notes, self.shrinking = list(notes), shrinking
        self.tally = Tally()
        self.laboratory = Laboratory(specification, self.caller, self.seed)
        self.found: dict[tuple[str, str], tuple[Violation, Case]] = {}
        self.pending: dict[tuple[str, str], list[tuple[Violation, Case]]] = {}

    def run(self) -> Report:
        """All rounds, unless one of them finds a failure."""
        start = time.perf_counter()
        _rounds(self.profile.rounds, self.seed, self._round)
        with quiet():
            self._settle_pending()
        findings = [self._explain(violation, case) for violation, case in self._ordered()]
        return Report(
            subject=self.caller.subject.name,
            specification=self.specification,
            findings=tuple(findings),
            tally=self.tally,
            references=tuple(reference.name for reference in self.references),
            profile=self.profile.name,
            seed=self.seed,
            seconds=time.perf_counter() - start,
            notes=tuple(self.notes),
        )

    def _round(self, draw: int) -> None:
        if any(violation.severity == "failure" for violation, _ in self.found.values()):
            return
        with quiet():
            for plan in round_of_plans(self.specification, (self.seed, draw)):
                self.tally.cases += 1
                self._judge(build(plan, self.specification))

    def _judge(self, case: Case) -> None:
        trial = Trial(case, self.specification, self.caller, self.references, self.tally)
        for violation in judged(trial):
            case = replace(case, grad_output=trial.grad_output if trial.upstream is not None else None)
            if violation.provisional:
                self.pending.setdefault(violation.key, []).append((violation, case))
            else:
                self._keep(violation, case)

    def _keep(self, violation: Violation, case: Case) -> None:
        known = self.found.get(violation.key)
        # A failure replaces a note on the same matter; otherwise the smallest case stands for all.
        if known is not None:
            graver = (known[0].severity == "failure") - (violation.severity == "failure")
            if graver > 0 or (graver == 0 and _size(known[1]) <= _size(case)):
                return
        self.found[violation.key] = violation, case

    def _settle_pending(self) -> None:
        """float32 misses: judged by their number, else by the same numbers in float64."""
        for key, misses in self.pending.items():
            violation, case = min(misses, key=lambda miss: _size(miss[1]))
            if key in self.found and self.found[key][0].severity == "failure":
                continue
            if len(misses) >= _COMPANY or self._wrong_in_double(key, case):
                self.found[key] = violation, case
            elif key not in self.found:
                text = f"{violation.claim}; once in float32 only, and right in float64"
                self.found[key] = replace(violation, claim=text, severity="note"), case

    def _wrong_in_double(self, key: tuple[str, str], case: Case) -> bool:
        wide = tuple(array.astype(np.float64) if array.dtype.kind == "f" else array for array in case.inputs)
        grad_output = None if case.grad_output is None else case.grad_output.astype(np.float64)
        double = replace(case, dtype="float64", inputs=wide, grad_output=grad_output)
        trial = Trial(double, self.specification, self.caller, self.references)
        return any(violation.key == key for violation in judged(trial, key[0]))

    def _ordered(self) -> list[tuple[Violation, Case]]:
        order = list(LAWS)
        pairs = sorted(
            self.found.values(),
            key=lambda pair: (pair[0].severity == "note", order.index(pair[0].law), pair[0].argument),
        )
        failures = [pair for pair in pairs if pair[0].severity == "failure"]
        return failures[:_SHOWN] + [pair for pair in pairs if pair[0].severity == "note"]

    def _explain(self, violation: Violation, case: Case) -> Finding:
        if violation.severity == "failure" and self.shrinking:

            def fails(candidate: Case) -> tuple[Violation, Case] | None:
                with quiet():
                    trial = Trial(candidate, self.specification, self.caller, self.references)
                    for found in judged(trial, violation.law):
                        if found.key == violation.key and found.severity == "failure":
                            shown = trial.grad_output if trial.upstream is not None else None
                            return found, replace(candidate, grad_output=shown)
                return None

            violation, case = shrink(case, self.specification, fails, self.seed) or (violation, case)
        source = reproduction(self.caller.subject, self.specification, violation, case)
        diagnosis = self._diagnosis(violation, case) if violation.severity == "failure" and self.shrinking else None
        return Finding.of(violation, case, self.specification, source, diagnosis)

    def _diagnosis(self, violation: Violation, case: Case) -> Diagnosis | None:
        def fails(candidate: Case) -> bool:
            with quiet():
                trial = Trial(candidate, self.specification, self.caller, self.references)
                # Whatever else may be wrong with the gradient, a question about infinities is about infinities.
                laws = ("value", "kinks", "stability") if violation.law == "value" else (violation.law,)
                return bool(trial.error) or any(
                    found.severity == "failure" and found.argument == violation.argument and found.law in laws
                    for found in judged(trial, violation.law)
                )

        return diagnose(self.laboratory, violation, case, fails)


def judged(trial: Trial, only: str | None = None) -> Iterator[Violation]:
    """The violations of every law that is not excluded; after a change of the inputs nothing else can be judged."""
    excluded = trial.specification.exclude
    for name, law in LAWS.items():
        # "value" reports non-finite gradients under "stability", joint ties under "kinks".
        wanted = only in (None, name) or (name == "value" and only in ("stability", "kinks"))
        if name in excluded or not wanted:
            continue
        broken = False
        for violation in law(trial):
            if violation.law not in excluded:
                yield violation
            broken = broken or violation.severity == "failure"
        if broken and name in ("contract", "purity"):
            return


def _size(case: Case) -> int:
    return sum(array.size for array in case.inputs)


def _rounds(count: int, seed: int, body: Callable[[int], None]) -> None:
    """`count` Hypothesis examples, each the draw of one round."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st

    options: dict[str, Any] = {
        "max_examples": count,
        "deadline": None,
        "database": None,
        "derandomize": False,
        "phases": (Phase.generate,),
        "suppress_health_check": list(HealthCheck),
    }

    @seeded(seed)
    @settings(**options)
    @given(st.integers(0, (1 << 63) - 1))
    def one_round(draw: int) -> None:
        body(draw)

    one_round()
