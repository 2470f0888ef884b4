"""The slope of a loss along a line, by central differences with an error estimate of their own.

`gradlab.verify` takes large steps and extrapolates; a network with a million ReLUs has kinks within any such step.
Here steps are small, and what rounding of the loss makes of them is measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_SIZES = (1e-6, 1e-7, 1e-5, 1e-8)
"""Lengths of the steps beside that of the parameters, tried until one is good enough: short ones cross few kinks."""


@dataclass(frozen=True, slots=True)
class Slope:
    """A derivative, and a bound of its error."""

    value: float
    error: float


def slope(loss: Callable[[float], float], here: float, size: float, noise: float, good: float) -> Slope:
    """The slope at 0 of `loss`, which is `here` there; `size` is the parameters' length, `noise` the loss's rounding.

    A smooth loss has a central difference with an error of second order in h, and one-sided ones that are apart by a
    term of first order. What does not shrink so from h to h/2 is a kink within the steps, of which the central
    difference takes the middle: wrong by at most half of what the one-sided ones are apart. The best of several h is
    taken, or the first with an error below `good`.

    >>> found = slope(lambda t: float(np.exp(t)), here=1.0, size=1.0, noise=2e-16, good=1e-6)
    >>> abs(found.value - 1.0) <= found.error <= 1e-6
    True
    >>> slope(abs, here=0.0, size=1.0, noise=0.0, good=1e-6).error >= 1.0  # any slope from -1 to 1
    True
    """
    best = Slope(0.0, np.inf)
    for relative in _SIZES:
        h = relative * (1.0 + size)
        (narrow, narrow_apart), (wide, wide_apart) = (_sides(loss, here, step) for step in (h / 2, h))
        # Rounding enters each difference twice, divided by h or twice h; the sum below holds it 12 times.
        found = 2 * abs(wide - narrow) + abs(2 * narrow_apart - wide_apart) + 12 * noise / h
        if found < best.error:
            best = Slope(narrow, found)
        if best.error <= good:
            break
    return best


def _sides(loss: Callable[[float], float], here: float, h: float) -> tuple[float, float]:
    """The central difference, and how far the one-sided ones are apart."""
    ahead, behind = loss(h), loss(-h)
    return (ahead - behind) / (2 * h), (ahead - 2 * here + behind) / h
