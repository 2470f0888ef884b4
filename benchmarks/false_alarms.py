"""How often gradlab cries wolf: checks of correct backwards over many seeds, each failure and each open verdict shown.

    python -m benchmarks.false_alarms [--runs 10000] [--skip 0] [--profile default] [--workers 2] [--json PATH]

Ordinary and hard subjects of the zoo and the registered kernels of every backend take turns, each with its own seeds.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.bounds import upper_bound
from benchmarks.runs import Record, Task, add_running, complete, count, records
from benchmarks.tables import plain_table, share, wide_console, write_json

ALARMS = ("fail", "died")
BAD = (*ALARMS, "inconclusive", "refused")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the checks; 0 where none failed, 1 where one did, 2 on bad input, 130 after Ctrl-C."""
    from benchmarks.correct import choose_correct
    from benchmarks.report import machine

    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        subjects = choose_correct(options.half, options.category, options.only)
        if options.skip >= options.runs:
            raise ValueError(f"--skip {options.skip} leaves nothing of --runs {options.runs}")
    except ValueError as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2
    todo = tasks(subjects, options.runs, options.profile, options.seed)[options.skip :]
    finished = complete(todo, options, errors)
    found = records(todo, options)
    shown = [r for r in found if r["verdict"] in BAD and (options.reveal or r["half"] == "tune")]
    output = wide_console()
    output.print(table(found))
    for line in lines(found, shown):
        output.print(line, markup=False, highlight=False, soft_wrap=True)
    settings = {
        name: getattr(options, name) for name in ("runs", "skip", "profile", "seed", "half", "category", "only")
    }
    document = {"complete": finished, "settings": settings, "machine": machine(), "summary": summary(found)}
    write_json(options.json, document | {"cases": shown})
    output.print(f"written: {options.json}; every check: {options.log}", soft_wrap=True, highlight=False)
    if not finished:
        return 130
    return int(any(record["verdict"] in ALARMS for record in found))


def tasks(subjects: Sequence[str], runs: int, profile: str, seed: int) -> list[Task]:
    """So many checks, the subjects in turn."""
    from benchmarks.correct import group_of, half_of

    todo = []
    for index in range(runs):
        turn, place = divmod(index, len(subjects))
        name = subjects[place]
        own = zlib.crc32(f"{seed}/{turn}/{name}".encode())
        key = {"subject": name, "group": group_of(name), "half": half_of(name), "profile": profile, "seed": own}
        todo.append(Task(key, examine, (name, profile, own)))
    return todo


def examine(name: str, profile: str, seed: int) -> Record:
    """One check; for a worker process. Each failure is kept with its law, argument and claim."""
    from benchmarks.correct import report_of

    report = report_of(name, profile=profile, seed=seed)
    if report is None:
        return {"verdict": "not applicable"}
    return {
        "verdict": report.verdict,
        "reason": "; ".join(report.reasons)[:300],
        "seconds": report.seconds,
        "failures": [f"{f.law}: {f.argument}: {f.claim}" for f in report.failures],
    }


def summary(found: Sequence[Record]) -> dict[str, Any]:
    """Counts by group, and the rate of false alarms that cannot be excluded."""
    able = [record for record in found if record["verdict"] != "not applicable"]
    alarms = sum(record["verdict"] in ALARMS for record in able)
    return {
        "checks": len(able),
        "not_applicable": len(found) - len(able),
        "false_alarms": alarms,
        "inconclusive": sum(record["verdict"] == "inconclusive" for record in able),
        "rate_at_most": upper_bound(alarms, len(able)) if able else None,
    }


def table(found: Sequence[Record]) -> Table:
    """A row for each group of subjects."""
    result = plain_table(
        "Checks of correct backwards", "subjects", "kinds", "checks", "false alarms", "inconclusive", "not applicable"
    )
    groups = list(dict.fromkeys(record["group"] for record in found))
    for title, chosen in [(g, [r for r in found if r["group"] == g]) for g in groups] + [("all", list(found))]:
        counts = summary(chosen)
        if title == "all":
            result.add_section()
        result.add_row(
            title,
            str(len({record["subject"] for record in chosen})),
            str(counts["checks"]),
            share(counts["false_alarms"], counts["checks"]),
            share(counts["inconclusive"], counts["checks"]),
            str(counts["not_applicable"]),
        )
    return result


def lines(found: Sequence[Record], shown: Sequence[Record]) -> Iterator[str]:
    """Each case to look at, then what the numbers say."""
    for record in shown:
        claims = record.get("failures") or [record["reason"]]
        yield f"{record['verdict']}: {record['subject']}, seed {record['seed']}: {'; '.join(claims)}"
    hidden = sum(record["verdict"] in BAD for record in found) - len(shown)
    if hidden:
        yield f"and {hidden} of the held-out half, which --reveal names"
    counts = summary(found)
    if counts["checks"]:
        yield (
            f"{counts['false_alarms']} false alarms in {counts['checks']} checks: "
            f"with 95 % confidence the rate is below {counts['rate_at_most']:.2g} (Clopper-Pearson, one-sided)"
        )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from benchmarks.animals import CORRECT, add_choice
    from benchmarks.correct import REGISTERED

    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.false_alarms",
        description="Check correct backwards over many seeds and show every failure and every open verdict.",
    )
    cli.add_argument("--runs", type=count, default=10_000, metavar="N", help="checks in all (default: 10000)")
    elsewhere = "leave out the first N: another machine did them"
    cli.add_argument("--skip", type=partial(count, least=0), default=0, metavar="N", help=elsewhere)
    cli.add_argument("--profile", default="default", choices=("quick", "default", "thorough"))
    cli.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the checks' seeds (default: 0)")
    add_choice(cli, groups=(*CORRECT, REGISTERED))
    add_running(cli, "false_alarms")
    cli.add_argument("--reveal", action="store_true", help="name subjects of the held-out half too")
    return cli


if __name__ == "__main__":
    sys.exit(main())
