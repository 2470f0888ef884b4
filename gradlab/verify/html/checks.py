"""The rows of a record, gathered into the checks they come from: what one run of the checker found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gradlab.verify.html import charts, heat
from gradlab.verify.html.numbers import array_text, exact, leaves, number, short

VERDICTS = ("fail", "inconclusive", "pass", "skipped")

# Longer arrays are shown by their beginning; the reproduction is left out for them too.
_SHOWN = 400

# The readings of a numeric finding, in this order, under these names.
_READINGS = {
    "backward": "backward",
    "true": "true value",
    "found": "found",
    "tolerances": "times the tolerance",
    "oracle error": "error of the oracle",
    "oracle": "oracle",
    "index": "at index",
}


@dataclass(frozen=True, slots=True)
class Array:
    """An array of a shrunk case, as text."""

    name: str
    layout: str
    text: str


@dataclass(frozen=True, slots=True)
class Card:
    """One finding, ready to be shown. `place` is the gradient or the part it is about; `key` is its anchor."""

    key: str
    law: str
    place: str
    claim: str
    readings: list[tuple[str, str]]
    conditions: list[tuple[str, str]]
    arrays: list[Array]
    diagnosis: Mapping[str, Any] | None
    evidence: list[tuple[str, str]]
    reproduction: str
    drawn: str
    maps: heat.Maps | None
    steps: charts.Chart | None
    remark: str
    taylor: charts.Chart | None
    slopes: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Line:
    """One gradient in the summary table. `bar` is the worst error in units of its tolerance, from 0 to 1."""

    key: str
    argument: str
    verdict: str
    oracles: list[tuple[str, bool]]
    examples: str
    worst: str
    bar: float
    power: dict[str, str]
    seconds: str
    reason: str
    card: str


@dataclass(frozen=True, slots=True)
class Check:
    """All gradients of one function on one backend, with what was found."""

    key: str
    operation: str
    backend: str
    test: str
    seed: str
    lines: list[Line]
    cards: list[Card]
    notes: list[str]
    excluded: dict[str, str]


def checks_of(rows: Sequence[Mapping[str, Any]]) -> list[Check]:
    """Consecutive rows of one check belong together; a finding that each of them repeats is shown once."""

    def identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
        return row.get("test", ""), row["operation"], row["backend"], row.get("seed")

    return [_check(f"check-{number}", list(group)) for number, (_, group) in enumerate(groupby(rows, identity), 1)]


def _check(key: str, rows: list[Mapping[str, Any]]) -> Check:
    first = rows[0]
    findings: list[Mapping[str, Any]] = []
    for row in rows:
        findings.extend(finding for finding in row["findings"] if finding not in findings)
    failures = [finding for finding in findings if finding["severity"] == "failure"]
    told = [finding for finding in findings if finding["severity"] != "failure"]
    cards = [_card(f"{key}-finding-{place}", finding) for place, finding in enumerate(failures, 1)]
    notes = [f"{finding['law']}: {finding['claim']}" for finding in told]
    notes += [str(note) for row in rows for note in row.get("notes", ())]
    excluded = {str(law): str(reason) for row in rows for law, reason in row.get("excluded", {}).items()}
    seed = first.get("seed")
    return Check(
        key,
        first["operation"],
        first["backend"],
        str(first.get("test", "")),
        "" if seed is None else str(seed),
        [_line(f"{key}-row-{place}", row, failures, cards) for place, row in enumerate(rows, 1)],
        cards,
        list(dict.fromkeys(notes)),
        excluded,
    )


def _line(key: str, row: Mapping[str, Any], failures: list[Mapping[str, Any]], cards: list[Card]) -> Line:
    own = [card for finding, card in zip(failures, cards, strict=True) if finding["argument"] == row["argument"]]
    link = next(iter([*own, *cards]), None) if row["verdict"] == "fail" else None
    worst = number(row.get("worst"))
    examined = row["verdict"] != "skipped" and bool(row.get("examples"))
    independent = set(row.get("independent", ()))
    return Line(
        key,
        row["argument"],
        row["verdict"] if row["verdict"] in VERDICTS else "inconclusive",
        [(str(oracle), oracle in independent) for oracle in row.get("oracles", ())],
        str(row["examples"]) if examined else "–",
        short(row.get("worst")) if examined and (row.get("oracles") or worst) else "–",
        min(max(worst, 0.0), 1.0) if worst == worst and examined else 0.0,
        {str(dtype): short(value, 1) for dtype, value in row.get("power", {}).items()},
        f"{number(row.get('seconds', 0.0)):.2f}",
        str(row.get("reason", "")),
        "" if link is None else link.key,
    )


def _card(key: str, finding: Mapping[str, Any]) -> Card:
    evidence = finding.get("evidence") or {}
    picture = finding.get("picture") or {}
    diagnosis = finding.get("diagnosis")
    steps, curve = picture.get("steps"), picture.get("taylor")
    name = finding["argument"]
    index = f"[{exact(steps['index'])}]" if steps and steps["index"] else ""
    return Card(
        key=key,
        law=finding["law"],
        place=_place(name),
        claim=finding["claim"],
        readings=_readings(evidence),
        conditions=_conditions(finding),
        arrays=_arrays(finding),
        diagnosis=diagnosis,
        evidence=[(str(what), exact(value)) for what, value in ((diagnosis or {}).get("evidence") or {}).items()],
        reproduction=finding.get("reproduction") or "",
        drawn=_drawn(picture),
        maps=heat.maps(picture["map"]) if picture.get("map") else None,
        steps=charts.against_step(steps, f"grad {name}{index}") if steps else None,
        remark=charts.verdict_on_steps(steps) if steps else "",
        taylor=charts.taylor(curve, name) if curve else None,
        slopes=tuple(charts.slope_text(curve[f"{kind} slope"]) for kind in ("backward", "true")) if curve else None,  # type: ignore[arg-type]
    )


def _place(argument: str) -> str:
    if argument in ("", "output"):
        return {"": "the call as a whole", "output": "the output of forward"}[argument]
    return f"gradient of {argument}"


def _readings(evidence: Mapping[str, Any]) -> list[tuple[str, str]]:
    known = [(text, evidence[name]) for name, text in _READINGS.items() if name in evidence]
    others = [(name, value) for name, value in evidence.items() if name not in _READINGS]
    shown = [(name, short(value) if name == "times the tolerance" else exact(value)) for name, value in known + others]
    return [(name, value) for name, value in shown if value]


def _conditions(finding: Mapping[str, Any]) -> list[tuple[str, str]]:
    entries = {**finding.get("sizes", {}), **finding.get("params", {})}
    dtype = finding.get("dtype", "")
    return [*((str(name), exact(value)) for name, value in entries.items()), *([("dtype", dtype)] if dtype else [])]


def _arrays(finding: Mapping[str, Any]) -> list[Array]:
    layouts = finding.get("layouts", {})
    arrays = []
    for name, values in finding.get("case", {}).items():
        flat = leaves(values)
        if len(flat) <= _SHOWN:
            text = f"{name} = {array_text(values, len(name) + 3)}"
        else:
            beginning = ", ".join(str(value) for value in flat[:12])
            text = f"{name} = {len(flat)} numbers that begin with {beginning}, …"
        arrays.append(Array(name, layouts.get(name, ""), text))
    return arrays


def _drawn(picture: Mapping[str, Any]) -> str:
    case = picture.get("case")
    if not case:
        return ""
    entries = {**case.get("sizes", {}), **case.get("params", {})}
    where = ", ".join([*(f"{name} = {exact(value)}" for name, value in entries.items()), case.get("dtype", "")])
    kinds = {
        "generic": "Drawn for a case of ordinary numbers, where the gradient is wrong as well",
        "found": "Drawn for the case as it was found, before it was shrunk",
    }
    return f"{kinds.get(case.get('kind'), 'Drawn for the shrunk case')}: {where}."
