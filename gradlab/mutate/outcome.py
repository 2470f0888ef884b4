"""What became of each mutant, and the score."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gradlab.mutate.difference import Comparison
from gradlab.mutate.generate import Mutant

Status = Literal["killed", "timed out", "survived", "invalid"]
Kind = Literal["killed", "survived", "equivalent", "invalid"]

KINDS: tuple[Kind, ...] = ("killed", "survived", "equivalent", "invalid")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a test ended on a mutant.

    "timed out" counts as killed; "invalid" could not be imported and counts nowhere.
    """

    status: Status
    why: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mutant, the test's verdict on it and its comparison with the original.

    No verdict where it is proved equivalent and was not run; no comparison where the test noticed it.
    """

    mutant: Mutant
    verdict: Verdict | None
    comparison: Comparison | None = None
    seconds: float = 0.0

    @property
    def kind(self) -> Kind:
        """Where it counts: a mutant that a test noticed is killed, whatever it computes."""
        if self.verdict is not None and self.verdict.status in ("killed", "timed out"):
            return "killed"
        if self.verdict is not None and self.verdict.status == "invalid":
            return "invalid"
        return "equivalent" if self.comparison is not None and self.comparison.equivalent else "survived"

    def as_dict(self) -> dict[str, Any]:
        """Plain strings and numbers."""
        compared = self.comparison
        return {
            **self.mutant.as_dict(),
            "kind": self.kind,
            "status": None if self.verdict is None else self.verdict.status,
            "why": "" if self.verdict is None else self.verdict.why,
            "equivalence": None if compared is None else compared.kind,
            "reason": "" if compared is None else compared.why,
            "witness": [] if compared is None else list(compared.witness),
            "seconds": round(self.seconds, 3),
        }


def count(outcomes: Iterable[Outcome], kind: Kind) -> int:
    """How many are of a kind."""
    return sum(outcome.kind == kind for outcome in outcomes)


def score(outcomes: Sequence[Outcome]) -> float | None:
    """Killed of those that could be: equivalent and invalid mutants do not count; None where none is left."""
    killed, survived = count(outcomes, "killed"), count(outcomes, "survived")
    return killed / (killed + survived) if killed + survived else None
