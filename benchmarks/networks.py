"""The networks of the training benchmark, in the layers of any package: gradlab.nn, gradlab.torch.nn or torch.nn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from demos.networks import CLASSES, PIXELS, mlp, report_cnn

__all__ = ["CLASSES", "NETWORKS", "Network"]


@dataclass(frozen=True, slots=True)
class Network:
    """`build(package)` gives the layers in order; `shape` is that of one input, `batch` the usual number of them."""

    build: Callable[[Any], list[Any]]
    shape: tuple[int, ...]
    batch: int


NETWORKS: Mapping[str, Network] = {
    "mlp": Network(mlp, (PIXELS,), 400),
    "mlp, batch norm": Network(lambda package: mlp(package, batch_norm=package.BatchNorm1d), (PIXELS,), 400),
    "cnn": Network(report_cnn, (3, 32, 32), 32),
}
