"""What a check found, as data, as text and as dictionaries for JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradlab.verify.case import Case
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.further import further, further_data, unexercised
from gradlab.verify.reproduction import literal
from gradlab.verify.specification import Specification
from gradlab.verify.tally import Tally
from gradlab.verify.violation import Severity, Violation

Verdict = Literal["pass", "fail", "inconclusive"]

# Of the lines of an explanation, so that they stay below 120 columns where they are indented twice.
_WIDTH = 108

INDEPENDENT = ("torch autograd", "longdouble differences of the reference", "float64 differences of the reference")


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken law for one argument, with the simplest case that shows it.

    `severity` "note" never changes the verdict. `case` maps each argument and `grad_output` to its array;
    `reproduction` is a program that needs NumPy and the code under test only ("" where the arrays are too long);
    `diagnosis` says what kind of mistake it is, where one explanation fits all cases; `picture` is the data of its
    charts where they were asked for (see `gradlab.verify.picture`).
    """

    law: str
    argument: str
    claim: str
    severity: Severity
    evidence: Mapping[str, object]
    sizes: Mapping[str, int]
    dtype: str
    params: Mapping[str, Any]
    layouts: Mapping[str, str]
    case: Mapping[str, np.ndarray[Any, Any]]
    reproduction: str
    diagnosis: Diagnosis | None = None
    picture: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls,
        violation: Violation,
        case: Case,
        specification: Specification,
        reproduction: str,
        diagnosis: Diagnosis | None = None,
        *,
        picture: Mapping[str, Any] | None = None,
    ) -> Finding:
        """The finding of a violation and its shrunk case."""
        names = [*(argument.name for argument in specification.arguments), "grad_output"]
        arrays = dict(zip(names, [*case.inputs, case.grad_output], strict=True))
        return cls(
            violation.law,
            violation.argument,
            violation.claim,
            violation.severity,
            dict(violation.evidence),
            dict(case.sizes),
            case.dtype,
            dict(case.params),
            {name: how for name, how in zip(names, case.layouts, strict=True) if how != "C"},
            {name: array for name, array in arrays.items() if array is not None},
            reproduction,
            diagnosis,
            picture,
        )

    def __str__(self) -> str:
        if self.severity == "note":
            return self.headline
        lines = [self.headline]
        if "tolerances" in self.evidence and np.isfinite(float(str(self.evidence["tolerances"]))):
            lines.append(f"  off by {float(str(self.evidence['tolerances'])):.2g} times the tolerance")
        lines.extend(self.explanation)
        sizes = ", ".join(f"{name}={size}" for name, size in self.sizes.items())
        params = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        layouts = ", ".join(f"{name} {how}" for name, how in self.layouts.items())
        lines.append("  case: " + ", ".join(part for part in (sizes, params, self.dtype, layouts) if part))
        if self.reproduction:
            lines.append("  reproduce without gradlab:")
            lines.extend(f"    {line}".rstrip() for line in self.reproduction.splitlines())
            return "\n".join(lines)
        # Without a program that holds the arrays they stand here.
        for name, array in self.case.items():
            shown = literal(array) if array.size <= 24 else f"shape {array.shape}, first {array.reshape(-1)[:3]}"
            lines.append(f"    {name} = {shown}")
        return "\n".join(lines)

    @property
    def headline(self) -> str:
        """The law and the claim, on one line."""
        return f"{self.severity} {self.law}: {self.claim}"

    @property
    def explanation(self) -> list[str]:
        """The diagnosis and its remedy, wrapped and indented; [] where there is none."""
        if self.diagnosis is None:
            return []
        head = _wrapped(f"diagnosis: {self.diagnosis.kind}: {self.diagnosis.text}")
        remedy = _wrapped(f"remedy: {self.diagnosis.remedy}")
        return [
            *(f"{'    ' if k else '  '}{line}" for k, line in enumerate(head)),
            *(f"{'    ' if k else '  '}{line}" for k, line in enumerate(remedy)),
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        return {
            "law": self.law,
            "argument": self.argument,
            "claim": self.claim,
            "severity": self.severity,
            "evidence": {name: plain(value) for name, value in self.evidence.items()},
            "sizes": dict(self.sizes),
            "dtype": self.dtype,
            "params": {name: plain(value) for name, value in self.params.items()},
            "layouts": dict(self.layouts),
            "case": {name: plain(array) for name, array in self.case.items()},
            "reproduction": self.reproduction,
            "diagnosis": None if self.diagnosis is None else plain(self.diagnosis.as_dict()),
            "picture": self.picture,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """Result of a check; `print(report)` is readable, `as_dict()` is JSON-able."""

    subject: str
    specification: Specification
    findings: tuple[Finding, ...]
    tally: Tally
    references: tuple[str, ...]
    profile: str
    seed: int
    seconds: float
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The result: "fail" where a law is broken, "inconclusive" where an argument was not verified, else "pass"."""
        if self.failures:
            return "fail"
        return "inconclusive" if self.reasons else "pass"

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings that decide the verdict."""
        return tuple(finding for finding in self.findings if finding.severity == "failure")

    @property
    def arguments(self) -> tuple[str, ...]:
        """Arguments whose gradient was to be verified."""
        return tuple(self.specification.arguments[k].name for k in self.specification.differentiable)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the check is inconclusive, one sentence per argument that no oracle could verify."""
        if "value" in self.specification.exclude:
            return ()
        causes = [f"{cause} ({count} cases)" for cause, count in self.tally.skipped.items()]
        causes += [
            finding.claim for finding in self.findings if finding.severity == "note" and finding.law == "contract"
        ]
        text = "; ".join(causes) or "no case had an element to compare"
        reasons = [f"{name} was not verified: {text}" for name in self.arguments if not self.tally.count_of(name)]
        reasons += [f"{name} was not verified: {self._why(name)}" for name in self._blind]
        return (*reasons, *unexercised(self.specification, self.tally))

    def _why(self, name: str) -> str:
        if self.tally.faint(name):
            return "all its values are so small beside grad_output that an error cannot be told from rounding"
        return "no planted error was caught"

    @property
    def _blind(self) -> list[str]:
        return [name for name in self.arguments if self.tally.count_of(name) and self.tally.blind(name)]

    @property
    def power(self) -> dict[str, dict[str, float]]:
        """Relative error that would have been caught, per argument and dtype (see `Tally.power`)."""
        found: dict[str, dict[str, float]] = {}
        for name in self.arguments:
            powers = {dtype: self.tally.power(name, dtype) for dtype in self.specification.dtypes}
            found[name] = {dtype: power for dtype, power in powers.items() if power is not None}
        return found

    @property
    def cases(self) -> int:
        """Number of cases run."""
        return self.tally.cases

    def oracles(self, argument: str) -> tuple[str, ...]:
        """Oracles that verified an argument; independent ones differentiate something else than the forward."""
        return tuple(sorted(self.tally.oracles.get(argument, ())))

    def __str__(self) -> str:
        lines = [
            f"{self.subject}: {self.verdict.upper()} after {self.cases} cases "
            f"({self.profile} profile, seed={self.seed}, {self.seconds:.2f} s)"
        ]
        lines.extend(f"  {reason}" for reason in self.reasons if self.verdict == "inconclusive")
        if self.verdict != "fail":
            lines.extend(f"  {self._argument_line(name)}" for name in self.arguments)
        told: set[str] = set()
        for finding in self.findings:
            # The first failure in full; what follows often has the same cause, and a screen has 40 lines.
            whole = finding.severity == "note" or not told
            texts = str(finding).splitlines() if whole else [finding.headline]
            if not whole and finding.diagnosis is not None and finding.diagnosis.text not in told:
                texts.extend(finding.explanation)
            told.add(finding.diagnosis.text if finding.diagnosis is not None else finding.headline)
            lines.extend(f"  {line}".rstrip() for line in texts)
        lines.extend(f"  excluded {law}: {reason}" for law, reason in self.specification.exclude.items())
        lines.extend(f"  {line}" for line in further(self.tally))
        lines.extend(f"  note: {note}" for note in self.notes)
        if self.verdict == "fail":
            lines.append(f"  run it again: the same check with seed={self.seed}, profile={self.profile!r}")
        return "\n".join(lines)

    def _argument_line(self, name: str) -> str:
        oracles = ", ".join(
            f"{oracle}{' (independent)' if oracle in INDEPENDENT else ''}" for oracle in self.oracles(name)
        )
        power = ", ".join(f"{value:.1g} in {dtype}" for dtype, value in self.power[name].items())
        caught = f"; would catch a relative error of {power}" if power else ""
        return f"{name}: worst {self.tally.worst_of(name):.2g} of the tolerance by {oracles or 'no oracle'}{caught}"

    def html(self) -> str:
        """The report as one self-contained page; with `check(..., pictures=True)` failures have their charts."""
        from gradlab.verify.html.one import page_of

        return page_of(self)

    def _repr_html_(self) -> str:
        from gradlab.verify.html.one import framed

        return framed(self)

    def as_dict(self) -> dict[str, Any]:
        """Plain lists, strings and numbers."""
        return {
            "subject": self.subject,
            "verdict": self.verdict,
            "signature": str(self.specification.signature),
            "profile": self.profile,
            "seed": self.seed,
            "seconds": self.seconds,
            "cases": self.cases,
            "arguments": {
                name: {
                    "oracles": list(self.oracles(name)),
                    "worst": plain(self.tally.worst_of(name)),
                    "verified": self.tally.count_of(name),
                    "power": self.power[name],
                }
                for name in self.arguments
            },
            "findings": [finding.as_dict() for finding in self.findings],
            "reasons": list(self.reasons),
            "excluded": dict(self.specification.exclude),
            "notes": list(self.notes),
            **further_data(self.tally),
        }


def _wrapped(text: str) -> list[str]:
    """Lines of the text; no break beside an equals sign or inside a product."""
    for glued in (" = ", " * ", " == "):
        text = text.replace(glued, glued.replace(" ", "\0"))
    return [line.replace("\0", " ") for line in textwrap.wrap(text, _WIDTH)]


def plain(value: object) -> object:
    """The value as JSON can hold it; NaN and infinities become strings."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.longdouble):
        return plain(float(value))  # Python has no number for it: its own item() is itself
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return value
