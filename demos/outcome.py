"""What stands in a run's folder when it ends: summary.md and curves.png."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from demos.run_folder import Row, RunFolder


def write(folder: RunFolder, rows: Sequence[Row], title: str, config: Mapping[str, Any]) -> None:
    """Write both files from the evaluations of a run."""
    folder.keep("summary.md", summary(rows, title, config).encode())
    folder.keep("curves.png", curves({title: rows}))


def summary(rows: Sequence[Row], title: str, config: Mapping[str, Any]) -> str:
    """The report's table in Markdown: best and last, train (mini-batch) and test."""
    lines = [f"# {title}", "", "| | best | at step | last |", "|---|---|---|---|"]
    for name, text, best in (
        ("test_accuracy", "test accuracy", max),
        ("test_loss", "test loss", min),
        ("train_accuracy", "train accuracy (mini-batch)", max),
        ("train_loss", "train loss (mini-batch)", min),
    ):
        row = best(rows, key=lambda row: getattr(row, name))
        lines.append(f"| {text} | {getattr(row, name):.4f} | {row.step} | {getattr(rows[-1], name):.4f} |")
    data, environment = config["data"], config["environment"]
    lines += [
        "",
        f"{rows[-1].step} steps in {rows[-1].seconds:.0f} s of training; {data['source']}, "
        f"digest {data['digest'][:12]}; "
        f"{', '.join(f'{name} {value}' for name, value in environment.items() if value)}.",
        "",
        f"`{config['command']}`",
        "",
    ]
    return "\n".join(lines)


def curves(runs: Mapping[str, Sequence[Row]]) -> bytes:
    """Accuracy and loss over steps, train dashed and test solid, one colour for each run, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    accuracy, loss = figure.subplots(1, 2)
    for position, (title, rows) in enumerate(runs.items()):
        steps, colour = [row.step for row in rows], f"C{position}"
        name = f"{title}, " if len(runs) > 1 else ""
        for axes, quantity in ((accuracy, "accuracy"), (loss, "loss")):
            test, train = ([getattr(row, f"{split}_{quantity}") for row in rows] for split in ("test", "train"))
            axes.plot(steps, test, color=colour, label=f"{name}test")
            axes.plot(
                steps, train, color=colour, linestyle="--", linewidth=1, alpha=0.7, label=f"{name}train (mini-batch)"
            )
    for axes, quantity in ((accuracy, "accuracy"), (loss, "loss")):
        axes.set_xlabel("steps")
        axes.set_ylabel(quantity)
        axes.grid(alpha=0.3)
    accuracy.legend(fontsize="small", loc="lower right")
    figure.suptitle(next(iter(runs)) if len(runs) == 1 else "")
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
