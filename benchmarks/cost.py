"""What a check costs: seconds by profile, and one case against the number of its elements.

    python -m benchmarks.cost [--seeds 3] [--most 1000000] [--plot cost.svg] [--workers 1] [--json PATH]

Times are processor seconds of one thread, so that other programs do not count. The plot needs matplotlib.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from benchmarks.runs import Record, Task, add_running, complete, count, records
from benchmarks.tables import plain_table, wide_console, write_json

if TYPE_CHECKING:
    from benchmarks.scaling import Growth

PROFILES = ("quick", "default", "thorough")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0 when all was measured, 2 on bad input, 130 after Ctrl-C."""
    from benchmarks.correct import REGISTERED, choose_correct
    from benchmarks.report import machine
    from benchmarks.scaling import growths, plot

    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    if options.plot is not None and find_spec("matplotlib") is None:
        errors.print("error: --plot needs matplotlib; pip install 'gradlab[demos]'", markup=False, highlight=False)
        return 2
    try:
        subjects = choose_correct(options.half, options.category or (REGISTERED, "ordinary"), options.only)
    except ValueError as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2
    # NumPy alone: a torch kernel's time would be mostly torch's.
    checks = check_tasks([name for name in subjects if not name.endswith("(torch)")], options.seeds, options.profiles)
    cases = case_tasks(options.most, options.repeats)
    finished = complete([*checks, *cases], options, errors)
    found = records(checks, options)
    lines = growths(records(cases, options))
    output = wide_console()
    output.print(check_table(found))
    output.print(case_table(lines))
    if options.plot is not None:
        plot(lines, options.plot)
        output.print(f"plotted: {options.plot}", soft_wrap=True, highlight=False)
    settings = {name: getattr(options, name) for name in ("seeds", "profiles", "most", "repeats", "half", "category")}
    document = {"complete": finished, "settings": settings, "machine": machine(), "checks": summary(found)}
    slopes = {line.name: line.slope for line in lines}
    write_json(options.json, document | {"slopes": slopes, "cases": records(cases, options), "runs": found})
    output.print(f"written: {options.json}; every time: {options.log}", soft_wrap=True, highlight=False)
    return 0 if finished else 130


def check_tasks(subjects: Sequence[str], seeds: int, profiles: Sequence[str]) -> list[Task]:
    """A check for each profile, subject and seed."""
    from benchmarks.correct import group_of

    return [
        Task(
            {"subject": name, "group": group_of(name), "profile": profile, "seed": seed},
            time_check,
            (name, profile, seed),
        )
        for profile in profiles
        for name in subjects
        for seed in range(seeds)
    ]


def time_check(name: str, profile: str, seed: int) -> Record:
    """One check after a warm one; for a worker process."""
    from benchmarks.correct import report_of
    from benchmarks.timing import clock

    report_of(name, profile="quick", seed=seed + 1)
    start = clock()
    report = report_of(name, profile=profile, seed=seed)
    if report is None:
        return {"verdict": "not applicable"}
    return {"verdict": report.verdict, "cpu": clock() - start, "seconds": report.seconds, "cases": report.cases}


def case_tasks(most: int, repeats: int) -> list[Task]:
    """One task for each operation and number of elements, large ones last."""
    from benchmarks.scaling import GROWING, time_case

    sizes = [n for decade in range(1, 8) for n in (10**decade, 3 * 10**decade) if n <= most]
    return [
        Task({"case of": name, "elements": n, "repeats": repeats}, time_case, (name, n, repeats))
        for n in sizes
        for name in GROWING
    ]


def summary(found: Sequence[Record]) -> dict[str, dict[str, dict[str, float]]]:
    """Seconds of passing checks by group and profile: median, mean and worst, and the median number of cases."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for group in [*dict.fromkeys(record["group"] for record in found), "all"]:
        for profile in dict.fromkeys(record["profile"] for record in found):
            chosen = [
                record
                for record in found
                if record["verdict"] == "pass" and record["profile"] == profile and group in (record["group"], "all")
            ]
            if chosen:
                times = [record["cpu"] for record in chosen]
                result.setdefault(group, {})[profile] = {
                    "checks": len(chosen),
                    "median": statistics.median(times),
                    "mean": statistics.fmean(times),
                    "worst": max(times),
                }
    return result


def check_table(found: Sequence[Record]) -> Table:
    """A row for each group and profile."""
    result = plain_table(
        "Seconds per passing check", "subjects", "profile", "checks", "median", "mean", "worst", left=2
    )
    for group, profiles in summary(found).items():
        result.add_section()
        for profile, times in profiles.items():
            result.add_row(
                group,
                profile,
                str(times["checks"]),
                *(f"{times[figure]:.3f}" for figure in ("median", "mean", "worst")),
            )
    return result


def case_table(lines: Sequence[Growth]) -> Table:
    """A row for each operation, a column for each decade."""
    sizes = sorted({n for line in lines for n in line.elements})
    shown = [n for n in sizes if str(n)[0] == "1"]
    result = plain_table(
        "Milliseconds of one case against the number of elements",
        "operation",
        *(f"{n:.0e}" for n in shown),
        "slope of the tail",
        caption="slope: of log time against log elements, over the last two decades; 1 is linear",
    )
    for line in lines:
        times = dict(zip(line.elements, line.seconds, strict=True))
        cells = [f"{times[n] * 1e3:.1f}" if n in times else "–" for n in shown]
        result.add_row(line.name, *cells, "–" if line.slope is None else f"{line.slope:.2f}")
    return result


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from benchmarks.animals import CORRECT, add_choice
    from benchmarks.correct import REGISTERED

    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.cost",
        description="Time checks of correct backwards in each profile, and single cases of growing size.",
        epilog="By default: the registered NumPy kernels and the zoo's ordinary operations.",
    )

    def profiles(text: str) -> Any:
        chosen = [name for name in text.split(",") if name]
        if unknown := [name for name in chosen if name not in PROFILES]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is no profile; choose from {', '.join(PROFILES)}")
        return chosen

    cli.add_argument("--seeds", type=count, default=3, metavar="N", help="checks of each subject (default: 3)")
    cli.add_argument("--profiles", type=profiles, default=list(PROFILES), metavar="A,B")
    cli.add_argument(
        "--most", type=count, default=10**6, metavar="N", help="elements of the largest case (default: 1e6)"
    )
    cli.add_argument("--repeats", type=count, default=3, metavar="N", help="cases of each size, median (default: 3)")
    cli.add_argument("--plot", type=Path, metavar="PATH", help="where the plot goes, as .svg or .png (default: none)")
    add_choice(cli, groups=(*CORRECT, REGISTERED))
    add_running(cli, "cost", timeout=600.0)
    cli.set_defaults(workers=1)
    return cli


if __name__ == "__main__":
    sys.exit(main())
