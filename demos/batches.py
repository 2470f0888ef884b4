"""Shuffled epochs, cut into consecutive batches; a pure function of the step, so a run resumes without any state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Batches:
    """Which of `count` examples stand in the batch of a step. What is left at the end of an epoch is not used.

    Raises ValueError where one batch is larger than the data.

    >>> batches = Batches(count=6, batch_size=2, seed=1)
    >>> sorted(int(i) for step in range(3) for i in batches.indices(step))
    [0, 1, 2, 3, 4, 5]
    """

    count: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.batch_size <= self.count:
            raise ValueError(f"batch_size={self.batch_size} of {self.count} examples; give 1 to {self.count}")

    @property
    def per_epoch(self) -> int:
        """Batches in an epoch."""
        return self.count // self.batch_size

    def indices(self, step: int) -> NDArray[Any]:
        """The examples of a step, which counts from 0."""
        epoch, position = divmod(step, self.per_epoch)
        order = _shuffled(self.count, self.seed, epoch)
        return order[position * self.batch_size : (position + 1) * self.batch_size]


@lru_cache(maxsize=4)
def _shuffled(count: int, seed: int, epoch: int) -> NDArray[Any]:
    return np.random.default_rng([seed, epoch]).permutation(count)
