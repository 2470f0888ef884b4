"""The interface of every oracle: it answers with a value and with how wrong that value may be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gradlab.adapters.subject import Array


@dataclass(slots=True)
class Estimate:
    """Answers to a list of questions, one entry each; NaN in `value` means "no opinion".

    `error` bounds the oracle's own error. `magnitude` is sum |grad_output_k J_kj|, the size of the terms that the
    gradient is summed from: what the rounding of a correct backward is proportional to. A miss below `blur` proves
    nothing; unlike `error` it does not widen what counts as verified.
    """

    value: Array
    error: Array
    magnitude: Array
    blur: Array

    def replace(self, at: Array, other: Estimate, chosen: Array) -> None:
        """Take over some entries of another estimate."""
        for name in ("value", "error", "magnitude", "blur"):
            getattr(self, name)[at] = getattr(other, name)[chosen]

    @classmethod
    def joined(cls, parts: Sequence[Estimate]) -> Estimate:
        """The answers to several lists of questions, one after the other."""
        names = ("value", "error", "magnitude", "blur")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @classmethod
    def silent(cls, count: int) -> Estimate:
        """No opinion on any of `count` questions."""
        nothing = np.full(count, np.nan)
        return cls(nothing.copy(), np.full(count, np.inf), nothing.copy(), np.zeros(count))


# Attempts agree where their values differ by no more than this many of their errors.
_CONSISTENT = 3.0


def preferred(
    value: Array | float, error: Array | float, level: Array | int, best: Array | float, least: Array | float, rank: Any
) -> Array:
    """Whether an attempt says more than the best one so far, which is at `best` with the error `least`.

    Two that contradict each other leave the benefit of the doubt: the one that is kinder to the answer counts. Of two
    that agree the sharper counts, or wide bars would acquit what narrow ones have found wrong.
    """
    with np.errstate(invalid="ignore"):
        agree = np.abs(value - best) <= _CONSISTENT * (error + least)
        sharper = np.less(error, least)
    return np.where(agree, sharper, np.greater(level, rank) | (np.equal(level, rank) & sharper))


# Told (value, error, magnitude, indices of the questions), says 2 where the answer is settled, 1 where it is covered by
# a large error bar only, 0 where another attempt may help.
Settled = Callable[[Array, Array, Array, Array], Array]


class Oracle(Protocol):
    """What `laws.value` asks for the true gradient."""

    @property
    def name(self) -> str:
        """As reports show it."""

    @property
    def independent(self) -> bool:
        """True where it differentiates something else than the forward under test."""

    def coordinates(self, argument: int, elements: Array, weights: Array, settled: Settled) -> Estimate:
        """The gradient of sum(weights * output) at flat positions `elements` of one argument."""

    def direction(self, tangents: Sequence[Any], weights: Array, settled: Settled) -> Estimate:
        """The inner product of that gradient with one tangent per argument (None: not moved), as a single entry."""
