"""Answers of worker processes as rows: values as they came, and a row of its own for what had no end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gradlab.verify.flat import FlatRow, fault, finding
from gradlab.verify.report import plain
from gradlab.verify.reproduction import literal
from gradlab.verify.workers import Answer


def rows(answer: Answer, operation: str, backend: str, seed: int, doing: str = "the check") -> list[FlatRow]:
    """The rows of one answer, whose value is a list of rows; `doing` is what raised where it did not come back."""
    if answer.died or answer.refused:
        return [lost(answer, operation, backend, seed, doing)]
    notes = about(answer)
    return [flat.noted(notes) for flat in answer.value]


def lost(answer: Answer, operation: str, backend: str, seed: int, doing: str = "the check") -> FlatRow:
    """The row of an answer without a value."""
    where = f" ({answer.place})" if answer.place else ""
    whole = answer.refused or answer.died.startswith(("worker", "no end"))
    what = (answer.refused or answer.died) if whole else f"{doing} raises {answer.died}"
    details, more = case_of(answer)
    row = fault(operation, backend, f"{what}{where}", details=details, seconds=answer.seconds, seed=seed, **more)
    return row.noted(about(replace(answer, printed="")))


def about(answer: Answer) -> list[dict[str, Any]]:
    """Notes on how the answer came."""
    notes = []
    if answer.lost:
        notes.append(finding(f"the executor lost it ({answer.lost}); checked on this machine instead", severity="note"))
    if answer.printed:
        first = next((text for text in answer.printed.splitlines() if text.strip()), "")
        notes.append(finding(f"prints to standard output: {first[:60]!r}", severity="note"))
    return notes


def case_of(answer: Answer) -> tuple[list[str], dict[str, Any]]:
    """The call that ran when its process died: lines for the reader, entries for JSON."""
    call = answer.call
    if call is None:
        return [], {}
    params = "" if call.params == "{}" else f", parameters {call.params}"
    lines = [f"case: {call.half}{params}"]
    arrays = {name: array for name, array in call.arrays if not isinstance(array, str)}
    shown = {
        name: array if isinstance(array, str) else literal(array) if array.size <= 24 else f"shape {array.shape}"
        for name, array in call.arrays
    }
    lines += [f"  {name} = {text}" for name, text in shown.items()]
    source = ""
    if arrays and sum(array.size for array in arrays.values()) <= 64:
        order = ["grad_output", *(name for name in arrays if name != "grad_output")]
        passed = ", ".join(name for name in order if name in arrays)
        extra = "" if call.params == "{}" else f", **{call.params}"
        body = [f"{name} = {literal(array)}" for name, array in arrays.items()]
        source = "\n".join(
            ["import numpy as np", *call.source.splitlines(), "", *body, f"{call.half}({passed}{extra})"]
        )
        lines += ["reproduce without gradlab:", *(f"  {line}" for line in source.splitlines())]
    return lines, {"case": {name: plain(array) for name, array in arrays.items()}, "reproduction": source}
