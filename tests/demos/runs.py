"""What the tests of the demos share: made-up images in folders, and the metrics that a run has written."""

from __future__ import annotations

import csv
from pathlib import Path

from demos import cifar10


def images(root: Path, *, train: int, test: int) -> list[str]:
    """Write so many images of each class; gives the options that read them."""
    for split, per_class in (("train", train), ("test", test)):
        cifar10.write_tree(root, split, cifar10.sample(per_class, seed=per_class))
    return ["--data", str(root), "--cache", str(root / "cache")]


def metrics_in(folder: Path) -> list[dict[str, float]]:
    """The rows of metrics.csv without the time that they took."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if name != "seconds"} for row in csv.DictReader(file)
        ]
