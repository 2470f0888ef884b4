"""What a grid found: grid.csv, grid.md and grid.png."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from demos.grid_log import Result

_MARKS = {"sgd": ("o", "#0072B2"), "adam": ("s", "#D55E00"), "adadelta": ("^", "#009E73")}
"""Shapes as well as colours (Okabe and Ito's): readable without seeing the colours."""


def write(folder: Path, results: list[Result], seed: int) -> None:
    """Write all three into `folder`."""
    rows = [row(result) for result in results]
    with (folder / "grid.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    (folder / "grid.md").write_text(table(results, seed), encoding="utf-8")
    figure(results).savefig(folder / "grid.png", dpi=150)


def row(result: Result) -> dict[str, Any]:
    """A run's line of grid.csv; `seconds` is its share of its stack's time."""
    run, best, last = result.run, result.best, result.last
    return {
        "layers": run.layers, "width": run.width, "batch": run.batch, "optimizer": run.optimizer, "lr": run.lr,
        "steps": run.steps, "best_accuracy": best.accuracy, "best_step": best.step, "last_accuracy": last.accuracy,
        "last_loss": last.loss, "diverged": not math.isfinite(last.loss), "seconds": round(result.seconds, 2),
    }  # fmt: skip


def table(results: list[Result], seed: int) -> str:
    """All runs in Markdown, the best first."""
    lines = [
        f"# {len(results)} runs, seed {seed}",
        "",
        "![Test accuracy](grid.png)",
        "",
        "| hidden | optimizer | lr | batch | steps | best test accuracy | at step | last |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in sorted(results, key=lambda result: -result.best.accuracy):
        run, best = result.run, result.best
        diverged = "" if math.isfinite(result.last.loss) else " (diverged)"
        lines.append(
            f"| {run.layers} x {run.width} | {run.optimizer} | {run.lr:g} | {run.batch} | {run.steps:,} | "
            f"{best.accuracy:.4f} | {best.step:,} | {result.last.accuracy:.4f}{diverged} |"
        )
    return "\n".join(lines) + "\n"


def figure(results: list[Result]) -> Any:
    """A panel for each learning rate with every run's best accuracy by architecture, and the five best curves."""
    from matplotlib.figure import Figure

    rates = sorted({result.run.lr for result in results})
    shapes = sorted({(result.run.layers, result.run.width) for result in results})
    drawn = Figure(figsize=(3.6 * len(rates) + 4.4, 4.4), layout="constrained")
    axes = drawn.subplots(1, len(rates) + 1, squeeze=False)[0]
    for axis, rate in zip(axes, rates, strict=False):
        _points(axis, [result for result in results if result.run.lr == rate], shapes)
        axis.set(title=f"learning rate {rate:g}", xlabel="hidden layers", ylim=(0, 0.6))
    axes[0].set_ylabel("best test accuracy")
    axes[0].legend(loc="lower left", fontsize="small")
    _best(axes[-1], results)
    return drawn


def _points(axis: Any, results: list[Result], shapes: list[tuple[int, int]]) -> None:
    """Optimizers stand beside each other; batch sizes and steps are the spread of a column."""
    for shift, (optimizer, (mark, colour)) in zip((-0.22, 0, 0.22), _MARKS.items(), strict=True):
        some = [result for result in results if result.run.optimizer == optimizer]
        places = [shapes.index((result.run.layers, result.run.width)) + shift for result in some]
        heights = [result.best.accuracy for result in some]
        axis.scatter(places, heights, marker=mark, color=colour, s=22, alpha=0.75, label=optimizer)
    axis.set_xticks(range(len(shapes)), [f"{layers} x {width}" for layers, width in shapes], rotation=45, ha="right")
    axis.set_xlim(-0.6, len(shapes) - 0.4)
    axis.grid(axis="y", alpha=0.3)


def _best(axis: Any, results: list[Result]) -> None:
    for result, style in zip(
        sorted(results, key=lambda result: -result.best.accuracy), ("-", "--", "-.", ":", (0, (1, 3))), strict=False
    ):
        run, curve = result.run, result.curve
        label = f"{run.layers} x {run.width}, {run.optimizer} {run.lr:g}, batch {run.batch}, {run.steps:,} steps"
        colour = _MARKS[run.optimizer][1]
        axis.plot([p.step for p in curve], [p.accuracy for p in curve], linestyle=style, color=colour, label=label)
    axis.set(title="the best runs", xlabel="step", ylabel="test accuracy")
    axis.legend(loc="lower right", fontsize="x-small")
    axis.grid(alpha=0.3)
