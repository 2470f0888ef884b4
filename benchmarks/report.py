"""Results as a table, as JSON and as the lines that sum them up."""

from __future__ import annotations

import json
import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.markup import escape
from rich.table import Table

from benchmarks.contest import AUTOGRAD, GENERATED, TORCH, Direction, Result
from benchmarks.timing import THREAD_VARIABLES, Spread

GOAL_MEAN, GOAL_WORST = 1.05, 1.15
"""What generated / best hand-written backward may be: as a geometric mean over all rows, and in any single row."""


CAPTION = "ratio < 1: the generated kernel is faster; autograd differentiates the independent torch reference"
NOTES = {
    "no torch": "torch is not installed; its columns need: pip install 'gradlab[torch]'",
    "no kernel": "some operations have no torch kernel; `gradlab derive` writes it",
}


def table(results: Sequence[Result]) -> Table:
    """One row for each contest: microseconds per call, and ratios with half their interquartile range as noise."""
    view = Table(
        title="Generated kernels and their rivals: µs per call in one thread, ratio ± half its interquartile range",
        caption=CAPTION
        + "".join(f"\n{escape(NOTES[note])}" for note in sorted({r.torch_note for r in results if r.torch_note})),
        title_justify="left",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    forward = any(result.direction == "forward" for result in results)
    for heading in ("operation", *(["pass"] if forward else []), "size", "dtype"):
        view.add_column(heading, no_wrap=True)
    for heading in ("NumPy", "by hand", "ratio", "autograd", "ratio", "torch", "ratio"):
        view.add_column(heading, justify="right", no_wrap=True)
    view.add_column("best by hand", no_wrap=True)
    previous = None
    for result in results:
        if previous not in (None, result.operation):
            view.add_section()
        view.add_row(
            result.operation if result.operation != previous else "",
            *([result.direction] if forward else []),
            result.size,
            result.dtype,
            _microseconds(result, GENERATED),
            _microseconds(result, result.hand_written),
            _ratio(result.to_hand_written),
            result.torch_note or _microseconds(result, AUTOGRAD),
            _plain_ratio(result.to_autograd),
            _microseconds(result, TORCH),
            _plain_ratio(result.torch_to_autograd),
            result.hand_written or "none written",
        )
        previous = result.operation
    return view


def _microseconds(result: Result, name: str | None) -> str:
    return f"{result.seconds[name].median * 1e6:.1f}" if name in result.seconds else "–"


def _plain_ratio(ratio: Spread | None) -> str:
    return "–" if ratio is None else f"{ratio.median:.2f}"


def _ratio(ratio: Spread | None) -> str:
    """With its noise, and coloured where it misses the goal."""
    if ratio is None:
        return "–"
    text = f"{ratio.median:.2f} ±{ratio.iqr * ratio.median / 2:.2f}"
    if ratio.median <= GOAL_MEAN:
        return text
    return f"[{'red' if ratio.median > GOAL_WORST else 'yellow'}]{text}[/]"


def geometric_mean(values: Sequence[float]) -> float:
    """The mean that treats twice as fast and twice as slow alike; nan of nothing.

    >>> geometric_mean([0.5, 2.0])
    1.0
    """
    return math.exp(math.fsum(map(math.log, values)) / len(values)) if values else math.nan


def summary(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """For each direction and comparison: number of rows, geometric mean, the worst ratio and where it was."""
    directions: tuple[Direction, ...] = ("backward", "forward")
    comparisons = ("to_hand_written", "to_loop_free", "to_autograd", "torch_to_autograd")
    summaries: dict[str, dict[str, Any]] = {}
    for direction in directions:
        for comparison in comparisons:
            rows = [
                (ratio.median, result.title)
                for result in results
                if result.direction == direction and (ratio := getattr(result, comparison)) is not None
            ]
            if rows:
                worst, where = max(rows)
                mean = geometric_mean([ratio for ratio, _ in rows])
                summaries[f"{direction}_{comparison}"] = {
                    "rows": len(rows),
                    "geometric_mean": mean,
                    "worst": worst,
                    "worst_at": where,
                }
    return summaries


def summary_lines(results: Sequence[Result]) -> Iterator[str]:
    """The last lines of the output."""
    names = {
        "to_hand_written": "generated / best hand-written",
        "to_loop_free": "generated / best hand-written without a loop over blocks",
        "to_autograd": "generated / torch autograd",
        "torch_to_autograd": "generated torch kernel / torch autograd",
    }
    for key, entry in summary(results).items():
        direction, _, comparison = key.partition("_")
        goal = f" (goal: mean {GOAL_MEAN}, worst {GOAL_WORST})" if key == "backward_to_hand_written" else ""
        yield (
            f"{direction}, {names[comparison]}: geometric mean {entry['geometric_mean']:.2f}, "
            f"worst {entry['worst']:.2f} at {entry['worst_at']}{goal}"
        )


def write_json(path: Path, results: Sequence[Result], settings: dict[str, Any], *, complete: bool) -> None:
    """Write settings, machine, every result (seconds with quartiles) and the summary."""
    document = {
        "complete": complete,
        "settings": settings,
        "machine": machine(),
        "summary": summary(results),
        "results": [asdict(result) for result in results],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """What a reader needs to know before comparing these times with others."""
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index,call-overload,unused-ignore]
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('name')} {blas.get('version')}",
        "torch": _version("torch"),
        "threads": {name: os.environ.get(name) for name in THREAD_VARIABLES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
