"""Kinks and jumps, with a legal convention at each."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.registry import hard
from benchmarks.zoo.subject import Array
from gradlab.operation import real

_SAME = "(...)->(...)"


def _hard_swish(x: Array) -> Any:
    return x * np.clip(x + 3, 0, 6) / 6


def _hard_swish_backward(g: Array, x: Array) -> Any:
    return g * np.where(x <= -3, 0, np.where(x >= 3, 1, (2 * x + 3) / 6))


def _soft_shrink(x: Array, width: float = 0.5) -> Any:
    return np.sign(x) * np.maximum(np.abs(x) - width, 0)


def _spline(x: Array) -> Any:
    return np.where(np.abs(x) < 1, x * x / 2, np.abs(x) - 0.5)


def _triangle(x: Array) -> Any:
    return np.abs(x - np.round(x))


def _length(x: Array) -> Any:
    return np.hypot.reduce(x, axis=-1)


def _length_backward(g: Array, x: Array) -> Any:
    length = np.hypot.reduce(x, axis=-1)
    return (g / np.where(length == 0, 1, length))[:, None] * x


def _variation(x: Array) -> Any:
    return np.abs(np.diff(x, axis=1)).sum(axis=1)


def _variation_backward(g: Array, x: Array) -> Any:
    s = g[:, None] * np.sign(np.diff(x, axis=1))
    d = np.zeros_like(x)
    d[:, 1:] += s
    d[:, :-1] -= s
    return d


def _interpolate(x: Array, knots: Array) -> Any:
    place = np.clip(np.floor(x), 0, knots.shape[0] - 2).astype(int)
    share = x - place.astype(x.dtype)
    return knots[place] * (1 - share) + knots[place + 1] * share


def _interpolate_backward(g: Array, x: Array, knots: Array) -> Any:
    place = np.clip(np.floor(x), 0, knots.shape[0] - 2).astype(int)
    share = x - place.astype(x.dtype)
    d = np.zeros_like(knots)
    np.add.at(d, place, g * (1 - share))
    np.add.at(d, place + 1, g * share)
    return g * (knots[place + 1] - knots[place]), d


hard(
    name="relu_half_at_zero",
    forward=lambda x: np.maximum(x, 0),
    backward=lambda g, x: g * np.where(x > 0, 1, np.where(x == 0, 0.5, 0)).astype(x.dtype),
    signature=_SAME,
    story="The middle of the bracket at the kink.",
)
hard(
    name="relu_one_at_zero",
    forward=lambda x: np.maximum(x, 0),
    backward=lambda g, x: g * (x >= 0),
    signature=_SAME,
    story="The right slope at the kink.",
)
hard(
    name="abs_one_at_zero",
    forward=lambda x: np.abs(x),
    backward=lambda g, x: np.where(x >= 0, g, -g),
    signature=_SAME,
    story="The right slope of |x| at zero.",
)
hard(
    name="clip_open_bounds",
    forward=lambda x: np.clip(x, -1, 1),
    backward=lambda g, x: g * ((x > -1) & (x < 1)),
    signature=_SAME,
    story="Zero at both bounds, where torch has one.",
)
hard(
    name="leaky_relu_mean_at_zero",
    forward=lambda x: np.where(x > 0, x, 0.1 * x),
    backward=lambda g, x: np.where(x > 0, g, np.where(x < 0, 0.1 * g, 0.55 * g)),
    signature=_SAME,
    story="The mean of both slopes at zero.",
)
hard(
    name="hard_swish",
    forward=_hard_swish,
    backward=_hard_swish_backward,
    signature=_SAME,
    story="Piecewise with kinks at -3 and 3; the slopes at the kinks are those of the outer pieces.",
)
hard(
    name="soft_shrink",
    forward=_soft_shrink,
    backward=lambda g, x, width=0.5: g * (np.abs(x) > width),
    signature=_SAME,
    params={"width": (0.5, 0.0)},
    story="A kink at the width. Zero is outside the domain: with a width of zero the slope there is one.",
    domains={"x": real(0.1, 4)},
)
hard(
    name="smooth_joint",
    forward=_spline,
    backward=lambda g, x: g * np.clip(x, -1, 1),
    signature=_SAME,
    story="Pieces that join with equal slopes: only the second derivative jumps.",
)
hard(
    name="squared_hinge",
    forward=lambda x: np.maximum(0, 1 - x) ** 2,
    backward=lambda g, x: -2 * g * np.maximum(0, 1 - x),
    signature=_SAME,
    story="The second derivative jumps at one.",
)
hard(
    name="triangle_wave",
    forward=_triangle,
    backward=lambda g, x: g * np.sign(x - np.round(x)),
    signature=_SAME,
    domains={"x": real(-100, 100)},
    story="A kink at every half and every integer.",
)
hard(
    name="sawtooth",
    forward=lambda x: x - np.floor(x),
    backward=lambda g, x: np.array(g),
    signature=_SAME,
    domains={"x": real(-100, 100)},
    story="Jumps at integers, slope one elsewhere.",
)
hard(
    name="step",
    forward=lambda x: np.sign(x),
    backward=lambda g, x: np.zeros_like(x),
    signature=_SAME,
    story="Flat on both sides of a jump.",
)
hard(
    name="quantise",
    forward=lambda x: np.round(4 * x) / 4,
    backward=lambda g, x: np.zeros_like(x),
    signature=_SAME,
    domains={"x": real(-100, 100)},
    story="A staircase: the gradient is zero, not the straight-through estimate.",
)
hard(
    name="euclidean_length",
    forward=_length,
    backward=_length_backward,
    signature="(n,d)->(n)",
    story="No eps; the gradient of a zero row is taken as zero, inside the ball of subgradients.",
)
hard(
    name="manhattan_length",
    forward=lambda x: np.abs(x).sum(axis=-1),
    backward=lambda g, x: g[:, None] * np.sign(x),
    signature="(n,d)->(n)",
    story="A kink in every coordinate.",
)
hard(
    name="total_variation",
    forward=_variation,
    backward=_variation_backward,
    signature="(n,d)->(n)",
    story="Kinks where neighbours are equal.",
)
hard(
    name="interpolation",
    forward=_interpolate,
    backward=_interpolate_backward,
    signature="(n),(k)->(n)",
    names=("x", "knots"),
    domains={"x": real(-1, 5)},
    dims={"k": (2, None)},
    story="Linear between knots, so a kink at every knot; extrapolates outside.",
)
hard(
    name="piecewise_selection",
    forward=lambda x: np.where(x < -1, -x, np.where(x < 1, x * x, np.where(x < 2, x, 2 * x - 2))),
    backward=lambda g, x: g * np.where(x < -1, -1, np.where(x < 1, 2 * x, np.where(x < 2, 1, 2))).astype(x.dtype),
    signature=_SAME,
    story="Four pieces; continuous, with a kink at every joint.",
)
hard(
    name="floored_logarithm",
    forward=lambda x: np.log(np.maximum(x, 1e-3)),
    backward=lambda g, x: np.where(x > 1e-3, g / np.maximum(x, 1e-3), 0),
    signature=_SAME,
    story="Zero gradient below the floor, in the forward as in the backward.",
)
