"""One run of a check: rounds of cases by Hypothesis, laws on each, findings collected, then shrunk."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Subject
from gradlab.errors import SignatureError
from gradlab.verify.calls import Caller, quiet
from gradlab.verify.case import Case, build
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.explain import diagnose
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.laws import LAWS, laws_for
from gradlab.verify.narrow import narrow_cases
from gradlab.verify.picture import picture
from gradlab.verify.plan import round_of_plans
from gradlab.verify.profiles import Profile
from gradlab.verify.references import Reference
from gradlab.verify.report import Finding, Report
from gradlab.verify.reproduction import reproduction
from gradlab.verify.rounds import Draw, checked_seed, outside_tests, run_rounds
from gradlab.verify.scouts import scouting_plans, suspicious
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
        self.given_seed = checked_seed(seed)
        self.seed = self.given_seed or 0
        self.notes, self.shrinking = list(notes), shrinking
        self.tally = Tally()
        self.laboratory = Laboratory(specification, self.caller, self.seed)
        self.found: dict[tuple[str, str], tuple[Violation, Case]] = {}
        self.pending: dict[tuple[str, str], list[tuple[Violation, Case]]] = {}

    def run(self) -> Report:
        """All rounds, unless one of them finds a failure."""
        start = time.perf_counter()
        rounds = run_rounds(self.profile, self.given_seed, self._key(), self.round)
        self.seed = rounds.seed
        if rounds.replayed:
            self.notes.append("replayed from the Hypothesis database: this round failed in an earlier run")
        with quiet():
            self._narrow()
            self._settle_pending()
        return replace(self.report(), seconds=time.perf_counter() - start)

    def report(self) -> Report:
        """What is known so far, its failures shrunk."""
        if not any(violation.severity == "failure" for violation, _ in self.found.values()):
            self.tally.state({"float32": _COMPANY})
        findings = outside_tests(lambda: [self._explain(violation, case) for violation, case in self._ordered()])
        return Report(
            subject=self.caller.subject.name,
            specification=self.specification,
            findings=tuple(findings),
            tally=self.tally,
            references=tuple(reference.name for reference in self.references),
            profile=self.profile.name,
            seed=self.seed,
            seconds=0.0,
            notes=tuple(self.notes),
        )

    def _key(self) -> str:
        """The same for the same subject in every run, also after its source was mended."""
        subject, names = self.caller.subject, [argument.name for argument in self.specification.arguments]
        return "\n".join((subject.name, subject.source, str(self.specification.signature), *names))

    def round(self, draw: Draw, only: int | None = None) -> tuple[bool, dict[str, float]]:
        """Judge one round, or one case of it; whether it failed, and each argument's worst error in tolerances."""
        worst, self.tally.worst = self.tally.worst, defaultdict(float)
        misses = sum(map(len, self.pending.values()))
        with quiet():
            plans = round_of_plans(self.specification, (draw.seed,), draw.tilt, self.profile.strata)
            for plan in plans if only is None else plans[only : only + 1]:
                self.tally.cases += 1
                self._judge(build(plan, self.specification))
            for plan in scouting_plans(self.specification, (draw.seed,)) if only is None else ():
                case = build(plan, self.specification)
                if suspicious(Trial(case, self.specification, self.caller)):
                    self._judge(case)
            if sum(map(len, self.pending.values())) > misses:
                self._settle_pending()
        observed: dict[str, float] = {}
        for (name, dtype), ratio in self.tally.worst.items():
            worst[name, dtype] = max(worst[name, dtype], ratio)
            observed[name] = max(observed.get(name, 0.0), ratio)
        self.tally.worst = worst
        return any(violation.severity == "failure" for violation, _ in self.found.values()), observed

    def _narrow(self) -> None:
        for dtype in self.specification.extras.low:
            if not any(violation.severity == "failure" for violation, _ in self.found.values()):
                for case in narrow_cases(self.specification, dtype, self.seed, self.profile.rounds):
                    self.tally.cases += 1
                    self._judge(case)

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
            # What shows in numbers tells more than what shows in an empty output.
            key=lambda pair: (
                pair[0].severity == "note",
                pair[1].grad_output is not None and not pair[1].grad_output.size,
                order.index(pair[0].law),
                pair[0].argument,
            ),
        )
        failures = [pair for pair in pairs if pair[0].severity == "failure"]
        return failures[:_SHOWN] + [pair for pair in pairs if pair[0].severity == "note"]

    def _explain(self, violation: Violation, case: Case) -> Finding:
        found = case
        if violation.severity == "failure" and self.shrinking:

            def fails(candidate: Case) -> tuple[Violation, Case] | None:
                with quiet():
                    candidate = replace(candidate, coordinates="all")
                    trial = Trial(candidate, self.specification, self.caller, self.references)
                    for found in judged(trial, violation.law):
                        if found.key == violation.key and found.severity == "failure":
                            shown = trial.grad_output if trial.upstream is not None else None
                            return found, replace(candidate, grad_output=shown)
                return None

            # `where` may raise for sizes that no round has drawn: the finding is kept as it was found.
            with suppress(SignatureError):
                violation, case = shrink(case, self.specification, fails, self.seed) or (violation, case)
        source = reproduction(self.caller.subject, self.specification, violation, case)
        diagnosis = self._diagnosis(violation, case) if violation.severity == "failure" and self.shrinking else None
        drawn = self._picture(violation, case, found)
        return Finding.of(violation, case, self.specification, source, diagnosis, picture=drawn)

    def _picture(self, violation: Violation, case: Case, found: Case) -> dict[str, Any] | None:
        if not self.profile.pictures or violation.severity != "failure":
            return None
        with quiet():
            return picture(violation, case, found, self.specification, self.caller, self.seed)

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
    for name, law in laws_for(trial.case.dtype).items():
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
