"""`python -m benchmarks.derivation`: gradlab, SymPy and tensorgrad derive what textbooks derive.

Each gradient is held against a complex step of the function, at two draws of inputs. "Entries" are tensors or entries
of tensors that the answer mentions; a value with a name of its own, as gradlab's y or grad_s, is one. Seconds are those
of deriving it (gradlab's with the proof), milliseconds those of one evaluation by the code that the system gives, at 3
rows of 4 numbers.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.derivatives.answer import Answer, UnwritableError
from benchmarks.derivatives.problems import PROBLEMS, Data, Problem
from benchmarks.runs import Record, Task, add_running, complete, records
from benchmarks.tables import plain_table, wide_console, write_json

SYSTEMS = {
    "gradlab": "in_gradlab.answer",
    "SymPy, indices": "in_sympy.indexed",
    "SymPy, matrices": "in_sympy.matrix",
    "SymPy, arrays": "in_sympy.arrays",
    "tensorgrad": "in_tensorgrad.answer",
}
_ROWS, _COLUMNS, _SEEDS, _REPEATS = 3, 4, (0, 1), 5

# SymPy has no axis for rows in matrix form: one row is asked of it.
_ONE_ROW = ("softmax", "log-sum-exp", "cross-entropy, soft labels", "RMS norm")

# Relative to the largest entry; tensorgrad evaluates in float32.
_CLOSE = 1e-5


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    cli = argparse.ArgumentParser(prog="python -m benchmarks.derivation", description=(__doc__ or "").split("\n\n")[1])
    cli.add_argument("--only", metavar="NAME", action="append", choices=[problem.name for problem in PROBLEMS])
    add_running(cli, "derivation")
    options = cli.parse_args(arguments)
    console = wide_console()
    systems = [name for name in SYSTEMS if name != "tensorgrad" or find_spec("tensorgrad")]
    if "tensorgrad" not in systems:
        console.print(
            "tensorgrad is not installed: pip install tensorgrad==0.3.0 'torch==2.11.*', whose tensors have names"
        )
    tasks = [
        Task({"system": system, "problem": problem.name}, attempt, (system, position), group=system)
        for position, problem in enumerate(PROBLEMS)
        if not options.only or problem.name in options.only
        for system in systems
    ]
    done = complete(tasks, options, console)
    found = records(tasks, options)
    _show(console, systems, found)
    write_json(options.json, {"attempts": found})
    return 0 if done else 130


def attempt(system: str, position: int) -> Record:
    """Ask one system for one derivative."""
    problem = PROBLEMS[position]
    module, function = SYSTEMS[system].split(".")
    ask: Callable[[Problem], Answer] = getattr(import_module(f"benchmarks.derivatives.{module}"), function)
    start = time.perf_counter()
    try:
        answer = ask(problem)
    except UnwritableError as error:
        return {"verdict": "no form", "reason": str(error)}
    except Exception as error:  # whatever a system raises is its answer
        return {"verdict": "fails", "reason": _line(error)}
    seconds = time.perf_counter() - start
    rows = 1 if system == "SymPy, matrices" and problem.name in _ONE_ROW else _ROWS
    try:
        right = all(_right(problem, answer, problem.data(seed, rows, _COLUMNS)) for seed in _SEEDS)
    except Exception as error:
        return {"verdict": "fails", "reason": _line(error), "seconds": seconds, "text": answer.text}
    run = answer.prepare(problem.data(0, rows, _COLUMNS))
    return {
        "verdict": "right" if right else "wrong",
        "entries": answer.entries,
        "seconds": seconds,
        "milliseconds": statistics.median(_timed(run) for _ in range(_REPEATS)),
        "text": answer.text,
    }


def _right(problem: Problem, answer: Answer, data: Data) -> bool:
    true = problem.gradient(data)
    found = np.asarray(answer.prepare(data)())
    return found.shape == true.shape and bool(np.abs(found - true).max() <= _CLOSE * np.abs(true).max())


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def _show(console: Console, systems: Sequence[str], found: Sequence[Record]) -> None:
    by = {(record["system"], record["problem"]): record for record in found}
    table = plain_table("right? entries, s to derive, ms to run", "derivative", "textbook", *systems, left=2)
    for problem in PROBLEMS:
        cells = [by.get((system, problem.name)) for system in systems]
        if any(cells):
            table.add_row(problem.name, problem.textbook, *(_cell(record) for record in cells))
    console.print(table)
    for system in systems:
        own = [record for record in found if record["system"] == system]
        right = [record for record in own if record["verdict"] == "right"]
        slowest = max((record["seconds"] for record in right), default=0.0)
        console.print(f"{system}: {len(right)} of {len(own)} right, slowest of them {slowest:.2f} s", highlight=False)


def _cell(record: Record | None) -> str:
    if record is None:
        return ""
    if record["verdict"] in ("right", "wrong"):
        figures = f"{record['entries']}, {record['seconds']:.2f}, {record['milliseconds']:.2g}"
        return figures if record["verdict"] == "right" else f"WRONG {figures}"
    return "no end" if record["verdict"] == "died" else str(record["verdict"])


if __name__ == "__main__":
    sys.exit(main())
