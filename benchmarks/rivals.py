"""gradlab and other gradient checkers on the zoo: what they find, what they cry wolf about, what they cost.

    python -m benchmarks.rivals [--seeds 5] [--half tune] [--checkers quick,torch] [--only NAME] [--json PATH]

Every check runs in a worker process under a time limit and is logged at once; run again to go on after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from benchmarks.runs import Record, Task, add_running, complete, count, records


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the contest; 0 when all checks ran, 2 on bad input, 130 after Ctrl-C."""
    # Late: the zoo takes a second, and `--help` needs none of it.
    from benchmarks.animals import choose
    from benchmarks.checkers import CHECKERS
    from benchmarks.report import machine
    from benchmarks.standings import names, standing, table
    from benchmarks.tables import wide_console, write_json

    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        zoo = choose(options.half, options.category, options.only)
    except ValueError as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2
    checkers = [name for name in options.checkers if CHECKERS[name].installed]
    for name in options.checkers:
        if name not in checkers:
            errors.print(f"skipped: {name} needs {CHECKERS[name].needs}, which is not installed", highlight=False)
    todo = tasks(checkers, range(options.seeds), zoo)
    finished = complete(todo, options, errors)
    found = records(todo, options)
    standings = {
        name: standing([record for record in found if record["checker"] == name], reveal=options.reveal)
        for name in checkers
    }
    output = wide_console()
    output.print(table(standings))
    for line in names(standings):
        output.print(line, markup=False, highlight=False, soft_wrap=True)
    settings = {"seeds": options.seeds, "half": options.half, "category": options.category, "only": options.only}
    document = {"complete": finished, "settings": settings, "machine": machine(), "versions": versions()}
    write_json(options.json, document | {"checkers": standings})
    output.print(f"written: {options.json}; every check: {options.log}", soft_wrap=True, highlight=False)
    return 0 if finished else 130


def tasks(checkers: Sequence[str], seeds: Sequence[int], zoo: Sequence[Any]) -> list[Task]:
    """A task for each checker, seed and animal, in this order: workers of one checker are started once."""
    from benchmarks.checkers import CHECKERS, examine

    return [
        Task(
            {"checker": checker, "seed": seed, "animal": animal.name, "group": animal.group, "half": animal.half},
            examine,
            (checker, animal.name, seed),
            CHECKERS[checker].module,
        )
        for checker in checkers
        for seed in seeds
        for animal in zoo
    ]


def versions() -> Record:
    """Of the rivals; None where one is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    found: Record = {}
    for package in ("gradlab", "torch", "jax", "autograd"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from benchmarks.animals import add_choice
    from benchmarks.checkers import CHECKERS

    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.rivals",
        description="Run gradlab and other gradient checkers on wrong and on correct backwards; print one table.",
    )

    def checkers(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in CHECKERS:
                raise argparse.ArgumentTypeError(f"{name!r} is no checker; choose from {', '.join(CHECKERS)}")
        return chosen

    cli.add_argument("--seeds", type=count, default=5, metavar="N", help="run with seeds 0 to N-1 (default: 5)")
    cli.add_argument(
        "--checkers", type=checkers, default=list(CHECKERS), metavar="A,B", help=f"of {', '.join(CHECKERS)}"
    )
    add_choice(cli)
    add_running(cli, "rivals")
    cli.add_argument("--reveal", action="store_true", help="name animals of the held-out half too")
    return cli


if __name__ == "__main__":
    sys.exit(main())
