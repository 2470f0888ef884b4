"""Draws that are made tens of times in each case: those of `Generator.choice`, digit for digit, in half of its time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from gradlab.adapters.subject import Array

Option = TypeVar("Option")


def one_of(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    """One of them, each with the same chance.

    >>> one_of(np.random.default_rng(0), ("normal", "short", "positive"))
    'positive'
    """
    return options[int(rng.integers(len(options)))]


def signs(rng: np.random.Generator, shape: int | tuple[int, ...]) -> Array:
    """1 or -1, each with the same chance.

    >>> signs(np.random.default_rng(0), 4)
    array([ 1.,  1.,  1., -1.])
    """
    return np.asarray(2.0 * rng.integers(0, 2, size=shape) - 1.0)
