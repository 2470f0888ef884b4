"""Slopes on both sides of a point: at a kink every answer between them is right, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.differences import Differences

_SHRINK = 8  # ratio of the two steps that the slopes are extrapolated from


# A small number beside larger ones: the first step drowns in their rounding.
_STRETCHES = (1.0, 2.0**8, 2.0**14)

# A bend's bracket shrinks with the step at least; a kink's is the same but for rounding.
_NEARER, _STILL = 0.25, 0.1


@dataclass(frozen=True, slots=True)
class Sides:
    """Lowest and highest legitimate answer to one question, and whether slopes grow without bound (`singular`).

    `blurred`: no kink was seen, but rounding would have hidden one.
    """

    low: float
    high: float
    singular: bool = False
    blurred: bool = False

    @property
    def kinked(self) -> bool:
        """True where the two sides differ."""
        return self.high > self.low

    def joined(self, other: Sides) -> Sides:
        """The hull of both."""
        return Sides(min(self.low, other.low), max(self.high, other.high), self.singular or other.singular)


def coordinate_sides(
    differences: Differences, argument: int, element: int, weights: Array, stretch: float = 1.0
) -> Sides:
    """Bracket of the gradient at one element, output by output: relu(x) - relu(-x) may take 0 twice at x = 0."""
    scale = differences.scales[argument]
    assert scale is not None
    # Never far in absolute terms: 64 units away from 1e8 a deviation of 1 has bent like a kink.
    step = min(float(scale[element]), 1.0) * stretch
    return _clearest(differences, lambda h: differences.along(argument, element, h), step, weights)


def standing(differences: Differences, argument: int, element: int, weights: Array, sides: Sides) -> bool:
    """Whether smaller steps find the same bracket: that of a kink stands still, that of a bend closes."""
    nearer = coordinate_sides(differences, argument, element, weights, _NEARER)
    slack = _STILL * (sides.high - sides.low)
    return abs(nearer.low - sides.low) <= slack and abs(nearer.high - sides.high) <= slack


def flat(differences: Differences, argument: int, element: int, weights: Array) -> bool:
    """True where the output does not move at all around the point: the steps of round, sign and comparisons."""
    scale = differences.scales[argument]
    assert scale is not None
    # An absolute bound, since round(x) at 1e8 jumps half a unit away; wide enough to see through a hidden float32.
    step = min(float(scale[element]), 1.0) * 2.0**-12
    return _still(differences, lambda h: differences.along(argument, element, h), step, weights)


def flat_along(differences: Differences, tangents: Sequence[Array | None], weights: Array) -> bool:
    """The same for a joint move, whose largest step is as small."""
    largest = max(float(np.abs(v).max(initial=0.0)) for v in tangents if v is not None)
    step = min(largest, 1.0) / largest * 2.0**-12 if largest else 0.0
    return _still(differences, lambda h: differences.shifted(tangents, h), step, weights)


def _still(differences: Differences, move: Callable[[Any], Array], step: float, weights: Array) -> bool:
    weighed = weights != 0
    steps = differences.work(step), differences.work(-step)
    return all(np.array_equal(move(h)[weighed], differences.output[weighed]) for h in steps)


def direction_sides(differences: Differences, tangents: Sequence[Any], weights: Array) -> Sides:
    """Bracket of the inner product of the gradient with the tangents."""
    return _clearest(differences, lambda h: differences.shifted(tangents, h), 1.0, weights)


def _clearest(differences: Differences, move: Callable[[Any], Array], step: float, weights: Array) -> Sides:
    for stretch in _STRETCHES:
        sides = _sides(differences, move, step * stretch, weights)
        if sides.kinked or sides.singular or not sides.blurred:
            break
    return sides


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
    grows = bool(singular[weighed].any())
    if kinked[weighed].any():
        return Sides(low, high, grows)
    # Where no output kinks the bracket is a point, whatever rounding says.
    hidden = blur > 1e-2 * np.maximum(np.abs(left[1]), np.abs(right[1]))
    return Sides(low, low, grows, bool(hidden[weighed].any()))


# The smallest absolute step of the families in `steps`; a slope tells two values apart that differ by so many blurs.
_ABSOLUTE = {True: 2.0**-27, False: 2.0**-11}
_APART = 10.0


def lies_between(
    differences: Differences, argument: int, element: int, weights: Array, answer: float, value: float
) -> bool:
    """Whether `answer` lies between the slopes of every step up to the smallest one that tells it from `value`.

    Beside large numbers a tiny number's own steps drown in their rounding, while the absolute ones reach across a kink
    close by. The first step that does not drown may do so as well: then the slopes on its sides are all that is known.
    """
    scale = differences.scales[argument]
    assert scale is not None
    size, noise = np.abs(weights), np.where(weights != 0, differences.noise, 0.0)
    step = float(scale[element])
    while (step := 4 * step) < _ABSOLUTE[differences.extended]:
        h = differences.work(step)
        blur = float(noise @ size) / step
        ends = [differences.along(argument, element, sign * h) for sign in (1, -1)]
        moved = ends[0] - differences.output, differences.output - ends[1]
        slopes = [float((change / h) @ weights) for change in moved]
        if not min(slopes) - 3 * blur <= answer <= max(slopes) + 3 * blur:
            return False
        if _APART * blur <= abs(answer - value):
            return True
    return False


# An order of equal elements that nobody draws would be called wrong: three in four draws miss a given pair.
LIMIT_POINTS = 48

# Two forwards for each: an array of a million equal numbers must not take a million.
_MOST_POINTS = 512


def equals(points: Sequence[Array], argument: int, element: int) -> list[Array]:
    """Per argument a flat mask of the other numbers that this element ties with."""
    x = points[argument].reshape(-1)[element]
    masks = [
        np.abs(array.reshape(-1) - x) <= 1e-6 * abs(x) if array.dtype.kind == "f" else np.zeros(array.size, dtype=bool)
        for array in points
    ]
    masks[argument][element] = False
    return masks


def limiting_coordinate(
    differences: Differences, argument: int, element: int, weights: Array, rng: np.random.Generator
) -> Sides:
    """Hull of the gradients of one element at points around; see `limiting_sides`.

    Among its equals it takes every place in turn: of 65 zeros each is the median at one random point in 65.
    """
    tangent = np.zeros(differences.point[argument].shape)
    tangent.reshape(-1)[element] = 1.0
    tangents = [tangent if k == argument else None for k in range(len(differences.point))]
    scale = differences.scales[argument]
    assert scale is not None
    masks, reach = equals(differences.point, argument, element), min(float(scale[element]), 1.0)
    places = 1 + sum(int(mask.sum()) for mask in masks)
    points = min(max(LIMIT_POINTS, places), _MOST_POINTS)

    def arrange(point: int, moves: list[Array | None]) -> None:
        own = moves[argument]
        if places == 1 or own is None:
            return
        found = [np.zeros(mask.size) if m is None else m.reshape(-1) for m, mask in zip(moves, masks, strict=True)]
        others = np.sort(np.concatenate([move[mask] for move, mask in zip(found, masks, strict=True)]))
        edges = np.concatenate((others[:1] - reach, others, others[-1:] + reach))
        place = point * places // points
        found[argument][element] = (edges[place] + edges[place + 1]) / 2

    return limiting_sides(differences, tangents, weights, rng, points, arrange)


# A slope of 1 is still seen where rounding makes up so much of it.
_LOST = 1e-3


def _tangent_size(tangents: Sequence[Array | None], reaches: Sequence[Array | None]) -> float:
    """The largest entry of the tangents, each in units of how far its number is moved; absolute where that is None."""
    sizes = (
        float(np.abs(v if reach is None else v / reach).max(initial=0.0))
        for v, reach in zip(tangents, reaches, strict=True)
        if v is not None
    )
    return max(sizes, default=1.0) or 1.0


def limiting_sides(
    differences: Differences,
    tangents: Sequence[Array | None],
    weights: Array,
    rng: np.random.Generator,
    points: int = LIMIT_POINTS,
    arrange: Callable[[int, list[Array | None]], None] | None = None,
) -> Sides:
    """Hull of the slopes along tangents at points around, output by output: what sort and median may answer at ties.

    Slopes at the point itself do not span those answers: the median of three equal numbers does not move with any one.
    `arrange(number of the point, moves)` may edit the random moves that lead to a point.
    """
    weighed = np.flatnonzero(weights)
    low = np.full(weighed.size, np.inf)
    high = -low
    # Never relative to a large x: at 1e8 the points would lie so far away that a real bug is acquitted.
    tilt, step = (differences.work(2.0**k) for k in ((-22, -32) if differences.extended else (-12, -20)))
    reaches = [
        None if scale is None else np.minimum(scale, 1.0).reshape(x.shape)
        for x, scale in zip(differences.point, differences.scales, strict=True)
    ]
    size = _tangent_size(tangents, reaches)
    # Far below the points' own distances, or equal numbers would change places; unless it is lost in rounding then.
    if float(differences.noise[weighed].max(initial=0.0)) * size > _LOST * step:
        size = _tangent_size(tangents, [None] * len(reaches))
    for point in range(points):
        moves = [reach if reach is None else rng.uniform(-1, 1, size=reach.shape) * reach for reach in reaches]
        if arrange is not None:
            arrange(point, moves)
        ends = []
        for sign in (1, -1):
            nudged = [
                move if move is None or v is None else move + (sign * step / tilt / size) * v
                for move, v in zip(moves, tangents, strict=True)
            ]
            ends.append(differences.shifted(nudged, tilt))
        slope = ((ends[0] - ends[1]) / (2 * step / size))[weighed]
        low, high = np.fmin(low, slope), np.fmax(high, slope)
    terms = low * weights[weighed], high * weights[weighed]
    if not np.isfinite(terms).all():
        return Sides(-np.inf, np.inf, True)
    return Sides(float(np.minimum(*terms).sum()), float(np.maximum(*terms).sum()))
