"""The training loop: steps, evaluations, checkpoints, and what is shown meanwhile."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from demos.batches import Batches
from demos.cifar10 import Cifar10
from demos.errors import DivergedError
from demos.learners import Array, Learner, Scores
from demos.run_folder import Row, RunFolder

LOOK = 10
"""Steps between two looks at the loss; on a GPU each look waits for it."""

Verify = Callable[[Array, Array, int], str]
"""Checks the gradients on a batch before a step, and says in a few words what came out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long, in which portions, and from which seed."""

    steps: int
    batch_size: int
    eval_every: int
    seed: int
    verify_every: int = 0


def train(
    learner: Learner,
    data: Cifar10,
    plan: Plan,
    folder: RunFolder,
    *,
    console: Console,
    verify: Verify | None = None,
    part: Callable[[Array], Array] = lambda indices: indices,
    report: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Train from the folder's last checkpoint to the plan's last step, and give all evaluations.

    `part` takes this process's share of a batch; `report` is told every evaluation. Raises DivergedError where the loss
    is no longer finite: the checkpoint before it is kept.
    """
    batches = Batches(len(data.train), plan.batch_size, plan.seed)
    restored = folder.restore()
    start = 0
    if restored:
        start, state = restored
        learner.load(state)
        console.print(f"going on after step {start}", highlight=False)
    rows = folder.rows()
    spent = rows[-1].seconds if rows else 0.0
    with _progress(console) as progress:
        shown = progress.add_task("training", total=plan.steps, completed=start, scores="")
        for step in range(start, plan.steps):
            indices = part(batches.indices(step))
            images, labels = data.train.images[indices], data.train.labels[indices]
            if verify and step % plan.verify_every == 0:
                progress.console.print(f"step {step}: {verify(images, labels, step)}", highlight=False)
            begin = time.perf_counter()
            scores = learner.step(images, labels, step)
            due = (step + 1) % plan.eval_every == 0 or step + 1 == plan.steps
            if due or (step + 1) % LOOK == 0:
                _look(scores, step + 1, folder)
            spent += time.perf_counter() - begin
            if due or (step + 1) % LOOK == 0:
                _show(progress, shown, step + 1, scores, plan.batch_size * (step + 1) / spent)
            if due:
                test = learner.evaluate(data.test.images, data.test.labels)
                row = Row(step + 1, *map(float, (scores.loss, scores.accuracy, test.loss, test.accuracy, spent)))
                folder.record(row)
                folder.checkpoint(step + 1, learner.state())
                rows.append(row)
                report(row)
                progress.console.print(_line(row, plan), highlight=False)
    return rows


def _look(scores: Scores, step: int, folder: RunFolder) -> None:
    loss = float(scores.loss)
    if not math.isfinite(loss):
        raise DivergedError(
            f"the loss is {loss} after step {step}; the last checkpoint, from before, is in {folder.path}. "
            "Try a smaller --lr"
        )


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[scores]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _show(progress: Progress, task: TaskID, step: int, scores: Scores, speed: float) -> None:
    text = f"loss {float(scores.loss):.3f}, accuracy {float(scores.accuracy):.3f}, {speed:,.0f} images/s"
    progress.update(task, completed=step, scores=text)


def _line(row: Row, plan: Plan) -> str:
    width = len(str(plan.steps))
    return (
        f"step {row.step:>{width}}: train loss {row.train_loss:.3f}, accuracy {row.train_accuracy:.3f}; "
        f"test loss {row.test_loss:.3f}, accuracy {row.test_accuracy:.3f}; {row.seconds:.0f} s"
    )
