"""Step sizes of central differences and the extrapolation of their quotients to step zero."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array


@dataclass(frozen=True, slots=True)
class Scheme:
    """Ratios of one family of steps, with the Richardson weights that belong to them, in the precision that it is for.

    `weights` has two rows: the first extrapolates from all steps, the second from all but the largest; their difference
    estimates the error. `shrinkage` is how much of a difference between quotients may survive the next step in a
    converging sequence.
    """

    ratios: Array
    weights: Array
    shrinkage: float


def _weights(ratios: Array) -> Array:
    # Lagrange weights at h**2 = 0: exact for errors that are even polynomials in h.
    squares = ratios**2
    return np.array([np.prod([b / (b - a) for b in squares if b != a]) for a in squares], dtype=ratios.dtype)


def _scheme(ratios: tuple[float, ...], shrinkage: float, dtype: Any) -> Scheme:
    steps = np.array(ratios, dtype=np.longdouble)
    weights = np.stack([_weights(steps), np.concatenate(([0], _weights(steps[1:])))])
    return Scheme(steps.astype(dtype), weights.astype(dtype), shrinkage)


# Short mantissas: x + h is exact in extended precision. Irregular ratios: no period divides all steps, so that a
# periodic forward cannot look flat to each of them.
EXTENDED = _scheme((1.0, 11 / 128, 13 / 2048), 0.2, np.longdouble)
# In float64 steps must stay large; four gentle ones reach about 1e-12.
DOUBLE = _scheme((1.0, 33 / 64, 17 / 64, 9 / 64), 0.6, np.float64)


def scales(values: Array) -> Array:
    """Power of two below |x| per element; the median magnitude of the array stands in where x is 0."""
    size = np.abs(values.astype(np.float64)).reshape(-1)
    zero = ~(size > 0)
    if zero.any():
        size[zero] = np.median(size[~zero]) if not zero.all() else 1.0
    return np.asarray(np.exp2(np.floor(np.log2(size))))


def families(values: Array, scale: Array, reach: Array, extended: bool) -> Iterator[Array]:
    """Largest steps to try in turn, one array per family; NaN where a family does not apply to an element.

    Relative steps first, then absolute ones (x**2 at 1e8, log(1 + tiny)), then ever smaller ones for functions that
    bend within a fraction of |x| (sin(1e6 x), a kink close by). `reach` is the distance to the edge of the domain.
    """
    inside = reach > 0
    limit = np.where(inside, np.exp2(np.floor(np.log2(np.where(inside, reach, 1.0)))) / 2, np.nan)
    return (np.minimum(step, limit) for step in _steps(np.abs(values.astype(np.float64)), scale, extended))


def _steps(size: Array, scale: Array, extended: bool) -> Iterator[Array]:
    """One by one: most questions are settled by the first."""
    yield scale * 2.0 ** (-6 if extended else -3)
    odd = (size > 2) | (size < 0.5)
    if extended:
        yield np.where(odd, 2.0**-6, np.nan)
        yield scale * 2.0**-18
        yield np.where(odd, 2.0**-18, np.nan)
        yield np.where(size > 64, 2.0**-12, np.nan)
        yield scale * 2.0**-29
        yield np.where(size == 0, scale * 2.0**-40, np.nan)
    else:
        yield np.where(odd, 2.0**-3, np.nan)
        yield scale * 2.0**-7
        yield np.where(odd, 2.0**-8, np.nan)
        yield scale * 2.0**-12
        # Of little precision, but a period cannot look flat to it.
        yield scale * 2.0**-20
