"""Every generated kernel against the best hand-written NumPy and against torch's autograd.

    python -m benchmarks.kernels [NAMES] [--quick] [--forward] [--json PATH] [--repeats N] [--seed S]

Prints one table and writes JSON beside it. Times are CPU time of one thread, medians over rounds in which all rivals
run in random order; ratios are taken within a round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.timing import settle_allocator, use_one_thread
from gradlab import registry
from gradlab.errors import GradlabError

if TYPE_CHECKING:
    from benchmarks.cases import Case
    from benchmarks.contest import Direction, Result

DEFAULT_JSON = Path(__file__).parent / "results" / "kernels.json"
TABLE_WIDTH = 140


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; 0 when all rows were measured, 1 on a disagreement, 2 on bad input, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    errors = Console(stderr=True, soft_wrap=True)
    try:
        operations = [registry.operation(name) for name in dict.fromkeys(options.names or registry.names())]
        options.json.parent.mkdir(parents=True, exist_ok=True)
        if options.json.is_dir():
            raise IsADirectoryError(f"--json {options.json} is a directory; name a file in it")
    except (GradlabError, OSError) as error:
        errors.print(f"error: {error}", markup=False, highlight=False)
        return 2

    # Only now: these import NumPy, which reads the number of threads when it is imported.
    from benchmarks.cases import cases
    from benchmarks.report import summary_lines, table, write_json

    settle_allocator()
    directions: tuple[Direction, ...] = ("backward", "forward") if options.forward else ("backward",)
    todo = [
        (case, direction)
        for operation in operations
        for direction in directions
        for case in cases(operation, quick=options.quick, seed=options.seed)
    ]
    results: list[Result] = []
    status = 0
    try:
        for failure in run(todo, results, options, errors):
            errors.print(f"error: {failure}", markup=False, highlight=False)
            status = 1
    except KeyboardInterrupt:
        errors.print(f"interrupted: {len(results)} of {len(todo)} rows are done")
        status = 130

    output = Console()
    if output.width < TABLE_WIDTH:  # wrapped lines can still be read, figures that were cut off cannot
        output = Console(width=TABLE_WIDTH)
    output.print(table(results))
    settings = {"quick": options.quick, "repeats": options.repeats or rounds(options.quick), "seed": options.seed}
    write_json(options.json, results, settings, complete=len(results) == len(todo))
    output.print(f"written: {options.json}", soft_wrap=True, highlight=False)
    for line in summary_lines(results):
        output.print(line, soft_wrap=True, highlight=False)
    return status


def run(
    todo: Sequence[tuple[Case, Direction]], results: list[Result], options: argparse.Namespace, console: Console
) -> Iterator[GradlabError]:
    """Append a result for each contest and yield each one that could not be held."""
    from benchmarks.contest import DisagreementError, contest

    # No automatic refresh: its thread would run, and be counted, while something is timed.
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, auto_refresh=False, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    with progress:
        task = progress.add_task("", total=len(todo))
        for case, direction in todo:
            progress.update(task, description=f"{case.operation.name} {direction} {case.size} {case.dtype}")
            progress.refresh()
            try:
                results.append(
                    contest(
                        case,
                        direction,
                        rounds=options.repeats or rounds(options.quick),
                        seed=options.seed,
                        sample_seconds=5e-4 if options.quick else 2e-3,
                    )
                )
            except DisagreementError as error:
                yield error
            progress.advance(task)


def rounds(quick: bool) -> int:
    """How often each rival is sampled by default: 41 rounds keep the median within 1-2 % on a busy machine."""
    return 5 if quick else 41


def parser() -> argparse.ArgumentParser:
    """The command line."""
    cli = argparse.ArgumentParser(
        prog="python -m benchmarks.kernels",
        description="Time every generated backward against the best hand-written NumPy and against torch's autograd.",
        epilog="One thread, rivals interleaved at random, medians. A run of everything takes two to three minutes.",
    )
    cli.add_argument("names", nargs="*", metavar="NAMES", help="operations to measure (default: all)")
    cli.add_argument("--quick", action="store_true", help="smallest sizes, few rounds: a check, not a measurement")
    cli.add_argument("--forward", action="store_true", help="measure forwards too")
    cli.add_argument("--json", type=Path, metavar="PATH", default=DEFAULT_JSON, help="where the JSON goes")
    cli.add_argument("--repeats", type=_positive, metavar="N", help="rounds per row (default: 41, with --quick 5)")
    cli.add_argument("--seed", type=int, metavar="S", default=0, help="seed of inputs and of the order (default: 0)")
    return cli


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rounds; give 1 or more")
    return value


if __name__ == "__main__":
    use_one_thread()
    sys.exit(main())
