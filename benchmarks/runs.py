"""Many short jobs in worker processes, each result kept in a log at once: what every long benchmark here is made of.

The log is JSON lines, one a job. A run that is started again does only what its log lacks, so that Ctrl-C, a crash or
a power cut lose the jobs of that moment and no others.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.timing import THREAD_VARIABLES

RESULTS = Path(__file__).parent / "results"

Record = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """`function(*arguments)` gives a dictionary, which joins `key` in the log. Tasks of a group share their worker."""

    key: Mapping[str, Any]
    function: Callable[..., Record]
    arguments: tuple[Any, ...]
    group: str = ""

    @property
    def label(self) -> str:
        """What the progress bar shows."""
        return " ".join(str(value) for value in self.key.values())


class Log:
    """Records in a file of JSON lines, found by the task that made them."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        self.records: dict[str, Record] = {}
        if path.exists():
            self._read()

    def _read(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # cut off in the middle: that job runs again
            self.records[_place(entry["key"])] = entry["key"] | entry["result"]
        if text and not text.endswith("\n"):
            self.path.write_text(text + "\n", encoding="utf-8")

    def of(self, task: Task) -> Record | None:
        """What is known of a task."""
        return self.records.get(_place(task.key))

    def enter(self, task: Task, result: Record) -> None:
        """Keep a result, on disk before anything else happens."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": dict(task.key), "result": result}, ensure_ascii=False) + "\n")
        self.records[_place(task.key)] = dict(task.key) | result


def _place(key: Mapping[str, Any]) -> str:
    return json.dumps(key, sort_keys=True)


def add_running(cli: argparse.ArgumentParser, name: str, *, timeout: float = 60.0) -> None:
    """The options of `complete`, and where the log and the JSON go."""
    cli.add_argument("--workers", type=count, default=2, metavar="N", help="worker processes (default: 2)")
    cli.add_argument(
        "--timeout", type=float, default=timeout, metavar="S", help=f"seconds for one job (default: {timeout:g})"
    )
    cli.add_argument("--json", type=Path, default=RESULTS / f"{name}.json", metavar="PATH", help="where the JSON goes")
    cli.add_argument(
        "--log", type=Path, default=RESULTS / f"{name}.jsonl", metavar="PATH", help="the log that a run resumes from"
    )
    cli.add_argument("--fresh", action="store_true", help="forget the log: needed after a change of what is measured")


def count(text: str, least: int = 1) -> int:
    """A number of something, for argparse."""
    value = int(text) if text.isdecimal() else -1
    if value < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a count; give {least} or more")
    return value


def complete(tasks: Sequence[Task], options: argparse.Namespace, console: Console) -> bool:
    """Run the tasks that the log of `options` lacks; False where Ctrl-C ended it early. `records` then has the results.

    A worker that dies or finds no end leaves a record whose verdict is "died".
    """
    # The threads of numeric libraries would take each other's time; workers inherit this before they import NumPy.
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    from gradlab.verify.confined import Job
    from gradlab.verify.workers import Pool

    log = Log(options.log, fresh=options.fresh)
    todo = [task for task in tasks if log.of(task) is None]
    progress = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip
    jobs = [Job(task.label, task.function, task.arguments, task.group) for task in todo]
    try:
        with progress, Pool(options.workers, timeout=options.timeout) as pool:
            bar = progress.add_task("", total=len(tasks), completed=len(tasks) - len(todo))
            for answer in pool.run(jobs):
                task = todo[answer.index]
                if answer.refused or answer.died:
                    result = {
                        "verdict": "refused" if answer.refused else "died",
                        "reason": answer.refused or answer.died,
                        "seconds": answer.seconds,
                    }
                else:
                    result = answer.value
                log.enter(task, result)
                progress.update(bar, advance=1, description=task.label[:50])
    except KeyboardInterrupt:
        console.print(f"interrupted; the log {options.log} keeps what is done, run again to go on", highlight=False)
        return False
    return True


def records(tasks: Sequence[Task], options: argparse.Namespace) -> list[Record]:
    """What the log knows of these tasks, in their order."""
    log = Log(options.log)
    return [record for task in tasks if (record := log.of(task)) is not None]
