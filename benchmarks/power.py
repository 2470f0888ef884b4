"""Is the stated power true? An error of twice the power that a check states is planted, and the check is run again.

    python -m benchmarks.power [--runs 100] [--profile default] [--workers 2] [--json PATH]

Each run takes one argument and one dtype of a subject, plants a relative error in one random element of that gradient
(the position modulo the size of whatever array comes), and checks twice: with the seed of the check that stated the
power, and with another.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.runs import Record, Task, add_running, complete, count, records
from benchmarks.tables import plain_table, share, wide_console, write_json

_POSITIONS = 1 << 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; 0 when all runs were made, 2 on bad input, 130 after Ctrl-C."""
    from benchmarks.correct import REGISTERED, choose_correct
    from benchmarks.report import machine

    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        subjects = choose_correct(options.half, options.category or (REGISTERED, "ordinary"), options.only)
    except ValueError as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2
    if not options.torch:
        subjects = [name for name in subjects if not name.endswith("(torch)")]
    todo = tasks(subjects, options.runs, options.profile, options.factor)
    finished = complete(todo, options, errors)
    found = records(todo, options)
    output = wide_console()
    output.print(table(found, options.factor))
    for line in escaped(found):
        output.print(line, markup=False, highlight=False, soft_wrap=True)
    settings = {
        name: getattr(options, name) for name in ("runs", "profile", "half", "category", "only", "torch", "factor")
    }
    document = {"complete": finished, "settings": settings, "machine": machine()}
    write_json(options.json, document | {"summary": summary(found), "runs": found})
    output.print(f"written: {options.json}; every run: {options.log}", soft_wrap=True, highlight=False)
    return 0 if finished else 130


def tasks(subjects: Sequence[str], runs: int, profile: str, factor: float) -> list[Task]:
    """So many runs of each subject."""
    from benchmarks.correct import group_of

    return [
        Task(
            {"subject": name, "group": group_of(name), "profile": profile, "factor": factor, "run": k},
            examine,
            (name, profile, k, factor),
        )
        for name in subjects
        for k in range(runs)
    ]


def examine(name: str, profile: str, index: int, factor: float = 2.0) -> Record:
    """One run; for a worker process. Arguments and dtypes take turns; power is not owed to a JVP that users lack."""
    from benchmarks.correct import described, report_of
    from benchmarks.planted import planted

    known = described(name)
    if known is None:
        return {"verdict": "not applicable"}
    subject, specification, _ = known
    rng = np.random.default_rng((zlib.crc32(name.encode()), index))
    seed, other, position = (int(value) for value in rng.integers(_POSITIONS, size=3))
    stated = report_of(name, profile=profile, seed=seed, jvp=False)
    assert stated is not None
    arguments, dtypes = stated.arguments, specification.dtypes
    turn = index % (len(arguments) * len(dtypes))
    argument, dtype = arguments[turn % len(arguments)], dtypes[turn // len(arguments)]
    power = stated.power[argument].get(dtype)
    result: Record = {"argument": argument, "dtype": dtype, "power": power, "position": position, "seed": seed}
    if stated.verdict != "pass" or power is None:
        return result | {"verdict": "no power stated"}
    place = [entry.name for entry in specification.arguments].index(argument)
    wrong = planted(subject, place, position, {dtype: factor * power})
    again = [report_of(name, profile=profile, seed=number, subject=wrong, jvp=False) for number in (seed, other)]
    same, fresh = (report is not None and report.verdict == "fail" for report in again)
    return result | {"verdict": "ran", "same_seed": same, "other_seed": fresh, "other": other}


def summary(found: Sequence[Record]) -> dict[str, Any]:
    """Runs, and of those the ones caught."""
    ran = [record for record in found if record["verdict"] == "ran"]
    return {
        "runs": len(ran),
        "caught_with_the_same_seed": sum(record["same_seed"] for record in ran),
        "caught_with_another_seed": sum(record["other_seed"] for record in ran),
        "no_power_stated": sum(record["verdict"] == "no power stated" for record in found),
        "died": sum(record["verdict"] in ("died", "refused") for record in found),
        "median_power": {
            dtype: float(np.median(powers))
            for dtype in ("float64", "float32")
            if (powers := [record["power"] for record in ran if record["dtype"] == dtype])
        },
    }


def table(found: Sequence[Record], factor: float = 2.0) -> Table:
    """A row for each subject, and one for all."""
    result = plain_table(
        f"An error of {factor:g} times the stated power, planted in one element",
        "subject",
        "runs",
        "caught, same seed",
        "caught, another seed",
        "power float64",
        "power float32",
        "none stated",
        "died",
    )
    names = list(dict.fromkeys(record["subject"] for record in found if record["verdict"] != "not applicable"))
    for title, chosen in [(n, [r for r in found if r["subject"] == n]) for n in names] + [("all", list(found))]:
        counts = summary(chosen)
        if title == "all":
            result.add_section()
        result.add_row(
            title,
            str(counts["runs"]),
            share(counts["caught_with_the_same_seed"], counts["runs"]),
            share(counts["caught_with_another_seed"], counts["runs"]),
            *(f"{counts['median_power'].get(dtype, np.nan):.1e}" for dtype in ("float64", "float32")),
            str(counts["no_power_stated"]),
            str(counts["died"]),
        )
    return result


def escaped(found: Sequence[Record]) -> Iterator[str]:
    """What was not caught with the seed of the statement."""
    for record in found:
        if record["verdict"] == "ran" and not record["same_seed"]:
            yield (
                f"not caught: {record['subject']} {record['argument']} {record['dtype']}, power {record['power']:.2g}, "
                f"element {record['position']}, seed {record['seed']}"
            )


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from benchmarks.animals import CORRECT, add_choice
    from benchmarks.correct import REGISTERED

    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.power",
        description="Plant errors of twice the power that checks state, and count how many the same checks catch.",
        epilog="By default: the registered NumPy kernels and the zoo's ordinary operations.",
    )
    cli.add_argument("--runs", type=count, default=100, metavar="N", help="runs for each subject (default: 100)")
    cli.add_argument("--profile", default="default", choices=("quick", "default", "thorough"))
    cli.add_argument("--factor", type=float, default=2.0, metavar="F", help="error in units of the power (default: 2)")
    cli.add_argument("--torch", action="store_true", help="the torch kernels too")
    add_choice(cli, groups=(*CORRECT, REGISTERED))
    add_running(cli, "power")
    return cli


if __name__ == "__main__":
    sys.exit(main())
