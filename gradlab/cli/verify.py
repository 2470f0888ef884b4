"""`gradlab verify`: property-based verification of registered kernels and of anyone's backward, as a table."""

from __future__ import annotations

import argparse
import errno
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab import registry
from gradlab.cli import streams
from gradlab.cli.targets import add_options, described, names_and_targets
from gradlab.errors import SignatureError
from gradlab.registry import Backend
from gradlab.verify import options

if TYPE_CHECKING:
    from gradlab.verify.flat import FlatRow

_EPILOG = """examples:
  gradlab verify                              every operation, NumPy and torch
  gradlab verify softmax batch_norm           these two
  gradlab verify --backend numpy --profile quick
  gradlab verify softmax --seed 7             the same cases again
  gradlab verify -n 4 --json report.json --junit report.xml --html report.html
  gradlab verify --executor dask:tcp://head:8786 --profile thorough
  gradlab verify course.py                    every function that the file has a gradlab_spec for
  gradlab verify my_op.py                     every Definition of the file: derived, proved, its code generated, checked
  gradlab verify course.py:linear --signature "(n,i),(o,i),(o)->(n,o)" --domain "x=real(-3,3)" --dim n=1:8
  gradlab verify package.layers:softmax       by module; its backward is softmax_backward

Each row is one gradient: the oracles that judged it, the cases run, the worst error in units of its tolerance, and the
relative error that would have been caught. A failure comes with its shrunk case and a program that reproduces it.
Your own functions run in worker processes: one that hangs, crashes or exits is a row, and the others go on.

beside the functions of a file:
  gradlab_spec = {"linear": {"signature": "(n,i),(o,i),(o)->(n,o)", "domains": {"x": gradlab.real(-3, 3)}}}
with the names of gradlab.check's arguments; "backward" (by default linear_backward) and "cached" as on the line.

Profiles: quick (10 cases), default (90), thorough (255). Ctrl-C prints the rows that are done.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify",
        help="verify kernels, or a backward pass of your own, by property-based testing",
        description="Verify the backward pass of every kernel, or of functions of your own, on generated shapes, "
        "dtypes, values and memory layouts, against finite differences and an independent reference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", metavar="OP|FILE.py[:NAME]|MODULE:NAME", nargs="*", help="what to verify; by default all operations"
    )
    parser.add_argument("--backend", choices=("numpy", "torch", "all"), default="all", help="kernels to verify (all)")
    options.add_options(parser.add_argument)
    parser.add_argument("--json", metavar="PATH", type=Path, help="write the rows to this file as well")
    parser.add_argument("--junit", metavar="PATH", type=Path, help="write them as JUnit XML")
    parser.add_argument("--html", type=Path, **options.HTML)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-n", "--workers", metavar="WORKERS", type=_count, help="worker processes side by side")
    where.add_argument(
        "--executor", metavar="dask:ADDRESS", help="run on the workers of a Dask scheduler, as at tcp://HOST:8786"
    )
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_positive, default=60.0, help="limit for each check in a worker (60)"
    )
    parser.add_argument(
        "--memory", metavar="GIB", type=_positive, default=_installed(), help="limit for each worker (the machine's)"
    )
    add_options(parser)
    parser.set_defaults(run=run, error=parser.error)


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers; write 1 or more")
    return int(text)


def _installed() -> float | None:
    """Memory of this machine in GiB, where the system tells: more than that can only be a mistake."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")) / (1 << 30)
    except (AttributeError, ValueError, OSError):
        return None


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


def run(arguments: argparse.Namespace) -> int:
    """Verify, print the table, and return 1 where a gradient failed or could not be verified."""
    names, targets = names_and_targets(arguments.names)
    line = described(arguments)
    if line and not targets:
        raise SignatureError(f"--{next(iter(line)).removesuffix('s')} describes a function of yours; name its file")
    names = names if names or targets else list(registry.names())
    for name in names:
        registry.operation(name)
        if arguments.backend == "torch":
            registry.kernel(name, "torch")  # asked for by name, so its absence is an error rather than a skipped row
    for path in filter(None, (arguments.json, arguments.junit, arguments.html)):
        if not path.parent.is_dir():  # told now, not after a long run
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    seed = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    rows, interrupted = _table(_rows(arguments, names, targets, line, seed))
    if arguments.json or arguments.html:
        _write(arguments, rows, seed, interrupted)
    if arguments.junit:
        from gradlab.verify import junit

        junit.write(arguments.junit, rows, profile=arguments.profile, seed=seed)
    _summarise(rows, arguments.profile, seed, interrupted)
    if interrupted:
        return 130
    return 1 if any(flat.row.verdict in ("fail", "inconclusive") for flat in rows) else 0


def _rows(
    arguments: argparse.Namespace, names: list[str], targets: Sequence[Any], line: dict[str, Any], seed: int
) -> Iterator[streams.Placed]:
    from gradlab.verify.profiles import pictured
    from gradlab.verify.profiles import profile as profile_of

    backends: tuple[Backend, ...] = ("numpy", "torch") if arguments.backend == "all" else (arguments.backend,)
    # JSON holds what a page needs, so that `gradlab report` can write one later.
    profile = (pictured if arguments.json or arguments.html else profile_of)(arguments.profile)
    if names and arguments.workers is None and arguments.executor is None:
        yield from streams.in_this_process(names, backends, profile, seed)
        names = []
    if not names and not targets:
        return
    with ExitStack() as stack:
        pool = streams.runner(
            stack, arguments.executor or arguments.workers or 1, timeout=arguments.timeout, memory=arguments.memory
        )
        yield from streams.operations(pool, names, backends, profile, seed)
        yield from streams.targets(pool, targets, line, profile, seed)


def _table(placed: Iterator[streams.Placed]) -> tuple[list[FlatRow], bool]:
    """Run, showing the growing table in a terminal; Ctrl-C ends it early. The result is in the order asked for."""
    from rich.console import Console
    from rich.live import Live

    from gradlab.verify.rows import table

    found: list[streams.Placed] = []
    # A pipe or a log has no width of its own: there, no column is cut.
    console = Console() if Console().is_terminal else Console(width=200)
    interrupted = False
    with Live(table([]), console=console, auto_refresh=False, transient=True, vertical_overflow="visible") as live:
        try:
            for item in placed:
                found.append(item)
                found.sort(key=lambda item: item[0])
                if console.is_terminal:
                    live.update(table(flat.row for _, flat in found), refresh=True)
        except KeyboardInterrupt:
            interrupted = True
        live.update("")
    rows = [flat for _, flat in found]
    console.print(table(flat.row for flat in rows))
    return rows, interrupted


def _summarise(rows: Iterable[FlatRow], profile: str, seed: int, interrupted: bool) -> None:
    rows = list(rows)
    bad = [flat for flat in rows if flat.row.verdict in ("fail", "inconclusive")]
    for text in dict.fromkeys(flat.text for flat in bad if flat.text):
        print(f"\n{text}")
    counts = {
        verdict: sum(flat.row.verdict == verdict for flat in rows)
        for verdict in ("pass", "fail", "inconclusive", "skipped")
    }
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "none"
    print(f"{'interrupted; ' if interrupted else ''}gradients: {shown}; profile {profile}, seed {seed}")


def _write(arguments: argparse.Namespace, rows: Iterable[FlatRow], seed: int, interrupted: bool) -> None:
    from gradlab.verify.record import record, write

    data = record([flat.data for flat in rows], profile=arguments.profile, seed=seed, interrupted=interrupted)
    if arguments.json:
        write(arguments.json, data)
    if arguments.html:
        from gradlab.verify.html import page

        page.write(arguments.html, data)
