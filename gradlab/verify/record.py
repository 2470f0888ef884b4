"""A run as one JSON-able dictionary: what was asked for, with which versions and when, and the rows."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradlab.errors import GradlabError

# Those whose release can change a number; torch only where it is installed.
_PACKAGES = ("gradlab", "numpy", "hypothesis", "torch")

_ROW = {"operation": str, "backend": str, "argument": str, "verdict": str, "findings": list}
_FINDING = {"law": str, "argument": str, "claim": str, "severity": str}


def record(
    rows: Iterable[Mapping[str, Any]], *, profile: str, seed: int | None, interrupted: bool = False
) -> dict[str, Any]:
    """The dictionary; `rows` are those of `Row.as_dict` or `FlatRow.data`."""
    return {
        "profile": profile,
        "seed": seed,
        "interrupted": interrupted,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": versions(),
        "rows": [dict(row) for row in rows],
    }


def versions() -> dict[str, str]:
    """Python, the packages that matter and the machine.

    >>> list(versions())[:2]
    ['python', 'machine']
    """
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def write(path: Path, data: Mapping[str, Any]) -> None:
    """Write the record as JSON."""
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The record that `gradlab verify --json` wrote. Raises GradlabError, in one line, for any other file."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not JSON
        raise GradlabError(f"{path}: not JSON ({error}); give a file that `gradlab verify --json` wrote") from None
    wrong = _wrong(data)
    if wrong:
        raise GradlabError(f"{path}: {wrong}; give a file that `gradlab verify --json` wrote")
    return dict(data)


def _wrong(data: object) -> str:
    if not isinstance(data, dict) or not isinstance(data.get("rows"), list):
        return "no report: it has no list of rows"
    for number, row in enumerate(data["rows"], start=1):
        text = _missing(row, _ROW)
        if text:
            return f"row {number} {text}"
        for finding in row["findings"]:
            text = _missing(finding, _FINDING)
            if text:
                return f"a finding of row {number} {text}"
    return ""


def _missing(entry: object, expected: Mapping[str, type]) -> str:
    if not isinstance(entry, dict):
        return f"is {entry!r}, not a dictionary"
    for name, kind in expected.items():
        if not isinstance(entry.get(name), kind):
            return f"has {name}={entry.get(name)!r}, not a {kind.__name__}"
    return ""
