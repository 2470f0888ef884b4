"""Train a convolutional network on CIFAR-10: the report's, or a modern one.

python -m demos.cnn --preset report --data FOLDER
python -m demos.cnn --preset best --data FOLDER
torchrun --nproc-per-node 2 -m demos.cnn --preset best --data FOLDER
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from demos import command, distributed
from demos.augmentation import flip_and_shift
from demos.cifar10 import Cifar10
from demos.fast_cnn import fast_cnn, whiten
from demos.learners import Learner, TorchLearner
from demos.networks import layers_of, report_cnn
from demos.preprocessing import PREPROCESSING
from demos.run_folder import RunFolder
from demos.smoothing import SmoothedCrossEntropy
from demos.training import Verify
from demos.verification import verification

_WHITENING = 5000
"""Images whose patches say how to whiten."""

_COMMON = {"seed": 42, "layers": "gradlab"}
_PRESETS: dict[str, dict[str, Any]] = {
    "report": {
        "network": "report", "optimizer": "adam", "lr": 1e-4, "steps": 5000, "batch_size": 32, "eval_every": 500,
        "preprocessing": "mean-image", "augment": False, "schedule": "constant", "smoothing": 0.0,
        "precision": "float32", "channels_last": False, "compile": False,
    },
    "best": {
        "network": "fast", "optimizer": "sgd", "lr": 0.2, "steps": 4680, "batch_size": 256, "eval_every": 195,
        "preprocessing": "standardise", "augment": True, "schedule": "one-cycle", "smoothing": 0.1,
        "precision": "bfloat16", "channels_last": True, "compile": True,
    },
}  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m demos.cnn",
        description="Train a convolutional network on CIFAR-10 with gradlab's derived layers.",
    )
    found.add_argument("--preset", choices=("report", "best"), default="report", help="values of what is left out")
    command.add_options(found)
    found.add_argument("--network", choices=("report", "fast"), help="the report's, or one that learns fast")
    yes_no = argparse.BooleanOptionalAction
    found.add_argument("--augment", action=yes_no, default=None, help="random flips and shifts")
    found.add_argument("--schedule", choices=("constant", "one-cycle"), help="of the learning rate")
    found.add_argument(
        "--smoothing", metavar="P", type=_share, help="share of each label that is spread over all classes"
    )
    found.add_argument(
        "--precision", choices=("float32", "bfloat16"), help="of products of matrices; the rest is float32"
    )
    found.add_argument("--channels-last", action=yes_no, default=None, help="images as (N, H, W, C) in memory")
    found.add_argument("--compile", action=yes_no, default=None, help="let torch.compile fuse what it can")
    return found


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share from 0 to below 1")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    return command.main(run, parser(), arguments)


def run(options: argparse.Namespace) -> int:
    """Train as the options say."""
    command.fill(options, {**_COMMON, **_PRESETS[options.preset]})
    name = f"cnn-{options.network}-{options.layers}-{options.optimizer}"
    package = "gradlab.torch.nn" if options.layers == "gradlab" else "torch.nn"
    title = f"CNN ({options.network}), {options.optimizer} {options.lr:g}, {package}"
    shared: dict[str, Any] = {}
    if distributed.count() > 1:
        distributed.check(options.batch_size)
        shared = {"folder": distributed.SharedFolder, "part": distributed.share, "quiet": distributed.rank() > 0}
    with distributed.processes(command.device_of(options)):
        return command.run(options, title, name, lambda data, folder: build(options, data, folder), **shared)


def build(options: argparse.Namespace, data: Cifar10, folder: RunFolder) -> tuple[Learner, Verify | None]:
    """The learner, and what verifies its gradients if that is asked for."""
    learner = torch_learner(options, data)
    if distributed.count() == 1:
        return learner, verification(learner, folder) if options.verify_every else None
    seen = partial(distributed.SharedCopies, device=learner.device)
    verify = verification(learner, folder, seen=seen) if options.verify_every else None
    return distributed.SharedLearner(learner, learner.device), verify


def torch_learner(options: argparse.Namespace, data: Cifar10) -> TorchLearner:
    """The network, its optimiser, and how a batch is prepared and computed."""
    import torch

    device = command.device_of(options)
    torch.manual_seed(options.seed)
    package = layers_of(options.layers)
    preprocess = PREPROCESSING[options.preprocessing](data.train.images)
    network = torch.nn.Sequential(*(report_cnn if options.network == "report" else fast_cnn)(package))
    if options.network == "fast":
        images = torch.from_numpy(np.array(data.train.images[:_WHITENING]))
        whiten(network[0], preprocess.on("cpu")(images))
    network.to(device)
    if options.channels_last:
        network.to(memory_format=torch.channels_last)
    called = torch.compile(network) if options.compile else None
    if distributed.count() > 1:  # not compiled: the statistics that go round within a layer cannot be
        called = distributed.parallel(network)
    if options.precision == "bfloat16":  # what stays in float32 may as well use the fast units
        torch.set_float32_matmul_precision("high")
    loss = package.CrossEntropyLoss()
    settings = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4} if options.optimizer == "sgd" else {}
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    return TorchLearner(
        network,
        command.torch_optimizer(options, trained, **settings),
        preprocess,
        (3, 32, 32),
        SmoothedCrossEntropy(loss, options.smoothing) if options.smoothing else loss,
        device=device,
        seed=options.seed + distributed.rank(),
        rate=partial(one_cycle, steps=options.steps) if options.schedule == "one-cycle" else None,
        augment=flip_and_shift(2) if options.augment else None,
        autocast=torch.bfloat16 if options.precision == "bfloat16" else None,
        wrapped=called,
    )


def one_cycle(step: int, steps: int, warm_up: float = 0.2, first: float = 0.2) -> float:
    """The learning rate of a step beside the largest: up in a line from `first`, then down in a line to almost 0.

    >>> [round(one_cycle(step, steps=10), 2) for step in (0, 1, 2, 6, 9)]
    [0.2, 0.6, 1.0, 0.5, 0.12]
    """
    done = step / steps
    return first + (1 - first) * done / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


if __name__ == "__main__":
    sys.exit(main())
