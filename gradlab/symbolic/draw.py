"""Random values of a domain, exact and hence the same in every ring."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.operation import Domain
from gradlab.symbolic.rings import Array, PrimeField, Ring, objects

_WHOLE = 9  # the field keeps the law of exp, and signs, for small whole numbers
_REAL = 3  # so that exponentials stay comparable
_FEW = 6
_STEPS = 2**20


def draw(domain: Domain, shape: tuple[int, ...], ring: Ring, sizes: Mapping[str, int], rng: random.Random) -> Any:
    """An array of the domain; `sizes` holds the size of each axis by name, for labels."""
    low, high = domain.minimum, domain.maximum
    match domain.kind:
        case "labels":
            return np.array(_integers(0, sizes[domain.below or ""] - 1, shape, rng), dtype=np.intp).reshape(shape)
        case "integers" | "mask":
            return _exact(_integers(low, high, shape, rng), shape, ring)
        case "signs":
            return _exact([rng.choice((-1, 1)) for _ in range(math.prod(shape))], shape, ring)
        case "one_hot":
            rows = [rng.randrange(shape[-1]) for _ in range(math.prod(shape[:-1]))]
            return _exact([int(k == row) for row in rows for k in range(shape[-1])], shape, ring)
        case "simplex":
            weights = _exact(_integers(1, _WHOLE, shape, rng), shape, ring)
            total = np.asarray(ring.sum(weights, (len(shape) - 1,)), dtype=object)[..., None]
            return ring.multiply(weights, ring.power(total, Fraction(-1)))
        case _:
            return _exact(_reals(domain, shape, ring, rng), shape, ring)


def numbers(shape: tuple[int, ...], ring: Ring, rng: random.Random) -> Array:
    """Numbers other than 0 for what an expression is linear in: upstream gradients, tangents, directions."""
    return _exact(
        [Fraction(rng.choice((-1, 1)) * rng.randint(1, _STEPS), _STEPS) for _ in range(math.prod(shape))], shape, ring
    )


def _integers(low: float, high: float, shape: tuple[int, ...], rng: random.Random) -> list[int]:
    return [rng.randint(math.ceil(low), math.floor(high)) for _ in range(math.prod(shape))]


def _reals(domain: Domain, shape: tuple[int, ...], ring: Ring, rng: random.Random) -> list[Fraction]:
    whole = isinstance(ring, PrimeField)
    low, high = _interval(domain, _WHOLE if whole else _REAL)
    # Whole numbers where there are several; else, and among the reals, a fine grid.
    steps = int(high - low) if whole and high - low >= _FEW else _STEPS
    # Positive means not 0; and a root or a logarithm near 0 would cost digits.
    first = math.ceil(Fraction(steps, 32)) if domain.kind == "positive" else 0
    grid = (rng.randint(first, steps) for _ in range(math.prod(shape)))
    return [low + (high - low) * Fraction(k, steps) for k in grid]


def _interval(domain: Domain, reach: int) -> tuple[Fraction, Fraction]:
    """The part of the domain within `reach` of 0, or where there is none, within `reach` of its nearest end."""
    low, high = max(domain.minimum, -reach), min(domain.maximum, reach)
    if low >= high and domain.minimum > 0:
        low, high = domain.minimum, min(domain.maximum, domain.minimum + reach)
    elif low >= high:
        low, high = max(domain.minimum, domain.maximum - reach), domain.maximum
    return Fraction(low), Fraction(high)


def _exact(values: Sequence[Fraction | int], shape: tuple[int, ...], ring: Ring) -> Array:
    return objects([ring.constant(Fraction(value)) for value in values], shape)
