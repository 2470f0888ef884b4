"""How the time of a training step grows with the batch: a plot, and the slope of its logarithms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import spread

# Below this a step costs what its calls cost, whatever the batch.
TAIL = 100


def medians(results: Sequence[Mapping[str, Any]]) -> dict[str, tuple[list[int], list[float]]]:
    """Batches and median seconds of each package."""
    packages = results[0]["seconds"]
    return {
        package: (
            [result["batch"] for result in results],
            [spread(result["seconds"][package]).median for result in results],
        )
        for package in packages
    }


def slopes(results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Of log(seconds) over log(batch) from batches of 100 up, by least squares; 1 is linear.

    >>> runs = [{"batch": n, "seconds": {"p": [n * 1e-3]}} for n in (1, 100, 1000)]
    >>> {package: round(slope, 6) for package, slope in slopes(runs).items()}
    {'p': 1.0}
    """
    found = {}
    for package, (batches, seconds) in medians(results).items():
        tail = [(n, t) for n, t in zip(batches, seconds, strict=True) if n >= TAIL]
        if len(tail) > 1:
            x, y = np.log(np.array(tail)).T
            found[package] = float(np.polynomial.Polynomial.fit(x, y, 1).convert().coef[1])
    return found


def plot(results: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Seconds over batch on logarithmic axes, with a straight line of slope 1 to compare with."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for package, (batches, seconds) in medians(results).items():
        axes.loglog(batches, seconds, "o-", label=package)
    batches, seconds = next(iter(medians(results).values()))
    axes.loglog(batches, [seconds[-1] * n / batches[-1] for n in batches], "k:", label="linear")
    axes.set(xlabel="batch", ylabel="seconds per step (forward, loss, backward)", title=results[0]["network"])
    axes.legend()
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
