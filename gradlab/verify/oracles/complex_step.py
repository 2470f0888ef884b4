"""The complex step: forward at x + ih, its imaginary part divided by h; no cancellation, so h may be 1e-200.

It is silently wrong on abs, norms and whatever else is not analytic, so that it is trusted only element by element,
where central differences agree within their own error. A pseudo-inverse conjugates, and may be off by less than they
can see: so it confirms a gradient more sharply than they do, and never disputes one. It joins differences that can only
run in float64: a forward that calls LAPACK refuses longdouble and takes complex numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import ORACLE_BARS
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.estimate import Estimate, Settled

_STEP = 1e-200

# Elements of one question that are sharpened, each at the price of a few forwards; differences answer for the others.
_ELEMENTS = 8
_NUDGES = 3

Run = Callable[[Sequence[Array]], Array | None]


class ComplexStep:
    """Differences whose value is replaced by the complex step's wherever the two agree.

    `run(inputs)` is forward; one that raises, or whose output is not complex for complex inputs, leaves differences as
    they are. `trusted` counts the elements that were sharpened.
    """

    independent = False

    def __init__(self, run: Run, differences: Differences, rng: np.random.Generator) -> None:
        self._run, self._differences, self._rng = run, differences, rng
        self.trusted = 0
        self._refused = not differences.usable

    @property
    def name(self) -> str:
        """Names the complex step once it has been trusted."""
        own = self._differences.name
        return f"{own} with complex step" if self.trusted else own

    def coordinates(self, argument: int, elements: Array, weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`."""
        estimate = self._differences.coordinates(argument, elements, weights, settled)
        for position, element in enumerate(elements[:_ELEMENTS]):
            if self._refused:
                break
            self._sharpen(estimate, position, argument, int(element), weights, settled)
        return estimate

    def direction(self, tangents: Sequence[Any], weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`; differences alone, whose error bar is that of one number in either case."""
        return self._differences.direction(tangents, weights, settled)

    def _sharpen(
        self, estimate: Estimate, position: int, argument: int, element: int, weights: Array, settled: Settled
    ) -> None:
        bar = ORACLE_BARS * float(estimate.error[position])
        if not np.isfinite(bar):
            return
        slope = self._slope(self._differences.point, argument, element)
        if slope is None:
            return
        terms = slope[weights != 0] * weights[weights != 0]
        value, magnitude = float(terms.sum()), float(np.abs(terms).sum())
        eps = float(np.finfo(np.float64).eps)
        if not np.isfinite(value) or abs(value - float(estimate.value[position])) > bar + 64 * eps * magnitude:
            return
        error = 24 * eps * magnitude + self._rounding(argument, element, weights, value)
        asked = (np.array([number]) for number in (value, error, magnitude, position))
        if ORACLE_BARS * error < bar and settled(*asked)[0] == 2:
            estimate.value[position], estimate.error[position] = value, error
            estimate.blur[position] = 0.0  # the step cancels nothing
            self.trusted += 1

    def _rounding(self, argument: int, element: int, weights: Array, value: float) -> float:
        """Largest change of the answer when all numbers move by about one ulp."""
        largest, eps = 0.0, float(np.finfo(np.float64).eps)
        for _ in range(_NUDGES):
            moved = [
                x * (1 + eps * self._rng.integers(-1, 2, size=x.shape)) if x.dtype.kind == "f" else x
                for x in self._differences.point
            ]
            slope = self._slope(moved, argument, element)
            if slope is None:
                return np.inf
            weighed = weights != 0
            largest = max(largest, abs(float((slope[weighed] * weights[weighed]).sum()) - value))
        return 4 * largest

    def _slope(self, point: Sequence[Array], argument: int, element: int) -> Array | None:
        inputs = [x.astype(np.complex128) if x.dtype.kind == "f" else x for x in point]
        inputs[argument].reshape(-1)[element] += 1j * _STEP
        output = self._run(inputs)
        if output is None or output.dtype.kind != "c" or output.shape != self._differences.shape:
            self._refused = True
            return None
        return np.asarray(output.imag / _STEP).reshape(-1)
