"""Ordinary operations in plain NumPy, as a user would write them, each with a correct backward."""

from benchmarks.zoo.operations import (
    activations,
    convolution,
    elementwise,
    indexing,
    losses,
    norms,
    products,
    recurrent,
    reductions,
    rows,
)

__all__ = [
    "activations",
    "convolution",
    "elementwise",
    "indexing",
    "losses",
    "norms",
    "products",
    "recurrent",
    "reductions",
    "rows",
]
