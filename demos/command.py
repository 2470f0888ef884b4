"""What the commands have in common: options, presets, the machine, and one run from start to end."""

from __future__ import annotations

import argparse
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from demos import cifar10, outcome
from demos.errors import DemoError, OptionError
from demos.learners import Learner
from demos.preprocessing import PREPROCESSING
from demos.run_folder import Row, RunFolder
from demos.training import Plan, Verify, train

_SHOWN_ONLY = ("data", "download", "cache", "output", "resume", "tensorboard", "preset", "verify_every")
"""Options that say nothing about what is computed: a run may be resumed with others."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of every training command; those left out come from the preset."""
    parser.add_argument(
        "--data", metavar="FOLDER", type=Path, help="train/<class>/ and test/<class>/, or the archive's"
    )
    parser.add_argument("--download", action="store_true", help="let torchvision fetch CIFAR-10 (170 MB)")
    parser.add_argument(
        "--cache", metavar="FOLDER", type=Path, default=cifar10.CACHE, help="decoded images (%(default)s)"
    )
    parser.add_argument("--output", metavar="FOLDER", type=Path, help="the run's folder (runs/<what it is>)")
    parser.add_argument("--resume", action="store_true", help="go on with the run in --output, if there is one")
    parser.add_argument("--optimizer", choices=("sgd", "adam", "adadelta"))
    parser.add_argument("--lr", metavar="RATE", type=_above_zero(float))
    parser.add_argument("--steps", metavar="N", type=_above_zero(int))
    parser.add_argument("--batch-size", metavar="N", type=_above_zero(int))
    parser.add_argument("--eval-every", metavar="K", type=_above_zero(int), help="steps between evaluations")
    parser.add_argument("--seed", type=seed, help="of initial values, order, dropout and augmentation")
    parser.add_argument("--preprocessing", choices=tuple(PREPROCESSING))
    parser.add_argument(
        "--layers", choices=("gradlab", "torch"), help="gradlab's layers, or torch.nn's to compare with"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument(
        "--verify-every", metavar="K", type=_above_zero(int), help="check the gradients on every K-th batch"
    )
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard events into --output too")


def _above_zero(kind: type) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = 0
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(
                f"{text!r} is not {'a number' if kind is float else 'a whole number'} above 0"
            )
        return value

    return read


def seed(text: str) -> int:
    """A seed that NumPy and torch both take, beside the number of a step."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1 << 31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to 2147483647")
    return value


def fill(options: argparse.Namespace, preset: Mapping[str, Any]) -> None:
    """Give every option that was left out the preset's value."""
    for name, value in preset.items():
        if getattr(options, name) is None:
            setattr(options, name, value)


def device_of(options: argparse.Namespace) -> str:
    """The torch device asked for; raises OptionError where there is no such."""
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        raise OptionError("--device cuda: torch sees no GPU here; leave it out, or give --device cpu")
    return "cuda" if options.device != "cpu" and torch.cuda.is_available() else "cpu"


def torch_optimizer(options: argparse.Namespace, parameters: Any, **settings: Any) -> Any:
    """One of torch.optim's."""
    import torch

    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adadelta": torch.optim.Adadelta}
    return kinds[options.optimizer](parameters, lr=options.lr, **settings)


Build = Callable[[cifar10.Cifar10], tuple[Learner, Verify | None]]


def main(
    run: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> int:
    """Run a command: 0 when it ended, 2 with one line on bad input, 130 after Ctrl-C."""
    options = parser.parse_args(arguments)
    console = Console(stderr=True, soft_wrap=True)
    try:
        return run(options)
    except DemoError as error:
        console.print(f"error: {error}", markup=False, highlight=False)
        return 2
    except KeyboardInterrupt:
        console.print("interrupted; --resume goes on after the last evaluation", highlight=False)
        return 130


def run(
    options: argparse.Namespace,
    title: str,
    name: str,
    build: Callable[..., tuple[Learner, Verify | None]],
    **distributed: Any,
) -> int:
    """Load the data, train, leave the run's folder; `build(data, folder)` makes the learner and its verification."""
    console = Console(soft_wrap=True, quiet=bool(distributed.get("quiet")))
    data = _data(options, console)
    if not 0 < options.batch_size <= len(data.train):
        raise OptionError(f"--batch-size {options.batch_size} of {len(data.train)} images; give 1 to {len(data.train)}")
    output = options.output or Path("runs") / f"{name}-seed{options.seed}"
    config = {
        "command": shlex.join([Path(sys.executable).name, "-m", f"demos.{name.split('-', 1)[0]}", *sys.argv[1:]]),
        "options": {k: v for k, v in vars(options).items() if k not in _SHOWN_ONLY},
        "data": {"source": data.source, "digest": data.digest},
        "environment": environment(),
    }
    folder = distributed.get("folder", RunFolder)(output, config, resume=options.resume)
    learner, verify = build(data, folder)
    plan = Plan(options.steps, options.batch_size, options.eval_every, options.seed, options.verify_every or 0)
    console.print(f"{title}; seed {options.seed}; {output}", highlight=False)
    with ExitStack() as stack:
        report = _events(stack, output) if options.tensorboard and not distributed.get("quiet") else lambda row: None
        share = distributed.get("part", lambda indices: indices)
        rows = train(learner, data, plan, folder, console=console, verify=verify, report=report, part=share)
    if not distributed.get("quiet"):
        outcome.write(folder, rows, title, config)
        best = max(rows, key=lambda row: row.test_accuracy)
        console.print(
            f"test accuracy: best {best.test_accuracy:.4f} at step {best.step}, last {rows[-1].test_accuracy:.4f}; "
            f"{output / 'summary.md'}",
            highlight=False,
        )
    return 0


def _data(options: argparse.Namespace, console: Console) -> cifar10.Cifar10:
    with Progress(console=console, transient=True) as progress:
        shown: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in shown:
                shown[what] = progress.add_task(what, total=total)
            progress.update(shown[what], completed=done)

        return cifar10.load(options.data, download=options.download, cache=options.cache, progress=show)


def environment() -> dict[str, str]:
    """Versions, the source's commit where there is one, and the machine."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("gradlab", "numpy", "torch"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = ""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
        found["commit"] = described.stdout.strip()
    except (OSError, subprocess.SubprocessError):
        found["commit"] = ""
    return found | {"threads": os.environ.get("OMP_NUM_THREADS", "")}


def _events(stack: ExitStack, output: Path) -> Callable[[Row], None]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise OptionError("--tensorboard needs: pip install tensorboard") from error
    writer = SummaryWriter(output)
    stack.callback(writer.close)

    def report(row: Row) -> None:
        for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            writer.add_scalar(name.replace("_", "/"), getattr(row, name), row.step)

    return report
