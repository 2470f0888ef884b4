"""Rows that can leave their process: plain data and text, whatever the code under test put into the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gradlab.verify.rows import Row, RowVerdict


@dataclass(frozen=True, slots=True)
class FlatRow:
    """A row without its report: `text` is the report as printed, `data` what JSON holds of row and findings.

    A report may hold functions of the user's, which cannot be pickled; this can.
    """

    row: Row
    text: str
    data: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> FlatRow:
        """The flat form of a row."""
        text = "" if row.report is None else str(row.report)
        return cls(replace(row, report=None), text, row.as_dict())

    def noted(self, findings: Sequence[Mapping[str, Any]]) -> FlatRow:
        """The same with findings about the process: a failure among them fails the row, a note is shown beside it."""
        if not findings:
            return self
        failed = any(finding["severity"] == "failure" for finding in findings)
        # The table has room for the fact; its remedy stands in the text.
        claims = "; ".join(str(finding["claim"]).partition("; ")[0] for finding in findings)
        verdict: RowVerdict = "fail" if failed else self.row.verdict
        row = replace(self.row, verdict=verdict, reason="; ".join(filter(None, (self.row.reason, claims))))
        lines = [f"  {finding['severity']} {finding['law']}: {finding['claim']}" for finding in findings]
        data = {**self.data, "verdict": verdict, "reason": row.reason}
        data["findings"] = [*self.data["findings"], *map(dict, findings)]
        text = self.text.replace(": PASS ", ": FAIL ", 1) if failed else self.text
        return FlatRow(row, "\n".join([text, *lines]), data)


def finding(claim: str, *, severity: str = "failure", **more: Any) -> dict[str, Any]:
    """A finding about the process rather than about numbers, in the form of `Finding.as_dict`."""
    empty: dict[str, Any] = {"evidence": {}, "sizes": {}, "dtype": "", "params": {}, "layouts": {}, "case": {}}
    head = {"law": "isolation", "argument": "", "claim": claim, "severity": severity}
    return {**head, **empty, "reproduction": "", "diagnosis": None, **more}


def fault(
    operation: str, backend: str, claim: str, *, details: Sequence[str] = (), seconds: float, seed: int, **more: Any
) -> FlatRow:
    """The row of a check that had no end: the code under test took its process with it, or could not be imported."""
    row = Row(operation, backend, "", (), 0, float("nan"), "fail", seconds, {}, claim)
    lines = [f"{operation}: FAIL (seed={seed}, {seconds:.2f} s)", f"  failure isolation: {claim}"]
    data = {**row.as_dict(), "seed": seed, "findings": [finding(claim, **more)]}
    return FlatRow(row, "\n".join([*lines, *(f"    {line}".rstrip() for line in details)]), data)
