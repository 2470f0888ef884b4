"""The table of layers: one row for each, from which the tests of NumPy's and torch's layers follow.

A layer of the same name is in gradlab.nn, gradlab.torch.nn and torch.nn, and takes the same arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

import gradlab.nn
from gradlab.nn.module import Module, Sequential


@dataclass(frozen=True)
class Row:
    """One layer with the arguments of its constructor and the shape of its input; `target` draws a second input."""

    layer: str
    arguments: tuple[Any, ...] = ()
    shape: tuple[int, ...] = (4, 5)
    keywords: Mapping[str, Any] = field(default_factory=dict)
    target: Any = None

    def __str__(self) -> str:
        settings = [*map(str, self.arguments), *(f"{name}={value}" for name, value in self.keywords.items())]
        target = "" if self.target is None else f" {self.target.__qualname__.partition('.')[0]}"
        return f"{self.layer}({', '.join(settings)}) {'x'.join(map(str, self.shape))}{target}"

    def build(self, module: Any, **keywords: Any) -> Any:
        """The layer of one of the three packages."""
        of_torch = issubclass(getattr(module, self.layer), torch.nn.Module)
        weights = {
            name: torch.tensor(value) if of_torch else value
            for name, value in self.keywords.items()
            if name in ("weight", "pos_weight")
        }
        return getattr(module, self.layer)(*self.arguments, **{**self.keywords, **weights}, **keywords)

    def inputs(self, dtype: str, seed: int = 0) -> list[Any]:
        """Input and target as arrays."""
        rng = np.random.default_rng(seed)
        first = rng.standard_normal(self.shape).astype(dtype)
        return [first] if self.target is None else [first, self.target(rng, dtype)]


def labels(below: int, *shape: int) -> Any:
    """Integer targets."""
    return lambda rng, dtype: rng.integers(0, below, shape)


def some_labels(below: int, *shape: int, ignored: int = -100) -> Any:
    """Integer targets, every third of which does not count."""

    def draw(rng: np.random.Generator, dtype: str) -> Any:
        values = rng.integers(0, below, shape)
        values.reshape(-1)[::3] = ignored
        return values

    return draw


def no_labels(*shape: int) -> Any:
    """Integer targets, none of which counts."""
    return lambda rng, dtype: np.full(shape, -100)


def numbers(*shape: int) -> Any:
    """Real targets."""
    return lambda rng, dtype: rng.standard_normal(shape).astype(dtype)


def probabilities(*shape: int) -> Any:
    """Targets that are positive and sum to 1."""

    def draw(rng: np.random.Generator, dtype: str) -> Any:
        values = rng.random(shape) + 0.1
        return (values / values.sum(axis=-1, keepdims=True)).astype(dtype)

    return draw


LISTED = (
    Row("Linear", (5, 3), (7, 5)),
    Row("Linear", (5, 3), (2, 3, 5)),
    Row("Linear", (5, 3), (5,)),
    Row("Linear", (5, 3, False), (7, 5)),
    Row("Linear", (5, 3), (0, 5)),
    Row("Flatten", (), (3, 4, 2, 5)),
    Row("Flatten", (2,), (3, 4, 2, 5)),
    Row("BatchNorm1d", (5,), (6, 5)),
    Row("BatchNorm1d", (5,), (6, 5, 3)),
    Row("BatchNorm1d", (5,), (6, 5), {"affine": False}),
    Row("BatchNorm1d", (5,), (6, 5), {"momentum": None, "eps": 1e-3}),
    Row("BatchNorm1d", (5,), (6, 5), {"track_running_stats": False}),
    Row("BatchNorm2d", (3,), (4, 3, 5, 2)),
    Row("Softmax", (), (4, 5), {"dim": -1}),
    Row("Softmax", (1,), (3, 4, 2)),
    Row("Conv1d", (3, 4, 2), (5, 3, 7), {"stride": 2, "padding": 1}),
    Row("Conv2d", (3, 4, 3), (2, 3, 6, 5), {"padding": 1}),
    Row("Conv2d", (3, 4, 2), (2, 3, 7, 5), {"stride": 2, "dilation": 2, "bias": False}),
    Row("Conv2d", (3, 4, (3, 2)), (3, 6, 5)),
    Row("Conv2d", (4, 6, 3), (2, 4, 6, 5), {"groups": 2}),
    Row("Conv2d", (3, 4, (3, 2)), (2, 3, 6, 7), {"stride": (2, 1), "padding": (0, 2), "dilation": (1, 2)}),
    Row("Conv2d", (3, 4, (3, 5)), (2, 3, 6, 7), {"padding": "same", "dilation": 2}),
    Row("Conv1d", (3, 4, 3), (2, 3, 7), {"padding": "valid"}),
    Row("AvgPool2d", (2,), (2, 3, 6, 5)),
    Row("AvgPool2d", ((2, 3), (1, 2), (1, 0)), (2, 3, 6, 7)),
    Row("AvgPool2d", ((3, 2), (2, 3), 1), (2, 3, 7, 7), {"ceil_mode": True}),
    Row("AvgPool2d", (3, 2, 1), (3, 6, 7), {"ceil_mode": True, "count_include_pad": False}),
    Row("AvgPool2d", (3, (2, 1), 1), (2, 3, 6, 5), {"divisor_override": 5}),
    Row("AvgPool2d", (3, 2, 1), (2, 3, 6, 5)),
    Row("MaxPool2d", (2,), (2, 3, 6, 5)),
    Row("MaxPool2d", (3, 2, 1), (3, 6, 5)),
    Row("MaxPool2d", (2,), (2, 3, 6, 7), {"stride": 1, "dilation": 2}),
    Row("MaxPool2d", ((2, 3), (2, 1), (1, 0), (2, 1)), (2, 3, 6, 7)),
    Row("MaxPool2d", ((3, 2), (2, 3), 1), (2, 3, 7, 7), {"ceil_mode": True}),
    Row("MaxPool2d", (2, 3, 1), (2, 3, 3, 4), {"ceil_mode": True}),
    Row("AdaptiveAvgPool2d", (1,), (2, 3, 6, 5)),
    Row("AdaptiveAvgPool2d", ((4, 3),), (2, 3, 6, 5)),
    Row("AdaptiveAvgPool2d", ((None, 3),), (3, 5, 6)),
    Row("AdaptiveAvgPool2d", ((7, 2),), (2, 3, 5, 6)),
    Row("AdaptiveAvgPool2d", (2,), (2, 3, 6, 6)),
    Row("GroupNorm", (2, 6), (3, 6, 4, 5)),
    Row("GroupNorm", (3, 6), (3, 6, 4, 5), {"affine": False, "eps": 1e-3}),
    Row("GroupNorm", (2, 8), (3, 8)),
    Row("GroupNorm", (2, 8), (3, 8, 5)),
    Row("InstanceNorm2d", (3,), (2, 3, 4, 5)),
    Row("InstanceNorm2d", (3,), (2, 3, 4, 5), {"affine": True}),
    Row("LogSoftmax", (), (2, 4, 5), {"dim": -1}),
    Row("LeakyReLU", (0.3,), (2, 3)),
    Row("LeakyReLU", (), (2, 3)),
    Row("ELU", (1.5,), (2, 3, 4)),
    Row("Softplus", (2.0,)),
    Row("Hardtanh", (-0.5, 0.7)),
    Row("GELU", (), keywords={"approximate": "tanh"}),
    Row("GELU"),
    Row("Dropout", (0.0,)),
    Row("LayerNorm", (5,), (4, 5)),
    Row("LayerNorm", ((3, 5),), (2, 4, 3, 5), {"eps": 1e-3}),
    Row("LayerNorm", (5,), (4, 5), {"elementwise_affine": False}),
    Row("LayerNorm", (5,), (4, 5), {"bias": False}),
    Row("RMSNorm", (5,), (4, 5), {"eps": 1e-4}),
    Row("RMSNorm", ((3, 5),), (4, 3, 5)),
    Row("RMSNorm", (5,), (4, 5), {"elementwise_affine": False}),
    Row("CrossEntropyLoss", (), (6, 5), target=labels(5, 6)),
    Row("CrossEntropyLoss", (), (6, 5), target=probabilities(6, 5)),
    Row("CrossEntropyLoss", (), (5,), target=labels(5)),
    Row("CrossEntropyLoss", (), (5,), target=probabilities(5)),
    Row("CrossEntropyLoss", (), (2, 5, 3), target=labels(5, 2, 3)),
    Row("CrossEntropyLoss", (), (2, 5, 3, 2), {"reduction": "none"}, target=some_labels(5, 2, 3, 2)),
    Row("CrossEntropyLoss", (), (2, 5, 3), {"reduction": "sum"}, target=numbers(2, 5, 3)),
    Row("CrossEntropyLoss", (), (6, 5), target=numbers(6, 5)),
    Row("CrossEntropyLoss", (), (6, 5), target=some_labels(5, 6)),
    Row("CrossEntropyLoss", (), (6, 5), target=no_labels(6)),
    Row("CrossEntropyLoss", (), (6, 5), {"label_smoothing": 0.3}, target=no_labels(6)),
    *(
        Row("CrossEntropyLoss", (), (6, 5), {"reduction": reduction, **keywords}, target=target)
        for reduction in ("mean", "sum", "none")
        for keywords in ({}, {"label_smoothing": 0.3})
        for target in (some_labels(5, 6), probabilities(6, 5))
    ),
    *(
        Row(
            "CrossEntropyLoss",
            (),
            (6, 3),
            {"reduction": reduction, "weight": [0.5, 2.0, 1.5], **keywords},
            target=target,
        )
        for reduction in ("mean", "sum", "none")
        for keywords in ({}, {"label_smoothing": 0.3})
        for target in (some_labels(3, 6), probabilities(6, 3))
    ),
    Row("CrossEntropyLoss", (), (6, 3), {"weight": [0.5, 2.0, 1.5]}, target=no_labels(6)),
    *(
        Row("NLLLoss", (), (6, 3), {"reduction": reduction, "weight": [0.5, 2.0, 1.5]}, target=some_labels(3, 6))
        for reduction in ("mean", "sum", "none")
    ),
    *(
        Row("BCEWithLogitsLoss", (), (2, 3), {"reduction": reduction, **keywords}, target=numbers(2, 3))
        for reduction in ("mean", "sum", "none")
        for keywords in ({"weight": [[0.5], [2.0]]}, {"pos_weight": [0.5, 2.0, 1.5]})
    ),
    Row("CrossEntropyLoss", (), (6, 5), {"ignore_index": 2}, target=some_labels(5, 6, ignored=2)),
    Row("NLLLoss", (), (6, 5), target=labels(5, 6)),
    Row("NLLLoss", (), (5,), target=labels(5)),
    Row("NLLLoss", (), (6, 5), target=no_labels(6)),
    Row("NLLLoss", (), (6, 5), {"ignore_index": 4, "reduction": "sum"}, target=some_labels(5, 6, ignored=4)),
    Row("NLLLoss", (), (2, 5, 3), {"reduction": "none"}, target=some_labels(5, 2, 3)),
    *(
        Row(layer, (), (2, 3, 4), {"reduction": reduction}, target=numbers(2, 3, 4))
        for layer in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "BCEWithLogitsLoss")
        for reduction in ("mean", "sum", "none")
    ),
    Row("MSELoss", (), (), {"reduction": "sum"}, target=numbers()),
    Row("SmoothL1Loss", (), (3,), {"beta": 0.5}, target=numbers(3)),
    Row("SmoothL1Loss", (), (3,), {"beta": 0.0, "reduction": "sum"}, target=numbers(3)),
    Row("HuberLoss", (), (2, 3, 4), {"delta": 0.7}, target=numbers(2, 3, 4)),
    Row("BCEWithLogitsLoss", target=lambda rng, dtype: rng.random((4, 5)).astype(dtype)),
)

# The embedding takes integers, attention three inputs; they have tests of their own.
_ABSTRACT = (Module, Sequential, gradlab.nn.Embedding, gradlab.nn.MultiheadAttention)


def rows() -> list[Row]:
    """All rows; a layer of gradlab.nn that is not listed is built without arguments and given 4 x 5 numbers."""
    known = {row.layer for row in LISTED}
    found = [getattr(gradlab.nn, name) for name in gradlab.nn.__all__]
    layers = [kind for kind in found if isinstance(kind, type) and issubclass(kind, Module) and kind not in _ABSTRACT]
    return [*LISTED, *(Row(kind.__name__) for kind in layers if kind.__name__ not in known)]


TOLERANCE = {"float64": 1e-11, "float32": 2e-5}
