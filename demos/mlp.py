"""Train the report's multilayer perceptron on CIFAR-10.

python -m demos.mlp --backend numpy --preset report --data FOLDER
python -m demos.mlp --backend torch --preset best --data FOLDER
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import Any

import gradlab.nn
from demos import command
from demos.cifar10 import Cifar10
from demos.errors import OptionError
from demos.learners import Learner, NumpyLearner, TorchLearner
from demos.networks import PIXELS, Seeded, layers_of, mlp, report_weights
from demos.preprocessing import PREPROCESSING
from demos.run_folder import RunFolder
from demos.training import Verify
from demos.verification import verification

_COMMON = {
    "seed": 42,
    "layers": "gradlab",
    "batch_norm": "none",
    "dropout": 0.0,
    "augment": False,
    "schedule": "constant",
}
_PRESETS: dict[tuple[str, str], dict[str, Any]] = {
    ("numpy", "report"): {
        "hidden": (100,), "optimizer": "sgd", "lr": 2e-3, "steps": 1500, "batch_size": 200, "eval_every": 100,
        "preprocessing": "mean-image", "weights": "report",
    },
    ("torch", "report"): {
        "hidden": (400,) * 4, "optimizer": "adam", "lr": 2e-4, "steps": 3000, "batch_size": 400, "eval_every": 100,
        "preprocessing": "mean-image", "weights": "default",
    },
    ("torch", "best"): {
        "hidden": (1024, 512, 512), "optimizer": "adam", "lr": 2e-3, "steps": 12_000, "batch_size": 256,
        "eval_every": 500, "preprocessing": "standardise", "weights": "default", "batch_norm": "manual",
        "dropout": 0.1, "augment": True, "schedule": "cosine",
    },
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m demos.mlp",
        description="Train a multilayer perceptron on CIFAR-10 with gradlab's derived layers.",
    )
    found.add_argument("--backend", choices=("numpy", "torch"), default="numpy", help="(%(default)s)")
    found.add_argument("--preset", choices=("report", "best"), default="report", help="values of what is left out")
    command.add_options(found)
    found.add_argument("--hidden", metavar="WIDTHS", type=_widths, help="of the hidden layers, as in 400,400,400")
    found.add_argument(
        "--batch-norm",
        choices=("none", "autograd", "manual", "module"),
        help="composed from primitives and differentiated by torch; gradlab's derived one; torch's module",
    )
    found.add_argument("--dropout", metavar="P", type=_probability)
    found.add_argument("--augment", action=argparse.BooleanOptionalAction, default=None, help="random flips and shifts")
    found.add_argument("--schedule", choices=("constant", "cosine"), help="of the learning rate")
    found.add_argument(
        "--weights", choices=("default", "report"), help="initial values: torch's, or the report's N(0, 1e-4²)"
    )
    return found


def _widths(text: str) -> tuple[int, ...]:
    try:
        widths = tuple(int(part) for part in text.split(","))
    except ValueError:
        widths = (0,)
    if min(widths) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of widths; write 400 or 400,400,400")
    return widths


def _probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a probability below 1")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return command.main(run, parser(), arguments)


def run(options: argparse.Namespace) -> int:
    """Train as the options say."""
    preset = _PRESETS.get((options.backend, options.preset))
    if preset is None:
        raise OptionError(f"--preset {options.preset} is for --backend torch; NumPy has --preset report")
    command.fill(options, {**_COMMON, **preset})
    if options.backend == "numpy":
        _only_torch(options)
    shape = "-".join(map(str, options.hidden))
    name = f"mlp-{options.backend}-{options.layers}-{shape}-{options.optimizer}"
    title = f"MLP {shape}, {options.optimizer} {options.lr:g}, {options.backend} ({_package(options)})"
    return command.run(options, title, name, lambda data, folder: build(options, data, folder))


def _package(options: argparse.Namespace) -> str:
    if options.backend == "numpy":
        return "gradlab.nn"
    return "gradlab.torch.nn" if options.layers == "gradlab" else "torch.nn"


def _only_torch(options: argparse.Namespace) -> None:
    wrong = {
        "--layers torch": options.layers == "torch",
        "--device cuda": options.device == "cuda",
        f"--batch-norm {options.batch_norm}": options.batch_norm in ("autograd", "module"),
        "--augment": options.augment,
        "--schedule cosine": options.schedule == "cosine",
    }
    for text, given in wrong.items():
        if given:
            raise OptionError(f"{text} needs --backend torch")


def build(options: argparse.Namespace, data: Cifar10, folder: RunFolder) -> tuple[Learner, Verify | None]:
    """The learner, and what verifies its gradients if that is asked for."""
    preprocess = PREPROCESSING[options.preprocessing](data.train.images)
    learner = (_numpy if options.backend == "numpy" else _torch)(options, preprocess)
    return learner, verification(learner, folder) if options.verify_every else None


def _numpy(options: argparse.Namespace, preprocess: Any) -> NumpyLearner:
    package = Seeded(options.seed)
    norm = package.BatchNorm1d if options.batch_norm == "manual" else None
    network = gradlab.nn.Sequential(*mlp(package, options.hidden, batch_norm=norm, dropout=options.dropout))
    if options.weights == "report":
        report_weights(network, options.seed)
    kinds = {"sgd": gradlab.nn.SGD, "adam": gradlab.nn.Adam, "adadelta": gradlab.nn.Adadelta}
    optimizer = kinds[options.optimizer](network.parameters(), lr=options.lr)
    return NumpyLearner(network, optimizer, preprocess, (PIXELS,), seed=options.seed)


def _torch(options: argparse.Namespace, preprocess: Any) -> TorchLearner:
    import torch

    from demos.batch_norm import BATCH_NORM

    device = command.device_of(options)
    torch.manual_seed(options.seed)
    package = layers_of(options.layers)
    norm = BATCH_NORM.get(options.batch_norm)
    network = torch.nn.Sequential(*mlp(package, options.hidden, batch_norm=norm, dropout=options.dropout))
    if options.weights == "report":
        report_weights(network, options.seed)
    network.to(device)
    augment = None
    if options.augment:
        from demos.augmentation import flip_and_shift

        augment = flip_and_shift()
    rate = (lambda step: 0.5 + 0.5 * math.cos(math.pi * step / options.steps)) if options.schedule == "cosine" else None
    return TorchLearner(
        network,
        command.torch_optimizer(options, network.parameters()),
        preprocess,
        (PIXELS,),
        package.CrossEntropyLoss(),
        device=device,
        seed=options.seed,
        rate=rate,
        augment=augment,
    )


if __name__ == "__main__":
    sys.exit(main())
