"""How torch.nn fills new parameters: the same distributions, from a seeded NumPy generator."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from gradlab.nn.module import Array

Seed = int | np.random.Generator | None
"""A seed or a generator; None draws from the operating system."""


def uniform(shape: tuple[int, ...], bound: float, generator: np.random.Generator, dtype: DTypeLike) -> Array:
    """Entries from U(-bound, bound)."""
    return generator.uniform(-bound, bound, shape).astype(dtype)


def affine(weight: tuple[int, ...], bias: bool, seed: Seed, dtype: DTypeLike) -> dict[str, Array]:
    """Weight and bias of a linear or convolution layer: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for both, as torch's.

    >>> {name: array.shape for name, array in affine((4, 9), True, 0, "float32").items()}
    {'weight': (4, 9), 'bias': (4,)}
    """
    generator = np.random.default_rng(seed)
    fan_in = prod(weight[1:])
    bound = 1 / sqrt(fan_in) if fan_in else 0.0
    params = {"weight": uniform(weight, bound, generator, dtype)}
    if bias:
        params["bias"] = uniform(weight[:1], bound, generator, dtype)
    return params


def normal(shape: tuple[int, ...], seed: Seed, dtype: DTypeLike) -> Array:
    """Entries from N(0, 1), as torch fills an embedding."""
    array: np.ndarray[Any, Any] = np.random.default_rng(seed).standard_normal(shape)
    return array.astype(dtype)
