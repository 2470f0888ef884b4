"""The table of verified operations: its rows as data, for the terminal (rich) and for JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from gradlab.verify.report import INDEPENDENT, Report, plain

if TYPE_CHECKING:
    from rich.table import Table

RowVerdict = Literal["pass", "fail", "inconclusive", "skipped"]

_COLOURS = {"pass": "green", "fail": "bold red", "inconclusive": "yellow", "skipped": "yellow"}


@dataclass(frozen=True, slots=True)
class Row:
    """One argument of one operation on one backend.

    `worst` is the largest error in units of its tolerance; `seconds` is the argument's share of the check; `power` the
    relative error that would have been caught, per dtype; `report` is None where the row was skipped.
    """

    operation: str
    backend: str
    argument: str
    oracles: tuple[str, ...]
    examples: int
    worst: float
    verdict: RowVerdict
    seconds: float
    power: dict[str, float]
    reason: str = ""
    report: Report | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers; findings and seed come from the report."""
        return {
            "operation": self.operation,
            "backend": self.backend,
            "argument": self.argument,
            "oracles": list(self.oracles),
            "independent": [oracle for oracle in self.oracles if oracle in INDEPENDENT],
            "examples": self.examples,
            "worst": plain(self.worst),
            "verdict": self.verdict,
            "seconds": self.seconds,
            "power": self.power,
            "reason": self.reason,
            "seed": None if self.report is None else self.report.seed,
            "excluded": {} if self.report is None else dict(self.report.specification.exclude),
            "notes": [] if self.report is None else self.report.as_dict()["notes"],
            "findings": [] if self.report is None else [finding.as_dict() for finding in self.report.findings],
        }


def rows_of(report: Report, operation: str, backend: str) -> list[Row]:
    """One row for each gradient of a report."""
    rows = []
    for argument in report.arguments:
        reasons = [] if report.failures else [text for text in report.reasons if text.startswith(f"{argument} ")]
        skipped = [text for text in report.notes if text.startswith("torch ")]
        rows.append(
            Row(
                operation,
                backend,
                argument,
                report.oracles(argument),
                report.cases,
                _worst(report, argument),
                _verdict(report, argument, bool(reasons)),
                report.seconds / len(report.arguments),
                report.power[argument],
                "; ".join([*reasons, *skipped]),
                report,
            )
        )
    return rows


def _worst(report: Report, argument: str) -> float:
    ratios = [finding.evidence.get("tolerances") for finding in report.failures if finding.argument == argument]
    return max([report.tally.worst_of(argument), *(float(ratio) for ratio in ratios if isinstance(ratio, float))])


def _verdict(report: Report, argument: str, unverified: bool) -> RowVerdict:
    # A failure that belongs to no argument (arity, the output, grad_output) fails them all.
    if any(finding.argument == argument or finding.argument not in report.arguments for finding in report.failures):
        return "fail"
    if report.verdict == "fail":
        return "pass" if report.tally.count_of(argument) else "inconclusive"
    return "inconclusive" if unverified else "pass"


def table(rows: Iterable[Row], title: str | None = None) -> Table:
    """A rich table of the rows; print it with `rich.console.Console().print`."""
    from rich.table import Table

    result = Table(title=title, title_justify="left")
    for header in ("operation", "backend", "argument", "oracle"):
        result.add_column(header)
    for header in ("examples", "worst error / tolerance", "catches"):
        result.add_column(header, justify="right")
    result.add_column("verdict")
    result.add_column("seconds", justify="right")
    before: tuple[str, str] | None = None
    for row in rows:
        first = before != (row.operation, row.backend)
        if first and before is not None and before[0] != row.operation:
            result.add_section()
        before = row.operation, row.backend
        result.add_row(*cells(row, first=first))
    return result


def cells(row: Row, *, first: bool = True) -> list[str]:
    """The texts of one row, with rich markup on the verdict; names are left out after the first row of a check."""
    from rich.markup import escape

    examined = row.verdict != "skipped"
    power = f"{row.power['float64']:.0e}" if "float64" in row.power else ""
    reason = f" [dim]{escape(row.reason)}[/dim]" if row.reason else ""
    return [
        row.operation if first else "",
        row.backend if first else "",
        row.argument,
        " + ".join(row.oracles),
        str(row.examples) if examined else "",
        f"{row.worst:.2g}" if examined else "",
        power,
        f"[{_COLOURS[row.verdict]}]{row.verdict}[/]{reason}",
        f"{row.seconds:.2f}" if examined else "",
    ]
