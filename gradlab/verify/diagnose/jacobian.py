"""Dense Jacobians of small cases: the true one by differences of forward, and the one that backward applies."""

from __future__ import annotations

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.differences import Differences

# Relative first steps of a family, largest first: mild values seldom need more than the first.
_EXTENDED_STEPS = (2.0**-6, 2.0**-18, 2.0**-29)
_DOUBLE_STEPS = (2.0**-3, 2.0**-7, 2.0**-12)

# Rows whose two extrapolations differ by more than this part of the largest entry are tried again with smaller steps;
# those that never get below the second number are left unknown (NaN).
_SETTLED, _USABLE = {True: 1e-10, False: 1e-8}, 1e-6


def true_jacobian(differences: Differences, argument: int) -> Array:
    """Entry (i, o): the slope of output o along element i of one argument; a row of NaN where nothing converges."""
    size = differences.point[argument].size
    value = np.full((size, differences.output.size), np.nan)
    error = np.full(size, np.inf)
    todo = np.arange(size)
    for relative in _EXTENDED_STEPS if differences.extended else _DOUBLE_STEPS:
        for element in todo:
            row, wrong = _row(differences, argument, int(element), relative)
            if wrong < error[element]:
                value[element], error[element] = row, wrong
        largest = float(np.abs(value[np.isfinite(value)]).max(initial=0.0))
        todo = np.flatnonzero(~(error <= _SETTLED[differences.extended] * largest))
        if not todo.size:
            break
    value[~(error <= _USABLE * largest)] = np.nan
    return value


def _row(differences: Differences, argument: int, element: int, relative: float) -> tuple[Array, float]:
    scale = differences.scales[argument]
    assert scale is not None
    scheme, work = differences.scheme, differences.work
    reach = float(differences.reach(argument)[element]) / 2
    base = min(float(scale[element]) * relative, 2.0 ** np.floor(np.log2(reach)) if reach > 0 else 0.0)
    if not base:
        return np.full(differences.output.size, np.nan), np.inf
    quotients = []
    for step in work(base) * scheme.ratios:
        moved = differences.along(argument, element, step) - differences.along(argument, element, -step)
        quotients.append(moved / (2 * step))
    full, partial = scheme.weights @ np.stack(quotients)
    wrong = float(np.abs(full - partial).max(initial=0.0))
    return full.astype(np.float64), wrong if np.isfinite(wrong) else np.inf
