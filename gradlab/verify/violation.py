"""What a law reports before it is shrunk and explained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Severity = Literal["failure", "note"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken law in one case. `argument` is a name, "output" or "" for the call as a whole.

    `provisional` marks a numeric miss in float32: it needs company, or the same numbers in float64, to be a failure.
    """

    law: str
    argument: str
    claim: str
    evidence: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = "failure"
    provisional: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """Violations with one key are one finding."""
        return self.law, self.argument
