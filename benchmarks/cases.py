"""Sizes and inputs of the benchmark: small (call overhead), typical, and large (memory-bound) for each operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.hand_written.rival import Array
from gradlab.operation import ELLIPSIS, Domain, Operation

DTYPES = ("float32", "float64")

Size = Mapping[str, tuple[int, ...]]

_ROWS: tuple[Size, ...] = ({"n": (64,), "d": (128,)}, {"n": (256,), "d": (512,)}, {"n": (2048,), "d": (1024,)})
_FEATURES: tuple[Size, ...] = (
    {"n": (64,), "c": (128,)},
    {"n": (256,), "c": (512,)},
    {"n": (1024,), "c": (64,)},
    {"n": (2048,), "c": (1024,)},
)
_IMAGES: tuple[Size, ...] = (
    {"n": (8,), "c": (16,), "h": (8,), "w": (8,)},
    {"n": (32,), "c": (64,), "h": (16,), "w": (16,)},
    {"n": (32,), "c": (64,), "h": (32,), "w": (32,)},
)

_LEADING: tuple[Size, ...] = (
    {ELLIPSIS: (64,), "d": (128,)},
    {ELLIPSIS: (8, 64), "d": (512,)},
    {ELLIPSIS: (2048,), "d": (1024,)},
)
_HEADS: tuple[Size, ...] = (
    {ELLIPSIS: (2, 4), "q": (32,), "k": (32,), "c": (16,), "v": (16,)},
    {ELLIPSIS: (4, 8), "q": (128,), "k": (128,), "c": (64,), "v": (64,)},
    {ELLIPSIS: (1, 8), "q": (512,), "k": (512,), "c": (64,), "v": (64,)},
)
_CHANNELS = ({"ci": 3, "co": 32, "h": 32}, {"ci": 32, "co": 64, "h": 16}, {"ci": 64, "co": 128, "h": 8})
_FILTERS: tuple[Size, ...] = tuple(
    {
        "n": (32,),
        "ci": (k["ci"],),
        "c": (k["ci"],),
        "h": (k["h"],),
        "w": (k["h"],),
        "co": (k["co"],),
        "a": (3,),
        "b": (3,),
    }
    for k in _CHANNELS
)

SIZES: Mapping[str, tuple[Size, ...]] = {
    "relu": ({ELLIPSIS: (64, 128)}, {ELLIPSIS: (256, 512)}, {ELLIPSIS: (32, 64, 16, 16)}, {ELLIPSIS: (2048, 1024)}),
    "linear": (
        {"n": (64,), "i": (128,), "o": (10,)},
        {"n": (256,), "i": (512,), "o": (128,)},
        {"n": (512,), "i": (784,), "o": (256,)},
    ),
    "softmax": (
        {ELLIPSIS: (64,), "d": (128,)},
        {ELLIPSIS: (256,), "d": (512,)},
        {ELLIPSIS: (128,), "d": (1000,)},
        {ELLIPSIS: (2048,), "d": (1024,)},
    ),
    "cross_entropy": _ROWS,
    "softmax_cross_entropy": _ROWS,
    "softmax_cross_entropy_labels": _ROWS,
    "batch_norm": _FEATURES,
    "batch_norm_eval": _FEATURES,
    "batch_norm_2d": _IMAGES,
    "batch_norm_2d_eval": _IMAGES,
    "instance_norm": _IMAGES,
    "group_norm": _IMAGES,
    "layer_norm": _LEADING,
    "rms_norm": _LEADING,
    "l2_normalize": _LEADING,
    "log_softmax": _LEADING,
    "logsumexp": _LEADING,
    "bias_add": _LEADING,
    "matmul": (
        {ELLIPSIS: (8,), "m": (32,), "i": (32,), "o": (32,)},
        {ELLIPSIS: (4, 8), "m": (128,), "i": (64,), "o": (128,)},
        {ELLIPSIS: (2,), "m": (512,), "i": (512,), "o": (512,)},
    ),
    "scaled_dot_product_attention": _HEADS,
    "scaled_dot_product_attention_bias": _HEADS,
    "scaled_dot_product_attention_mask": _HEADS,
    "conv1d": ({"n": (32,), "ci": (32,), "c": (32,), "w": (256,), "co": (32,), "a": (5,)},),
    "conv2d": _FILTERS,
    "avg_pool2d": _IMAGES,
    "global_avg_pool2d": _IMAGES,
    "adaptive_avg_pool2d": ({"n": (32,), "c": (64,), "h": (32,), "w": (32,), "o": (7,), "q": (7,)},),
}

PARAMETERS: Mapping[str, Mapping[str, float]] = {
    "conv2d": {"padding_h": 1, "padding_w": 1},
    "group_norm": {"num_groups": 8},
}
"""Parameters not at their defaults: 3 x 3 filters mostly keep the size of the image, and one group is no grouping."""


@dataclass(frozen=True, slots=True)
class Case:
    """One operation with inputs of one size and dtype."""

    operation: Operation
    size: str
    dtype: str
    inputs: tuple[Array, ...]

    @property
    def parameters(self) -> dict[str, float]:
        """Every keyword parameter, most of them at their defaults."""
        defaults = {parameter.name: parameter.default for parameter in self.operation.parameters}
        return {**defaults, **PARAMETERS.get(self.operation.name, {})}


def sizes(operation: Operation) -> tuple[Size, ...]:
    """The sizes to measure; an operation that is not in the table gets 64 or 128 entries along each dimension."""
    if operation.name in SIZES:
        return SIZES[operation.name]
    fallback: dict[str, tuple[int, ...]] = {dim: (64 << (k % 2),) for k, dim in enumerate(operation.signature.dims)}
    return (fallback | {ELLIPSIS: (64,)},)


def cases(operation: Operation, *, quick: bool, seed: int) -> Iterator[Case]:
    """Every size in every dtype, small ones first; only the smallest when quick."""
    for size in sizes(operation)[: 1 if quick else None]:
        label = "×".join(str(n) for entry in size.values() for n in entry)
        for dtype in DTYPES:
            generator = np.random.default_rng(seed)
            shapes = (tuple(_extents(shape, size)) for shape in operation.signature.inputs)
            inputs = tuple(
                draw(argument.domain, shape, np.dtype(dtype), size, generator)
                for argument, shape in zip(operation.arguments, shapes, strict=True)
            )
            yield Case(operation, label, dtype, inputs)


def _extents(shape: tuple[str, ...], size: Size) -> Iterator[int]:
    for dim in shape:
        yield from (int(dim),) if dim.isdigit() else size[dim]


def draw(
    domain: Domain, shape: tuple[int, ...], dtype: np.dtype[Any], size: Size, generator: np.random.Generator
) -> Array:
    """Random values of a domain: ordinary magnitudes, nothing that would make arithmetic slow or infinite."""
    match domain.kind:
        case "real":
            values = np.clip(generator.standard_normal(shape), domain.minimum, domain.maximum)
        case "positive" | "non_negative":
            values = np.clip(generator.uniform(0.1, 2.0, shape), domain.minimum, domain.maximum)
        case "simplex":
            values = generator.uniform(0.1, 1.0, shape)
            values /= values.sum(axis=-1, keepdims=True)
        case "one_hot":
            values = np.eye(shape[-1])[generator.integers(0, shape[-1], shape[:-1])]
        case "labels":
            return generator.integers(0, size[domain.below][0] if domain.below else 2, shape)
        case "mask":
            return generator.random(shape) < domain.probability
        case "signs":
            values = generator.choice([-1.0, 1.0], shape)
        case "integers":
            return generator.integers(int(domain.minimum), int(domain.maximum) + 1, shape)
    return values.astype(dtype)
