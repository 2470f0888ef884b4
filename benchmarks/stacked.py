"""How much faster models train in a stack than one after another. Run: python -m benchmarks.stacked.

Both on gradlab's derived operations, made-up images, one batch size; medians over rounds taken in turn.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from statistics import median

import torch
from rich.console import Console
from rich.table import Table

from demos.stacked import StackedMLP

MODELS = [(name, lr) for name in ("sgd", "adam", "adadelta") for lr in (2e-2, 2e-3, 2e-4)]
SHAPES = ((100,), (100, 100, 100), (400,), (400, 400, 400))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stacked", description="Stacked against single training")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=3, help="in each round")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    console = Console(width=100)
    console.print(
        f"{len(MODELS)} models, {options.device}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    )
    table = Table("hidden", "batch", "one at a time, ms", "stacked, ms", "speed-up")
    for hidden in SHAPES:
        for batch in (100, 400):
            single, together = _times(hidden, batch, options)
            speed_up = f"{single / together:.2f}"
            name = f"{len(hidden)} x {hidden[0]}"
            table.add_row(name, str(batch), f"{1e3 * single:.1f}", f"{1e3 * together:.1f}", speed_up)
    console.print(table)


def _times(hidden: tuple[int, ...], batch: int, options: argparse.Namespace) -> tuple[float, float]:
    """Seconds for one step of all models: one after another, and together."""
    images = torch.randn(batch, 3072, device=options.device) * 60
    labels = torch.randint(10, (batch,), device=options.device)
    singles = [StackedMLP(hidden, [model], seed=0, device=options.device) for model in MODELS]
    together = StackedMLP(hidden, MODELS, seed=0, device=options.device)

    def one_by_one() -> None:
        for model in singles:
            for _ in range(options.steps):
                model.step(images, labels)

    def at_once() -> None:
        for _ in range(options.steps):
            together.step(images, labels)

    one_by_one()
    at_once()
    rounds = [(_seconds(one_by_one, options.device), _seconds(at_once, options.device)) for _ in range(options.rounds)]
    return tuple(median(column) / options.steps for column in zip(*rounds, strict=True))


def _seconds(work: Callable[[], None], device: str) -> float:
    start = time.perf_counter()
    work()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
