"""What a grid has computed: one row of SQLite for each run, written when it is whole."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demos.errors import FolderError
from demos.grid_plan import Run
from demos.stacked import Point

_TABLES = """
create table about (key text primary key, value text not null);
create table runs (name text primary key, run text not null, curve text not null, seconds real not null);
"""


@dataclass(frozen=True, slots=True)
class Result:
    """A run's evaluations; `seconds` is its share of the stack's time."""

    run: Run
    curve: tuple[Point, ...]
    seconds: float

    @property
    def best(self) -> Point:
        """The evaluation with the highest test accuracy."""
        return max(self.curve, key=lambda point: point.accuracy)

    @property
    def last(self) -> Point:
        """The evaluation after the last step."""
        return self.curve[-1]


class Log:
    """The database at `path`, made with its `about` if it is not there.

    Raises FolderError for a file that is no such database, or one of another seed, data or evaluation interval.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(path)) as base, base:
                if not base.execute("select 1 from sqlite_master").fetchone():
                    base.executescript(f"begin; {_TABLES}")
                    base.executemany("insert into about values (?, ?)", [(k, str(v)) for k, v in about.items()])
                known = dict(base.execute("select key, value from about"))
                base.execute("select name, run, curve, seconds from runs limit 1")
        except sqlite3.Error as error:
            raise FolderError(f"{path} is no log of a grid ({error}); give another --output") from error
        for key, value in about.items():
            if known.get(key) != str(value):
                raise FolderError(f"{path} is of {key} {known.get(key)}, not {value}; give another --output")

    def add(self, results: list[Result]) -> None:
        """Write runs in one transaction: after a crash all of them are there, or none."""
        rows = [
            (r.run.name, json.dumps(asdict(r.run)), json.dumps([asdict(p) for p in r.curve]), r.seconds)
            for r in results
        ]
        with closing(sqlite3.connect(self.path)) as base, base:
            base.executemany("insert or replace into runs values (?, ?, ?, ?)", rows)

    def results(self) -> dict[Run, Result]:
        """All runs that are there."""
        with closing(sqlite3.connect(self.path)) as base:
            rows = base.execute("select run, curve, seconds from runs").fetchall()
        found = [
            Result(Run(**json.loads(run)), tuple(Point(**p) for p in json.loads(curve)), seconds)
            for run, curve, seconds in rows
        ]
        return {result.run: result for result in sorted(found, key=lambda result: result.run)}
