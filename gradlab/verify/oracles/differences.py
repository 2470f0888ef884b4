"""Central differences of the whole output vector, extrapolated to step zero, with their own error estimate.

Differences of the vector (not of one weighted sum) give the Jacobian's columns: an error per output, the size of the
terms that the gradient is summed from, and kinks output by output. They run in `np.longdouble` where it is wider than
float64 and the forward keeps it, else in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.estimate import Estimate, Settled, preferred
from gradlab.verify.oracles.noise import output_noise
from gradlab.verify.oracles.steps import DOUBLE, EXTENDED, families, scales

Run = Callable[[Sequence[Array]], Array | None]
Bounds = tuple[float, float]

# Quotients held at once; more would leave the cache.
_ROOM = 1 << 16

_FAR = 64.0

# One difference of quotients beside the one before, and beside the noise in it.
_APART = 8.0

LONGDOUBLE_IS_WIDER = bool(np.finfo(np.longdouble).eps < np.finfo(np.float64).eps)


class Differences:
    """The numerical Jacobian of one forward at one point.

    `run(inputs)` gives the output, or None where forward raises; `bounds` holds each argument's domain edges and None
    for arguments that are not differentiated.
    """

    def __init__(
        self,
        run: Run,
        inputs: Sequence[Array],
        bounds: Sequence[Bounds | None],
        rng: np.random.Generator,
        *,
        extended: bool = True,
        independent: bool = False,
    ) -> None:
        self._run, self._bounds, self._rng = run, bounds, rng
        self._independent = independent
        self.evaluations = 0
        self.extended = extended and LONGDOUBLE_IS_WIDER
        self.point = self._cast(inputs, np.longdouble if self.extended else np.float64)
        output = run(self.point)
        if self.extended and (output is None or output.dtype != np.longdouble):
            # The forward casts to float64, or refuses extended precision: float64 steps are larger.
            self.extended = False
            self.point = self._cast(inputs, np.float64)
            output = run(self.point)
        self.work: Any = np.longdouble if self.extended else np.float64
        self.usable = output is not None
        self.shape = () if output is None else output.shape
        self.output = np.empty(0) if output is None else np.array(output, dtype=self.work).reshape(-1)
        self.scheme = EXTENDED if self.extended else DOUBLE
        self.scales = [
            scales(array) if bound is not None else None for array, bound in zip(self.point, bounds, strict=True)
        ]
        self._noise: Array | None = None
        self._wild = np.zeros(self.output.size, dtype=bool)
        self._rank = np.empty(0, dtype=int)

    @property
    def name(self) -> str:
        kind = "longdouble" if self.extended else "float64"
        return f"{kind} differences of the reference" if self._independent else f"{kind} differences"

    @property
    def independent(self) -> bool:
        return self._independent

    def _cast(self, inputs: Sequence[Array], dtype: Any) -> list[Array]:
        return [array.astype(dtype) if array.dtype.kind == "f" else array for array in inputs]

    @property
    def noise(self) -> Array:
        """Rounding error of each output in the working precision."""
        if self._noise is None:
            measured = output_noise(self.evaluate, self.point, self.scales, self.output, self._rng, self.extended)
            self._noise, self._wild = measured.rounding, measured.wild
        return self._noise

    def trust(self) -> None:
        """Take each output as rounded once or twice, instead of measuring its noise: for a quick look."""
        self._noise = 2 * np.finfo(self.work).eps * np.abs(self.output)

    def evaluate(self, inputs: Sequence[Array]) -> Array:
        """The flat output; NaN where forward raises or changes its shape. Copied: an identity returns its input."""
        self.evaluations += 1
        output = self._run(inputs)
        if output is None or output.shape != self.shape:
            return np.full(self.output.size, np.nan, dtype=self.work)
        return np.array(output, dtype=self.work).reshape(-1)

    def along(self, argument: int, element: int, step: Any) -> Array:
        """The output with one element moved by `step`."""
        moved = self.point[argument].copy()
        moved.reshape(-1)[element] += step
        inputs = list(self.point)
        inputs[argument] = moved
        return self.evaluate(inputs)

    def shifted(self, tangents: Sequence[Any], step: Any) -> Array:
        """The output with every argument moved by `step` times its tangent."""
        pairs = zip(self.point, tangents, strict=True)
        return self.evaluate([x if v is None else x + self.work(step) * v for x, v in pairs])

    def reach(self, argument: int) -> Array:
        """Distance of each element to the edge of its domain."""
        low, high = self._bounds[argument] or (-np.inf, np.inf)
        x = self.point[argument].reshape(-1).astype(np.float64)
        return np.minimum(x - low, high - x)

    def steps(self, argument: int, units: Array) -> Array:
        """A tangent that moves each element by so many units of its own scale; at the edge of its domain it stays."""
        scale = self.scales[argument]
        assert scale is not None
        return np.where(self.reach(argument) >= scale / 2, scale * units, 0.0).reshape(self.point[argument].shape)

    def coordinates(self, argument: int, elements: Array, weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`: families of steps are tried until the answer is settled."""
        bases = self._bases(argument, elements)
        first = next(bases)

        def move(question: int, step: Any) -> Array:
            return self.along(argument, elements[question], step)

        best = self._search([first], elements.size, weights, settled, move)
        rest = np.flatnonzero(self._rank < 2)
        if rest.size:
            touched = {int(k): self._touched(argument, int(elements[k])) for k in rest}
            # The first family again only where outputs that an element never touches have blurred it.
            again = [first] if any(not which.all() for which in touched.values()) else []
            self._search(chain(again, bases), elements.size, weights, settled, move, touched, best)
        return self._undisputing(best, weights)

    def _undisputing(self, estimate: Estimate, weights: Array) -> Estimate:
        """Any slope may hide within the smallest steps of a wild output: sin(1e6 x) at 1e8 looks like noise."""
        if self.usable and self._wild[weights != 0].any():
            estimate.blur[:] = np.inf
        return estimate

    def repeated(self, argument: int, element: int, weights: Array, stretch: float) -> Estimate:
        """One coordinate once more with every step stretched: rounding scatters, a true value stays.

        All families are tried and the one with the smallest error wins.
        """
        bases = [base * stretch for base in self._bases(argument, np.array([element]))]
        touched = {0: self._touched(argument, element)}
        return self._search(bases, 1, weights, _never, lambda k, h: self.along(argument, element, h), touched)

    def direction(self, tangents: Sequence[Any], weights: Array, settled: Settled) -> Estimate:
        """See `Oracle`. Tangents are expected in units of each element's own scale."""
        sizes = (-6, -18, -29) if self.extended else (-3, -7, -12)
        largest = max((float(np.abs(v).max(initial=0.0)) for v in tangents if v is not None), default=0.0)
        # Absolute steps as well, where relative ones go far: numbers near 1e8 may be ordered by their last digits.
        capped = [2.0**size / largest for size in sizes[:2]] if largest > _FAR else []
        bases = [np.array([base]) for base in (*(2.0**size for size in sizes), *capped)]
        found = self._search(bases, 1, weights, settled, lambda _, h: self.shifted(tangents, h))
        return self._undisputing(found, weights)

    def _bases(self, argument: int, elements: Array) -> Iterator[Array]:
        scale = self.scales[argument]
        assert scale is not None
        values = self.point[argument].reshape(-1)[elements]
        return families(values, scale[elements], self.reach(argument)[elements], self.extended)

    def _touched(self, argument: int, element: int) -> Array:
        """Outputs that a large move of one element changes at all; the others' rounding does not blur its slope."""
        scale = self.scales[argument]
        assert scale is not None
        size = min(max(float(np.median(scale)), float(scale[element]), 1.0), float(self.reach(argument)[element]) / 2)
        return np.asarray(self.along(argument, element, self.work(size)) != self.output)

    def _search(
        self,
        bases: Iterable[Array],
        count: int,
        weights: Array,
        settled: Settled,
        move: Callable[[int, Any], Array],
        touched: Mapping[int, Array] | None = None,
        best: Estimate | None = None,
    ) -> Estimate:
        """Try bases until questions are settled; improves `best` in place where it is given."""
        if best is None:
            best, self._rank = Estimate.silent(count), np.full(count, -1)
        weighed = np.flatnonzero(weights)
        if not self.usable or not np.isfinite(self.output[weighed]).all():
            return best
        for base in bases:
            unsettled = self._rank < 2
            if not unsettled.any():
                break
            todo = np.flatnonzero(unsettled & ~np.isnan(base))
            if not todo.size:
                continue
            found = self._family(base[todo], todo, weights[weighed], weighed, move, touched)
            level = settled(found.value, found.error, found.magnitude, todo)
            level = np.where(np.isnan(found.value), -1, level)
            better = preferred(found.value, found.error, level, best.value[todo], best.error[todo], self._rank[todo])
            best.replace(todo[better], found, better)
            self._rank[todo[better]] = level[better]
        return best

    def _family(
        self,
        base: Array,
        questions: Array,
        weights: Array,
        weighed: Array,
        move: Callable[[int, Any], Array],
        touched: Mapping[int, Array] | None,
    ) -> Estimate:
        if questions.size > 1 and questions.size * weighed.size > _ROOM:
            ones = [slice(k, k + 1) for k in range(questions.size)]
            return Estimate.joined(
                [self._family(base[one], questions[one], weights, weighed, move, touched) for one in ones]
            )
        steps = base[:, None] * self.scheme.ratios
        noise = np.tile(self.noise[weighed], (questions.size, 1))
        chosen = slice(None) if weighed.size == self.output.size else weighed
        moved = np.empty((questions.size, self.scheme.ratios.size, weighed.size), dtype=self.work)
        for row, question in enumerate(questions.tolist()):
            for column, step in enumerate(steps[row]):
                moved[row, column] = (move(question, step) - move(question, -step))[chosen]
            if touched is not None:
                noise[row] *= touched[question][weighed]
        if weighed.size <= _ROOM // 16:
            return self._extrapolate(moved / (2 * steps[..., None]), steps[:, -1], weights, noise)
        # One coordinate of a large array moves few outputs; the others count with their noise alone.
        alive = moved.any(axis=(0, 1))
        found = self._extrapolate(
            moved[..., alive] / (2 * steps[..., None]), steps[:, -1], weights[alive], noise[:, alive]
        )
        still = (noise[:, ~alive] @ np.abs(weights[~alive])) * 2 / steps[:, -1]
        found.error += still.astype(np.float64)
        return found

    def _extrapolate(self, quotients: Array, smallest: Array, weights: Array, noise: Array) -> Estimate:
        scheme, last = self.scheme, quotients[:, -1]
        both = scheme.weights @ quotients
        value, partial = both[:, 0], both[:, 1]
        rounding = noise / smallest[:, None]
        error = np.abs(value - partial) + 2 * rounding
        # Quotients that do not settle (1/h near a singularity) fool the extrapolation, which trusts the last of them.
        tail, before = np.abs(last - quotients[:, -2]), np.abs(quotients[:, -2] - quotients[:, -3])
        error = np.where(tail > scheme.shrinkage * before, np.maximum(error, tail), error)
        # Beyond what rounding explains, quotients that move apart have nothing to say: x / h on both sides of a kink.
        apart = (tail > _APART * before) & (tail > _APART * rounding) & (tail > 0.1 * np.abs(last))
        error = np.where(apart, np.inf, error)
        size = np.abs(weights)
        # Numbers of size 1 may hide inside a forward whose output is 0: log(1 + x) does not move for a tiny x.
        blur = 4 * float(np.finfo(self.work).eps) * float(size.sum()) / smallest
        results = (value @ weights, error @ size, np.abs(value) @ size, blur)
        return Estimate(*(np.asarray(result).astype(np.float64) for result in results))


def _never(value: Array, error: Array, magnitude: Array, which: Array) -> Array:
    return np.zeros(value.size)
