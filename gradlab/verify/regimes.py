"""Values of inputs: each regime is a kind of number that some real bug shows up on.

A study of 78 value bugs ranked the regimes: any one finds three quarters; zeros, wide and shifted ones find the rest.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import Domain
from gradlab.verify.draws import one_of, signs

Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


def _scaled(scale: float, shift: float = 0.0) -> Draw:
    return lambda rng, shape: shift + scale * rng.normal(size=shape)


def _wide(decades: float) -> Draw:
    return lambda rng, shape: signs(rng, shape) * 10 ** rng.uniform(-decades, decades, size=shape)


def _zeros(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(np.where(rng.random(shape) < 0.4, 0.0, rng.normal(size=shape)))


def _zero_row(rng: np.random.Generator, shape: Shape) -> Array:
    values = np.asarray(rng.normal(size=shape))
    if values.ndim and values.size:
        values[rng.integers(shape[0])] = 0
    return values


def _constant(rng: np.random.Generator, shape: Shape) -> Array:
    # The same number everywhere, or along one axis: a variance of exactly zero, rows that tie.
    core = list(shape)
    for axis in range(len(core)):
        if rng.random() < 0.6:
            core[axis] = min(core[axis], 1)
    return np.array(np.broadcast_to(np.round(rng.normal(size=core) * 4) / 4, shape))


def _outlier(rng: np.random.Generator, shape: Shape) -> Array:
    values = np.asarray(rng.normal(size=shape))
    if values.size:
        values.flat[rng.integers(values.size)] *= 1e3
    return values


def _saturated(rng: np.random.Generator, shape: Shape) -> Array:
    # exp(-x) is lost beside 1 from 37 on, and from 44 on in extended precision too, which then knows no better.
    highest = one_of(rng, (50.0, 700.0))
    return np.asarray(signs(rng, shape) * rng.uniform(15, highest, size=shape))


def _near_kink(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.choice((-1e-3, -1e-5, 0.0, 1e-5, 1e-3, 0.5, -0.5), size=shape))


REGIMES: dict[str, Draw] = {
    "normal": _scaled(1.0),
    "short": lambda rng, shape: np.asarray(rng.integers(-12, 13, size=shape) / 4),
    "zeros": _zeros,
    "wide8": _wide(8),
    "shift4": _scaled(1.0, 1e4),
    "ints": lambda rng, shape: np.asarray(rng.integers(-3, 4, size=shape).astype(float)),
    "mid": _scaled(6.0),
    "saturated": _saturated,
    "zero row": _zero_row,
    "wide3": _wide(3),
    "constant": _constant,
    "outlier": _outlier,
    "tiny": _scaled(1e-6),
    "shift8": _scaled(1.0, 1e8),
    "near kink": _near_kink,
    "positive": lambda rng, shape: np.asarray(np.abs(rng.normal(size=shape)) + 0.01),
    "large": _scaled(1e3),
    "ties": lambda rng, shape: np.asarray(rng.choice((-1.5, 0.25, 2.0), size=shape)),
    "larger": _scaled(1e5),
    "negative": lambda rng, shape: np.asarray(-np.abs(rng.normal(size=shape)) - 0.01),
}

MILD = ("normal", "short", "positive")

# Where numbers are equal to each other or to zero.
EQUAL = ("zeros", "ints", "zero row", "constant", "near kink", "ties")


def draw(domain: Domain, regime: str, shape: Shape, sizes: dict[str, int], rng: np.random.Generator) -> Array:
    """An array of the domain in the given regime: float64, or int64 for labels and integers, bool for masks."""
    if domain.kind == "labels":
        assert domain.below is not None
        return _labels(shape, max(sizes[domain.below], 1), rng)
    if domain.kind == "integers":
        return np.asarray(rng.integers(int(domain.minimum), int(domain.maximum) + 1, size=shape))
    if domain.kind == "mask":
        return np.asarray(rng.random(shape) < domain.probability)
    if domain.kind == "signs":
        return np.asarray(signs(rng, shape))
    if domain.kind == "one_hot":
        return _one_hot(shape, rng)
    values = np.asarray(REGIMES[regime](rng, shape))
    if domain.kind == "simplex":
        return _simplex(values, domain.zeros, rng)
    return _inside(values, domain, rng)


def _labels(shape: Shape, count: int, rng: np.random.Generator) -> Array:
    """Any, none twice, all the same, or the first and the last alone: an index in one byte ends at 127."""
    values = rng.integers(0, count, size=shape)
    kind = one_of(rng, ("any", "any", "distinct", "same", "ends"))
    if kind == "distinct":
        values = np.resize(rng.permutation(count), shape) if values.size else values
    elif kind == "same":
        values = np.full(shape, rng.integers(0, count))
    elif kind == "ends":
        values = rng.integers(0, 2, size=shape) * (count - 1)
    return np.asarray(values)


def _one_hot(shape: Shape, rng: np.random.Generator) -> Array:
    values = np.zeros(shape)
    if values.size:
        np.put_along_axis(values, rng.integers(0, shape[-1], size=(*shape[:-1], 1)), 1.0, axis=-1)
    return values


def _simplex(values: Array, zeros: bool, rng: np.random.Generator) -> Array:
    if not values.size:
        return values
    # exp of the regime's numbers gives equal, peaked and wide rows alike; 60 keeps 1/p within float32's range.
    weights = np.exp(np.maximum(values - values.max(axis=-1, keepdims=True), -60.0))
    if zeros:
        hidden = rng.random(values.shape) < one_of(rng, (0.0, 0.3, 1.0))
        hidden &= values < values.max(axis=-1, keepdims=True)
        weights[hidden] = 0
    return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def _inside(values: Array, domain: Domain, rng: np.random.Generator) -> Array:
    low, high = domain.minimum, domain.maximum
    if domain.kind == "positive":
        # 1e-30 is a normal number in float32 and its reciprocal is finite there.
        return np.asarray(np.maximum(np.abs(np.where(values == 0, 0.5, values)), 1e-30))
    if domain.kind == "non_negative":
        return np.asarray(np.abs(values))
    if not domain.bounded:
        return values
    outside = (values < low) | (values > high)
    if not outside.any():
        return values
    if math.isfinite(low) and math.isfinite(high):
        inner = low + (high - low) * rng.random(values.shape)
    elif math.isfinite(low):
        inner = low + np.abs(values - low)
    else:
        inner = high - np.abs(values - high)
    return np.asarray(np.where(outside, inner, values))


def cast(values: Array, domain: Domain, dtype: str) -> Array:
    """The values in the case's dtype, still inside the domain after rounding; integers and masks stay as they are."""
    if values.dtype.kind != "f":
        return values
    rounded = values.astype(dtype)
    if domain.bounded and domain.kind in ("real", "non_negative", "positive"):
        # Rounding to float32 can step over a bound that float64 kept.
        low, high = rounded.dtype.type(domain.minimum), rounded.dtype.type(domain.maximum)
        low = np.nextafter(low, rounded.dtype.type(np.inf)) if float(low) < domain.minimum else low
        high = np.nextafter(high, rounded.dtype.type(-np.inf)) if float(high) > domain.maximum else high
        rounded = np.asarray(np.clip(rounded, low, high))
    return rounded
