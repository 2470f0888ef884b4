"""How each checker did on the zoo: records summed up, as data and as one table."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from benchmarks.animals import CORRECT, GROUPS
from benchmarks.checkers import CHECKERS
from benchmarks.runs import Record
from benchmarks.tables import plain_table, seeds_by_name, share
from benchmarks.zoo import CATEGORIES

FOUND = ("fail", "died")
"""Verdicts that tell the user of something: a check that crashes or never ends is noticed too."""

UNABLE = ("not applicable", "refused")


def standing(records: Sequence[Record], *, reveal: bool = False) -> dict[str, Any]:
    """One checker's figures. Subjects that it cannot run at all are counted, but in no share.

    Names of animals are those of the tuning half, of both halves where `reveal`. Times are those of passing checks of
    ordinary subjects.
    """
    able = [record for record in records if record["verdict"] not in UNABLE]
    mutants = [record for record in able if record["group"] in CATEGORIES]
    seeds = sorted({record["seed"] for record in able})
    passing = [r for r in able if r["group"] == "ordinary" and r["verdict"] == "pass"]

    def named(chosen: Sequence[Record]) -> dict[str, list[int]]:
        return seeds_by_name(record for record in chosen if reveal or record["half"] == "tune")

    return {
        "runs": len(records),
        "not_applicable": len(records) - len(able),
        "detected": {group: _found([r for r in mutants if r["group"] == group]) for group in CATEGORIES},
        "detected_in_all": _found(mutants),
        "detected_by_seed": {str(seed): _found([r for r in mutants if r["seed"] == seed]) for seed in seeds},
        "detected_by_half": {half: _found([r for r in mutants if r["half"] == half]) for half in ("tune", "held_out")},
        "inconclusive_on_mutants": _having(mutants, "inconclusive"),
        "false_alarms": {group: _found([r for r in able if r["group"] == group]) for group in CORRECT},
        "inconclusive": {group: _having([r for r in able if r["group"] == group], "inconclusive") for group in CORRECT},
        "seconds": {clock: _times([record[clock] for record in passing]) for clock in ("cpu", "seconds")},
        "missed": named([record for record in mutants if record["verdict"] not in FOUND]),
        "wrongly_accused": named([r for r in able if r["group"] in CORRECT and r["verdict"] in FOUND]),
        "left_open": named([r for r in able if r["group"] in CORRECT and r["verdict"] == "inconclusive"]),
    }


def _found(records: Sequence[Record]) -> list[int]:
    return [sum(record["verdict"] in FOUND for record in records), len(records)]


def _having(records: Sequence[Record], verdict: str) -> list[int]:
    return [sum(record["verdict"] == verdict for record in records), len(records)]


def _times(seconds: Sequence[float]) -> dict[str, float] | None:
    if not seconds:
        return None
    return {"median": statistics.median(seconds), "mean": statistics.fmean(seconds), "worst": max(seconds)}


def table(standings: Mapping[str, Mapping[str, Any]]) -> Table:
    """A column for each checker; a row for each category, then what costs its user nerves and time."""
    titles = [CHECKERS[name].title for name in standings]
    result = plain_table(
        "Gradient checkers on the zoo",
        "",
        *titles,
        caption="detected: verdict fail, an exception, a crash or no end. Times: processor seconds of a passing check "
        "of an ordinary operation.",
    )

    def row(title: str, cell: Any) -> None:
        result.add_row(title, *(cell(entry) for entry in standings.values()))

    for group in GROUPS:
        if group in CATEGORIES and any(entry["detected"][group][1] for entry in standings.values()):
            row(group, lambda entry, group=group: share(*entry["detected"][group]))
    result.add_section()
    row("detected in all", lambda entry: share(*entry["detected_in_all"]))
    row("  worst seed", lambda entry: share(*_worst(entry["detected_by_seed"])))
    for half in ("tune", "held_out"):
        row(f"  half {half}", lambda entry, half=half: share(*entry["detected_by_half"][half]))
    row("  inconclusive", lambda entry: share(*entry["inconclusive_on_mutants"]))
    result.add_section()
    for group in CORRECT:
        row(f"false alarms, {group}", lambda entry, group=group: share(*entry["false_alarms"][group]))
        row("  inconclusive", lambda entry, group=group: share(*entry["inconclusive"][group]))
    row("not applicable", lambda entry: str(entry["not_applicable"]))
    result.add_section()
    for figure in ("median", "mean", "worst"):
        row(f"{figure} seconds", lambda entry, figure=figure: _seconds(entry["seconds"]["cpu"], figure))
    return result


def _worst(by_seed: Mapping[str, Sequence[int]]) -> Sequence[int]:
    counted = [counts for counts in by_seed.values() if counts[1]]
    return min(counted, key=lambda counts: counts[0] / counts[1], default=(0, 0))


def _seconds(times: Mapping[str, float] | None, figure: str) -> str:
    return f"{times[figure]:.3g}" if times else "–"


def names(standings: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Who was missed, accused or left open, checker by checker, gradlab's only: the rivals' lists are in the JSON."""
    for name, entry in standings.items():
        if CHECKERS[name].needs:
            continue
        for title in ("missed", "wrongly_accused", "left_open"):
            for animal, seeds in sorted(entry[title].items()):
                yield f"{CHECKERS[name].title}: {title.replace('_', ' ')} {animal} (seeds {', '.join(map(str, seeds))})"
