"""gradlab.check with what the subject says of itself, in one of its profiles.

Nothing is shrunk: that is what a failing check pays for its explanation, and here failures are counted only.
"""

from __future__ import annotations

import inspect
from typing import Any

from benchmarks.checkers.outcome import Outcome, Verdict, timed
from benchmarks.zoo.subject import Subject
from gradlab.adapters.functions import from_functions
from gradlab.verify.check import run
from gradlab.verify.laws import LAWS
from gradlab.verify.report import Report
from gradlab.verify.specification import Specification, specify


def check(subject: Subject, correct: Subject, seed: int, *, profile: str = "default") -> Outcome:
    """`correct` is not shown to it: no reference is given, the forward under test is all it has."""
    specification = specification_of(subject)
    if specification is None:
        return Outcome("not applicable", "broadcast=True is not among the options of gradlab.check")

    def call() -> tuple[Verdict, str]:
        pair = from_functions(subject.forward, subject.backward)
        report = run(pair, specification, profile=profile, seed=seed, shrinking=False)
        return report.verdict, reason_of(report)

    return timed(call)


def specification_of(subject: Subject) -> Specification | None:
    """The specification of an animal; None where it asks for something that this version cannot do."""
    known = inspect.signature(specify).parameters
    options: dict[str, Any] = {"forward": subject.forward, "laws": LAWS, **subject.options()}
    if "broadcast" not in known and options.pop("broadcast"):
        return None
    return specify(subject.signature, **options)


def reason_of(report: Report) -> str:
    """The first claim, or why nothing was verified."""
    if report.failures:
        first = report.failures[0]
        return f"{first.law}: {first.argument}: {first.claim}"[:200]
    return "; ".join(report.reasons)[:200]
