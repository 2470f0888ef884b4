"""Train the report's grids of multilayer perceptrons on CIFAR-10, many networks at once.

python -m demos.grid --data FOLDER --dry-run
python -m demos.grid --data FOLDER --only "optimizer=adam,hidden=1"
python -m demos.grid --data FOLDER --grid extended
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from demos import cifar10, command, grid_figures
from demos.errors import OptionError
from demos.grid_log import Log, Result
from demos.grid_plan import GRIDS, Run, Stack, chosen, stacks
from gradlab.errors import GradlabError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m demos.grid",
        description="Train a grid of multilayer perceptrons on CIFAR-10; what is done already is not done again.",
    )
    found.add_argument("--data", metavar="FOLDER", type=Path, help="train/<class>/ and test/<class>/, or the archive's")
    found.add_argument("--download", action="store_true", help="let torchvision fetch CIFAR-10 (170 MB)")
    found.add_argument(
        "--cache", metavar="FOLDER", type=Path, default=cifar10.CACHE, help="decoded images (%(default)s)"
    )
    found.add_argument("--grid", choices=tuple(GRIDS), default="report", help="486 runs, or 3 deep ones (%(default)s)")
    found.add_argument("--only", metavar="FILTER", default="", help="as in optimizer=adam|sgd,lr=2e-4,hidden=1")
    found.add_argument("--dry-run", action="store_true", help="print what would be trained, and for how long")
    found.add_argument("--output", metavar="FOLDER", type=Path, default=Path("runs/grid"), help="(%(default)s)")
    found.add_argument("--executor", metavar="local|dask:ADDRESS", default="local", help="where stacks are trained")
    found.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    found.add_argument(
        "--eval-every", metavar="K", type=int, default=500, help="steps between evaluations (%(default)s)"
    )
    found.add_argument("--seed", type=command.seed, default=42, help="of initial values and order (%(default)s)")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command: 0 when it ended, 2 with one line on bad input, 130 after Ctrl-C."""
    return command.main(_run, parser(), arguments)


def _run(options: argparse.Namespace) -> int:
    console = Console(soft_wrap=True)
    if options.eval_every < 1:
        raise OptionError(f"--eval-every {options.eval_every}; give 1 or more")
    runs = chosen(GRIDS[options.grid](), options.only)
    device = command.device_of(options)
    if options.dry_run:
        _plan(stacks(runs), device, console)
        return 0
    data = cifar10.load(options.data, download=options.download, cache=options.cache)
    largest = max(run.batch for run in runs)
    if largest > len(data.train):
        raise OptionError(
            f"batches of {largest} from {len(data.train)} images; choose smaller ones with --only batch=…"
        )
    about = {"seed": options.seed, "evaluations every": options.eval_every, "data digest": data.digest}
    log = Log(options.output / "grid.sqlite", about)
    there = log.results()
    left = stacks(run for run in runs if run not in there)
    console.print(f"{len(runs)} runs, {len(runs) - sum(len(s.runs) for s in left)} of them there; seed {options.seed}")
    try:
        _train(left, log, options, device, console)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; the same command goes on with the stacks that are missing")
        return 130
    grid_figures.write(options.output, list(log.results().values()), options.seed)
    console.print(f"{options.output / 'grid.md'}", highlight=False)
    return 0


def train_stack(
    stack: Stack, options: argparse.Namespace, device: str, progress: Callable[[int], None] = lambda step: None
) -> list[Result]:
    """Results of a stack; a worker elsewhere reads the images from the same path."""
    from demos import stacked

    data = cifar10.load(options.data, download=options.download, cache=options.cache)
    start = time.perf_counter()
    curves = stacked.train(
        stack, data, seed=options.seed, eval_every=options.eval_every, device=device, progress=progress
    )
    seconds = (time.perf_counter() - start) / len(stack.runs)
    return [Result(run, tuple(curve), seconds) for run, curve in curves.items()]


def _train(left: list[Stack], log: Log, options: argparse.Namespace, device: str, console: Console) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    stop = threading.Event()
    with Progress(*columns, TimeRemainingColumn(), console=console) as shown, _executor(options.executor) as executor:
        every = shown.add_task("million multiplications", total=sum(_millions(stack) for stack in left))
        futures: dict[Future[list[Result]], Stack] = {}
        for stack in left:
            extra = (_follow(shown, stack, stop),) if options.executor == "local" else ()
            futures[executor.submit(train_stack, stack, options, device, *extra)] = stack
        try:
            for future in as_completed(futures):
                log.add(future.result())
                shown.advance(every, _millions(futures[future]))
        finally:
            stop.set()
            for future in futures:
                future.cancel()


def _millions(stack: Stack) -> int:
    return round(stack.multiplications / 1e6)


def _follow(shown: Progress, stack: Stack, stop: threading.Event) -> Callable[[int], None]:
    task = shown.add_task(_title(stack.runs[0]), total=stack.steps, visible=False)

    def progress(step: int) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        shown.update(task, completed=step, visible=step < stack.steps)

    return progress


def _title(run: Run) -> str:
    return f"{run.layers}x{run.width}, batch {run.batch}"


@contextmanager
def _executor(where: str) -> Iterator[Executor]:
    if where == "local":
        with ThreadPoolExecutor(1) as threads:
            yield threads
    elif where.startswith("dask:"):
        from gradlab.adapters.dask import dask_executor

        try:
            with dask_executor(where.removeprefix("dask:")) as workers:
                yield workers
        except GradlabError as error:
            raise OptionError(f"--executor {error}") from error
    else:
        raise OptionError(f"--executor {where}: unknown; write local, or dask:tcp://HOST:PORT")


def _plan(planned: list[Stack], device: str, console: Console) -> None:
    """The stacks with a time that supposes the speed of one large matrix product; small networks take longer."""
    speed = _multiplications_per_second(device)
    table = Table("networks", "models", "runs", "steps", "estimated minutes")
    for stack in planned:
        minutes = stack.multiplications / speed / 60
        table.add_row(
            _title(stack.runs[0]), str(len(stack.models)), str(len(stack.runs)), f"{stack.steps:,}", f"{minutes:.1f}"
        )
    console.print(table)
    runs = [run for stack in planned for run in stack.runs]
    total = sum(stack.multiplications for stack in planned) / speed / 60
    alone = sum(run.steps for run in runs)
    trained = sum(stack.steps * len(stack.models) for stack in planned)
    console.print(
        f"{len(runs)} runs in {len(planned)} stacks; {trained:,} of {alone:,} steps, as shorter runs are the beginning "
        f"of longer ones; at least {total:.0f} minutes on {device}, evaluations not counted",
        highlight=False,
    )


def _multiplications_per_second(device: str) -> float:
    import torch

    images, weights = torch.ones(400, 3072, device=device), torch.ones(3072, 400, device=device)
    float((images @ weights)[0, 0])
    start = time.perf_counter()
    for _ in range(5):
        product = images @ weights
    float(product[0, 0])
    return 5 * 400 * 3072 * 400 / (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
