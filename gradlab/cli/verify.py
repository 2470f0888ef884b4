"""`gradlab verify`: property-based verification of the registered kernels, as a table."""

from __future__ import annotations

import argparse
import json
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradlab import registry
from gradlab.registry import Backend

if TYPE_CHECKING:
    from gradlab.verify.rows import Row

_EPILOG = """examples:
  gradlab verify                              every operation, NumPy and torch
  gradlab verify softmax batch_norm           these two
  gradlab verify --backend numpy --profile quick
  gradlab verify softmax --seed 7             the same cases again
  gradlab verify --json report.json           the rows, with every finding, as JSON too

Each row is one gradient: the oracles that judged it, the cases run, the worst error in units of its tolerance, and the
relative error that would have been caught. A failure comes with its shrunk case and a program that reproduces it.
Profiles: quick (15 cases), default (90), thorough (255). Ctrl-C prints the rows that are done.
"""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "verify",
        help="verify kernels by property-based testing",
        description="Verify the backward pass of every kernel on generated shapes, dtypes, values and memory layouts, "
        "against finite differences and torch autograd of an independent reference.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", metavar="OP", nargs="*", help="operations; all of them by default")
    parser.add_argument("--backend", choices=("numpy", "torch", "all"), default="all", help="kernels to verify (all)")
    parser.add_argument(
        "--profile", choices=("quick", "default", "thorough"), default="default", help="how much to run"
    )
    parser.add_argument("--seed", type=int, help="repeat a run; by default it is drawn and printed")
    parser.add_argument("--json", metavar="PATH", type=Path, help="write the rows to this file as well")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Verify, print the table, and return 1 where a gradient failed or could not be verified."""
    names = arguments.names or list(registry.names())
    backends: tuple[Backend, ...] = ("numpy", "torch") if arguments.backend == "all" else (arguments.backend,)
    if arguments.backend == "torch":
        for name in names:
            registry.kernel(name, "torch")  # asked for by name, so its absence is an error rather than a skipped row
    seed = secrets.randbelow(1 << 32) if arguments.seed is None else arguments.seed
    rows, interrupted = _table(names, backends, arguments.profile, seed)
    if arguments.json:
        _write(arguments.json, rows, arguments.profile, seed, interrupted)
    _summarise(rows, arguments.profile, seed, interrupted)
    if interrupted:
        return 130
    return 1 if any(row.verdict in ("fail", "inconclusive") for row in rows) else 0


def _table(names: list[str], backends: tuple[Backend, ...], profile: str, seed: int) -> tuple[list[Row], bool]:
    """Run, showing the growing table in a terminal; Ctrl-C ends it early."""
    from rich.console import Console
    from rich.live import Live

    from gradlab.verify.registered import verify_operations
    from gradlab.verify.rows import table

    rows: list[Row] = []
    # A pipe or a log has no width of its own: there, no column is cut.
    console = Console() if Console().is_terminal else Console(width=200)
    interrupted = False
    with Live(table(rows), console=console, auto_refresh=False, transient=True, vertical_overflow="visible") as live:
        try:
            for row in verify_operations(names, backends=backends, profile=profile, seed=seed):
                rows.append(row)
                if console.is_terminal:
                    live.update(table(rows), refresh=True)
        except KeyboardInterrupt:
            interrupted = True
        live.update("")
    console.print(table(rows))
    return rows, interrupted


def _summarise(rows: Iterable[Row], profile: str, seed: int, interrupted: bool) -> None:
    rows = list(rows)
    reports = {id(row.report): row.report for row in rows if row.verdict in ("fail", "inconclusive") and row.report}
    for report in reports.values():
        print(f"\n{report}")
    counts = {
        verdict: sum(row.verdict == verdict for row in rows) for verdict in ("pass", "fail", "inconclusive", "skipped")
    }
    shown = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count) or "none"
    print(f"{'interrupted; ' if interrupted else ''}gradients: {shown}; profile {profile}, seed {seed}")


def _write(path: Path, rows: Iterable[Row], profile: str, seed: int, interrupted: bool) -> None:
    data = {
        "profile": profile,
        "seed": seed,
        "interrupted": interrupted,
        "rows": [row.as_dict() for row in rows],
    }
    path.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
