"""A record as one self-contained HTML page: no network, no fonts to load, readable without JavaScript."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab.verify.html.checks import VERDICTS, checks_of
from gradlab.verify.html.numbers import exact, number, short

if TYPE_CHECKING:
    from jinja2 import Environment


def render(record: Mapping[str, Any]) -> str:
    """The page of a record (`gradlab.verify.record.record`); a pure function.

    >>> from gradlab.verify.record import record
    >>> render(record([], profile="quick", seed=1)).splitlines()[0]
    '<!doctype html>'
    """
    checks = checks_of(record["rows"])
    lines = [line for check in checks for line in check.lines]
    counts = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    dtypes = sorted({dtype for line in lines for dtype in line.power}, reverse=True)  # float64 first
    return _environment().get_template("page.html").render(
        title=headline(counts),
        checks=checks,
        lines=lines,
        counts=counts,
        dtypes=dtypes,
        profile=record.get("profile", ""),
        seed=record.get("seed"),
        interrupted=bool(record.get("interrupted")),
        date=_date(str(record.get("date", ""))),
        versions=record.get("versions", {}),
        seconds=short(sum(number(row.get("seconds", 0.0)) for row in record["rows"]), 3),
        cases=sum(int(number(row.get("examples", 0)) or 0) for row in _firsts(record["rows"])),
    ) + "\n"  # fmt: skip


def write(path: Path, record: Mapping[str, Any]) -> None:
    """Write the page to a file."""
    path.write_text(render(record), encoding="utf-8")


def headline(counts: Mapping[str, int]) -> str:
    """The result in one sentence.

    >>> headline({"fail": 2, "inconclusive": 0, "pass": 38, "skipped": 0})
    '2 of 40 gradients are wrong'
    >>> headline({"fail": 0, "inconclusive": 0, "pass": 1, "skipped": 0})
    '1 gradient verified'
    """
    total = sum(counts.values())
    if not total:
        return "No gradient was checked"
    if counts["fail"]:
        verb = "is" if counts["fail"] == 1 else "are"
        return f"{counts['fail']} of {total} gradients {verb} wrong" if total > 1 else "The gradient is wrong"
    if counts["inconclusive"] or counts["skipped"]:
        return f"{counts['pass']} of {total} gradients verified"
    return f"{total} gradient{'s' * (total != 1)} verified"


def _firsts(rows: Any) -> list[Mapping[str, Any]]:
    # Every gradient of a check is judged on the same cases: they are counted once.
    seen: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for row in rows:
        seen.setdefault((row.get("test"), row["operation"], row["backend"], row.get("seed")), row)
    return list(seen.values())


def _date(text: str) -> tuple[str, str]:
    """For machines and for people."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return "", ""
    return text, f"{moment.day} {moment:%B %Y, %H:%M} {moment:%Z}".strip()


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,  # claims quote error messages of the code under test
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(exact=exact, short=short)
    return environment
