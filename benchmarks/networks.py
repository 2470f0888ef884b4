"""The networks of the training benchmark, in the layers of any package: gradlab.nn, gradlab.torch.nn or torch.nn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

CLASSES = 10
PIXELS = 3 * 32 * 32


@dataclass(frozen=True, slots=True)
class Network:
    """`build(package)` gives the layers in order; `shape` is that of one input, `batch` the usual number of them."""

    build: Callable[[Any], list[Any]]
    shape: tuple[int, ...]
    batch: int


def mlp(package: Any, *, batch_norm: bool = False) -> list[Any]:
    """Three hidden layers of 400, as the report's largest."""
    layers, features = [], PIXELS
    for width in (400, 400, 400):
        layers += [package.Linear(features, width)]
        layers += [package.BatchNorm1d(width)] if batch_norm else []
        layers += [package.ReLU()]
        features = width
    return [*layers, package.Linear(features, CLASSES)]


def cnn(package: Any) -> list[Any]:
    """The report's network: eight 3 x 3 convolutions with batch norm, five pools, no activation."""
    layers, channels = [], 3
    for widths in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for width in widths:
            layers += [package.Conv2d(channels, width, 3, padding=1), package.BatchNorm2d(width)]
            channels = width
        layers += [package.MaxPool2d(3, 2, 1)]
    return [*layers, package.Flatten(), package.Linear(channels, CLASSES)]


NETWORKS: Mapping[str, Network] = {
    "mlp": Network(mlp, (PIXELS,), 400),
    "mlp, batch norm": Network(lambda package: mlp(package, batch_norm=True), (PIXELS,), 400),
    "cnn": Network(cnn, (3, 32, 32), 32),
}
