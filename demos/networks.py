"""The networks of the demos, in the layers of any package: gradlab.nn, gradlab.torch.nn or torch.nn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

CLASSES = 10
PIXELS = 3 * 32 * 32


def mlp(
    package: Any,
    hidden: Sequence[int] = (400, 400, 400),
    *,
    batch_norm: Any = None,
    dropout: float = 0.0,
    features: int = PIXELS,
) -> list[Any]:
    """Linear layers with ReLU between them, for inputs (N, features); `batch_norm` is a layer's class, or None."""
    layers = []
    for width in hidden:
        layers += [package.Linear(features, width)]
        layers += [batch_norm(width)] if batch_norm else []
        layers += [package.ReLU()]
        layers += [package.Dropout(dropout)] if dropout else []
        features = width
    return [*layers, package.Linear(features, CLASSES)]


def report_cnn(package: Any) -> list[Any]:
    """The report's network: eight 3 x 3 convolutions with batch norm, five pools, no activation, for (N, 3, 32, 32)."""
    layers, channels = [], 3
    for widths in ((64,), (128,), (256, 256), (512, 512), (512, 512)):
        for width in widths:
            layers += [package.Conv2d(channels, width, 3, padding=1), package.BatchNorm2d(width)]
            channels = width
        layers += [package.MaxPool2d(3, 2, 1)]
    return [*layers, package.Flatten(), package.Linear(channels, CLASSES)]


def layers_of(name: str) -> Any:
    """The package of layers: "numpy" is gradlab.nn; "gradlab" gradlab.torch.nn, with torch's own where it has none."""
    if name == "numpy":
        import gradlab.nn

        return gradlab.nn
    import torch

    if name == "torch":
        return torch.nn
    import gradlab.torch.nn

    return _With(gradlab.torch.nn, torch.nn)


class _With:
    """The first package's names, and the second's where there is nothing to derive."""

    def __init__(self, first: Any, second: Any) -> None:
        self._packages = first, second

    def __getattr__(self, name: str) -> Any:
        return next(getattr(package, name) for package in self._packages if hasattr(package, name))


class Seeded:
    """gradlab.nn's layers with initial values drawn from one seeded generator, layer after layer."""

    def __init__(self, seed: int) -> None:
        self._generator = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        import gradlab.nn

        layer = getattr(gradlab.nn, name)
        return partial(layer, seed=self._generator) if name in {"Linear", "Conv2d", "Dropout"} else layer


def report_weights(network: Any, seed: int) -> None:
    """The report's initial values for its NumPy network: weights from N(0, 1e-4²), biases 0."""
    rng = np.random.default_rng(seed)
    for name, parameter in network.named_parameters():
        values = rng.normal(0, 1e-4, parameter.data.shape) if name.endswith("weight") else 0.0
        parameter.data[...] = values
