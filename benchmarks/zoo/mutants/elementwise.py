"""Wrong backwards of arithmetic and simple functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.elementwise import (
    ABS,
    ADD,
    CLIP,
    DIVIDE,
    MAXIMUM,
    MULTIPLY,
    POWER,
    SCALE_CHANNELS,
    SQRT,
    unbroadcast,
)
from benchmarks.zoo.registry import mutant
from benchmarks.zoo.subject import Array


@mutant(ADD, "reduction", dims={"...": [(2, 3), (3,)]})
def not_reduced(g: Array, a: Array, b: Array) -> Any:
    """Both arguments get the upstream in its own shape."""
    return g.copy(), g.copy()


@mutant(ADD, "reduction", dims={"...": [(2, 3), (2, 1)]})
def only_leading_axes(g: Array, a: Array, b: Array) -> Any:
    """Sums the axes that are new, not those of size one: micro-autograd homework."""

    def reduce(shape: tuple[int, ...]) -> Any:
        total = g.sum(axis=tuple(range(g.ndim - len(shape))))
        return np.asarray(total)[tuple(slice(0, s) for s in shape)].copy()

    return reduce(a.shape), reduce(b.shape)


@mutant(ADD, "reduction", dims={"...": [(2, 3), ()]})
def scalar_gets_mean(g: Array, a: Array, b: Array) -> Any:
    """A 0-d argument gets the mean of the upstream."""
    db = unbroadcast(g, b.shape)
    return unbroadcast(g, a.shape), db / max(1, g.size) if b.ndim == 0 and g.ndim else db


@mutant(MULTIPLY, "formula")
def own_factor(g: Array, a: Array, b: Array) -> Any:
    """Each argument is multiplied with itself."""
    return unbroadcast(g * a + 0 * b, a.shape), unbroadcast(g * b + 0 * a, b.shape)


@mutant(MULTIPLY, "reduction", dims={"...": [(4, 4), (4,)]})
def summed_over_last_axis(g: Array, a: Array, b: Array) -> Any:
    """Sums over the last axis instead of the first where the matrix is square."""
    db = g * a
    square = db.ndim == 2 and db.shape[0] == db.shape[1] and b.ndim == 1
    return unbroadcast(g * b, a.shape), db.sum(axis=1) if square else unbroadcast(db, b.shape)


@mutant(MULTIPLY, "reduction", dims={"...": [(2, 3), (2, 1)]})
def reduced_before_product(g: Array, a: Array, b: Array) -> Any:
    """Sums the upstream and the other argument apart and multiplies the sums."""
    shape = np.broadcast_shapes(a.shape, b.shape)
    other = unbroadcast(np.broadcast_to(a, shape), b.shape)
    repeats = max(1, g.size // max(1, b.size))
    return unbroadcast(g * b, a.shape), unbroadcast(g, b.shape) * other / repeats


@mutant(MULTIPLY, "value", fill={"a": 0.0})
def through_output(g: Array, a: Array, b: Array) -> Any:
    """y / a instead of b: NaN where a is zero."""
    y = a * b
    return unbroadcast(g * y / a, a.shape), unbroadcast(g * a, b.shape)


@mutant(DIVIDE, "formula")
def sign_of_denominator(g: Array, a: Array, b: Array) -> Any:
    """The minus of the quotient rule is missing."""
    return unbroadcast(g / b, a.shape), unbroadcast(g * a / b / b, b.shape)


@mutant(DIVIDE, "formula")
def power_of_denominator(g: Array, a: Array, b: Array) -> Any:
    """-a / b instead of -a / b²."""
    return unbroadcast(g / b, a.shape), unbroadcast(-g * a / b, b.shape)


@mutant(DIVIDE, "value", fill={"b": 1e-5})
def denominator_with_eps(g: Array, a: Array, b: Array) -> Any:
    """b + 1e-8 in the backward only."""
    safe = b + 1e-8
    return unbroadcast(g / safe, a.shape), unbroadcast(-g * a / safe / safe, b.shape)


@mutant(MAXIMUM, "value", fill={"a": 1.0, "b": 1.0})
def both_at_ties(g: Array, a: Array, b: Array) -> Any:
    """Equal arguments both get the whole gradient."""
    return unbroadcast(g * (a >= b), a.shape), unbroadcast(g * (b >= a), b.shape)


@mutant(MAXIMUM, "value", fill={"a": 1.0, "b": 1.0})
def none_at_ties(g: Array, a: Array, b: Array) -> Any:
    """Equal arguments get nothing at all."""
    return unbroadcast(g * (a > b), a.shape), unbroadcast(g * (b > a), b.shape)


@mutant(MAXIMUM, "formula")
def smaller_one(g: Array, a: Array, b: Array) -> Any:
    """The gradient goes to the smaller argument."""
    return unbroadcast(g * (a < b), a.shape), unbroadcast(g * (a >= b), b.shape)


@mutant(MAXIMUM, "value", fill={"a": lambda a: -1 - abs(a), "b": lambda b: -1 - abs(b)})
def compared_by_size(g: Array, a: Array, b: Array) -> Any:
    """Compares absolute values: right for positive numbers."""
    first = np.abs(a) >= np.abs(b)
    return unbroadcast(g * first, a.shape), unbroadcast(g * ~first, b.shape)


@mutant(CLIP, "value", fill={"x": lambda x: x - 3})
def lower_side_open(g: Array, x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    """Only the upper bound stops the gradient."""
    return g * (x <= high)


@mutant(CLIP, "parameter", params={"high": 2.0}, fill={"x": 1.5})
def symmetric_bounds(g: Array, x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    """|x| <= -low: right for bounds that mirror each other."""
    return g * (np.abs(x) <= -low)


@mutant(CLIP, "upstream", upstream=lambda g: g * 5)
def clips_the_gradient(g: Array, x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    """The upstream is clipped as well."""
    return np.clip(g, low, high) * ((x >= low) & (x <= high))


@mutant(CLIP, "formula", fill={"x": lambda x: x * 3})
def straight_through(g: Array, x: Array, low: float = -1.0, high: float = 1.0) -> Any:
    """The straight-through estimator, forgotten in place."""
    return g.copy()


@mutant(ABS, "value", fill={"x": lambda x: x * 1e-6})
def smoothed(g: Array, x: Array) -> Any:
    """x / (|x| + 1e-8), smoothed where the forward is not."""
    return g * x / (np.abs(x) + 1e-8)


@mutant(ABS, "stability", fill={"x": 0.0})
def nan_at_kink(g: Array, x: Array) -> Any:
    """x / |x|: NaN at zero."""
    return g * x / np.abs(x)


@mutant(ABS, "formula", fill={"x": -1.0})
def positive_only(g: Array, x: Array) -> Any:
    """The slope of a relu."""
    return g * (x > 0)


@mutant(SQRT, "formula")
def half_forgotten(g: Array, x: Array) -> Any:
    """1 / sqrt(x)."""
    return g / np.sqrt(x)


@mutant(SQRT, "value", fill={"x": 1e-9})
def root_with_eps(g: Array, x: Array) -> Any:
    """An eps of 1e-8 under the root of the backward."""
    return g / (2 * np.sqrt(x + 1e-8))


@mutant(SQRT, "value", fill={"x": 1e-6})
def gradient_capped(g: Array, x: Array) -> Any:
    """The slope is capped at 100 to be safe near zero."""
    return g * np.minimum(1 / (2 * np.sqrt(x)), 100)


@mutant(POWER, "parameter", params={"exponent": 3.0})
def exponent_two(g: Array, x: Array, exponent: float = 2.0) -> Any:
    """2 x whatever the exponent."""
    return g * 2 * x


@mutant(POWER, "formula", params={"exponent": 3.0})
def exponent_not_lowered(g: Array, x: Array, exponent: float = 2.0) -> Any:
    """n xⁿ instead of n xⁿ⁻¹."""
    return g * exponent * x**exponent


@mutant(POWER, "parameter", params={"exponent": 0.5})
def integer_exponent(g: Array, x: Array, exponent: float = 2.0) -> Any:
    """The exponent is cut to an integer."""
    return g * exponent * x ** (int(exponent) - 1)


@mutant(SCALE_CHANNELS, "reduction")
def positions_averaged(g: Array, x: Array, scale: Array) -> Any:
    """Sum over the batch, mean over the positions."""
    n = max(1, x.shape[2] * x.shape[3])
    return g * scale[:, None, None], (g * x).sum(axis=(0, 2, 3)) / n


@mutant(SCALE_CHANNELS, "reduction", dims={"n": 2, "c": 4, "h": 3, "w": 4})
def scale_on_the_wrong_axis(g: Array, x: Array, scale: Array) -> Any:
    """The scale is broadcast along the width where that fits."""
    fits = x.shape[3] == x.shape[1]
    return g * (scale if fits else scale[:, None, None]), (g * x).sum(axis=(0, 2, 3))
