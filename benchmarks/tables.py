"""What the tables of the long benchmarks have in common."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def share(part: int, whole: int) -> str:
    """A percentage and the counts behind it.

    >>> share(3, 8), share(0, 0)
    ('37.5 %  3/8', '–')
    """
    return f"{100 * part / whole:.1f} %  {part}/{whole}" if whole else "–"


def plain_table(title: str, *columns: str, left: int = 1, caption: str | None = None) -> Table:
    """A table whose first `left` columns are texts and the others figures."""
    table = Table(
        title=title, caption=caption, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )  # fmt: skip
    for k, column in enumerate(columns):
        table.add_column(column, justify="left" if k < left else "right", no_wrap=k >= left)
    return table


def wide_console() -> Console:
    """Standard output, never too narrow for a table: wrapped lines can be read, figures that were cut off cannot."""
    console = Console()
    return console if console.width >= 200 else Console(width=200)


def seeds_by_name(records: Iterable[Mapping[str, Any]]) -> dict[str, list[int]]:
    """For each animal, the seeds of its records."""
    found: dict[str, list[int]] = defaultdict(list)
    for record in records:
        found[record["animal"]].append(record["seed"])
    return dict(found)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """A document for other programs; the numbers in it are finite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
