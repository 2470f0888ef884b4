"""Slopes on both sides of a point: at a kink every answer between them is right, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.differences import Differences

_SHRINK = 8  # ratio of the two steps that the slopes are extrapolated from


@dataclass(frozen=True, slots=True)
class Sides:
    """Lowest and highest legitimate answer to one question, and whether slopes grow without bound (`singular`)."""

    low: float
    high: float
    singular: bool = False

    @property
    def kinked(self) -> bool:
        """True where the two sides differ."""
        return self.high > self.low

    def joined(self, other: Sides) -> Sides:
        """The hull of both."""
        return Sides(min(self.low, other.low), max(self.high, other.high), self.singular or other.singular)


def coordinate_sides(differences: Differences, argument: int, element: int, weights: Array) -> Sides:
    """Bracket of the gradient at one element, output by output: relu(x) - relu(-x) may take 0 twice at x = 0."""
    scale = differences.scales[argument]
    assert scale is not None
    return _sides(differences, lambda h: differences.along(argument, element, h), float(scale[element]), weights)


def flat(differences: Differences, argument: int, element: int, weights: Array) -> bool:
    """True where the output does not move at all around the point: the steps of round, sign and comparisons."""
    scale = differences.scales[argument]
    assert scale is not None
    # An absolute bound, since round(x) at 1e8 jumps half a unit away; wide enough to see through a hidden float32.
    step = differences.work(min(float(scale[element]), 1.0) * 2.0**-12)
    weighed = weights != 0
    return all(
        np.array_equal(differences.along(argument, element, h)[weighed], differences.output[weighed])
        for h in (step, -step)
    )


def direction_sides(differences: Differences, tangents: Sequence[Any], weights: Array) -> Sides:
    """Bracket of the inner product of the gradient with the tangents."""
    return _sides(differences, lambda h: differences.shifted(tangents, h), 1.0, weights)


def _sides(differences: Differences, move: Callable[[Any], Array], scale: float, weights: Array) -> Sides:
    base = differences.output
    large = differences.work(scale * 2.0 ** (-20 if differences.extended else -12))
    small = large / _SHRINK
    right = [(move(h) - base) / h for h in (large, small)]
    left = [(base - move(-h)) / h for h in (large, small)]
    blur = 30 * differences.noise / small
    # Slopes extrapolated to step zero: curvature alone opens no bracket.
    ends = [(_SHRINK * side[1] - side[0]) / (_SHRINK - 1) for side in (left, right)]
    kinked = np.abs(ends[1] - ends[0]) > 1e-6 * (np.abs(left[1]) + np.abs(right[1])) + blur
    # A square root at 0: the slope grows with every smaller step.
    singular = np.zeros_like(kinked)
    for side in (left, right):
        singular |= np.abs(side[1]) > 1.3 * np.abs(side[0]) + blur
    weighed = weights != 0
    if not np.isfinite(np.concatenate(ends)[np.tile(weighed, 2)]).all():
        return Sides(-np.inf, np.inf, True)
    middle = (ends[0] + ends[1]) / 2
    terms = [np.where(kinked, end, middle)[weighed] * weights[weighed] for end in ends]
    low, high = float(np.minimum(*terms).sum()), float(np.maximum(*terms).sum())
    # Where no output kinks the bracket is a point, whatever rounding says.
    return (
        Sides(low, high, bool(singular[weighed].any()))
        if kinked[weighed].any()
        else Sides(low, low, bool(singular[weighed].any()))
    )


_LIMIT_POINTS = 12


def limiting_sides(
    differences: Differences, argument: int, element: int, weights: Array, rng: np.random.Generator
) -> Sides:
    """Hull of the gradients at points around: what sort, median and max pooling may answer at ties.

    One coordinate's slopes do not span those answers: the median of three equal numbers does not move with any of them.
    """
    low, high = np.inf, -np.inf
    # Never relative to a large x: at 1e8 the points would lie so far away that a real bug is acquitted.
    exponent = (-22, -32) if differences.extended else (-12, -20)
    step = differences.work(2.0 ** exponent[1])
    for _ in range(_LIMIT_POINTS):
        moves = [
            None if scale is None else rng.uniform(-1, 1, size=x.shape) * np.minimum(scale, 1.0).reshape(x.shape)
            for x, scale in zip(differences.point, differences.scales, strict=True)
        ]
        tilt = differences.work(2.0 ** exponent[0])
        forward, backward = list(moves), list(moves)
        for target, sign in ((forward, 1), (backward, -1)):
            nudged = np.array(moves[argument], dtype=differences.work)
            nudged.reshape(-1)[element] += sign * step / tilt
            target[argument] = nudged
        slope = (differences.shifted(forward, tilt) - differences.shifted(backward, tilt)) / (2 * step)
        weighed = weights != 0
        value = float((slope[weighed] * weights[weighed]).sum())
        if not np.isfinite(value):
            return Sides(-np.inf, np.inf, True)
        low, high = min(low, value), max(high, value)
    return Sides(low, high)
