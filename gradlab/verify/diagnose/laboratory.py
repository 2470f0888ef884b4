"""The diagnosis set: cases drawn on purpose, in which a mistake of a known kind cannot look like another one.

All sizes differ and are at least 3 where that is allowed (a transposed or unsummed array has another shape or another
number), values are mild, the upstream gradient is generic, and each size and parameter is varied by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import ELLIPSIS
from gradlab.verify.along import shape_of
from gradlab.verify.budget import Budget
from gradlab.verify.calls import Caller
from gradlab.verify.case import Case, build
from gradlab.verify.diagnose.sample import Sample
from gradlab.verify.plan import plain_plan
from gradlab.verify.specification import Specification

# For each finding; samples are drawn once for all of them.
_SECONDS = 1.0

_SEEDS = 3
_ATTEMPTS = 60

# Sizes to deal out, by the number of dimensions: distinct, and long enough for a fit along an axis.
_SIZES = {1: (6, 7), 2: (5, 4, 6, 3), 3: (4, 5, 3, 6), 4: (2, 3, 5, 4)}
_LARGE = (3, 4, 5, 6)  # for four dimensions, where the arrays stay small enough
_MANY = (2, 3, 4, 2, 3, 5)
_MOST = 100  # elements in all inputs together; more cost too much to differentiate
_LEADING = (3,)


class Laboratory:
    """Draws samples and remembers them, for all findings of one examination; `begin` starts the clock of one."""

    def __init__(self, specification: Specification, caller: Caller, seed: int) -> None:
        self.specification, self.seed = specification, seed
        # Code that edits its arguments must not spoil the samples.
        self.subject, self.caller = caller.subject, Caller(caller.subject, isolate=True)
        self.begin()
        self.names = [argument.name for argument in specification.arguments]
        self.dims = list(specification.dims)

    def begin(self) -> None:
        """A diagnosis may take about a second from now."""
        self.budget = Budget(_SECONDS)

    @property
    def expired(self) -> bool:
        """True once the time is over: what is known by then has to do."""
        return self.budget.expired

    @property
    def defaults(self) -> dict[str, Any]:
        """Every parameter's default."""
        return {name: values[0] for name, values in self.specification.params.items()}

    @cached_property
    def sizes(self) -> dict[str, int] | None:
        """The ordinary sizes; None where nothing legal was found."""
        rng = np.random.default_rng((self.seed, 11))
        wanted = list(_SIZES.get(len(self.dims) + self.specification.has_ellipsis, _MANY))
        large = dict(zip(self.dims, _LARGE, strict=False))
        if len(self.dims) == len(_LARGE) and self.legal(large, self.defaults) and self._count(large) <= _MOST:
            return large
        best: tuple[int, dict[str, int]] | None = None
        for attempt in range(_ATTEMPTS):
            if attempt:
                wanted = [int(size) for size in rng.permutation(wanted)]
            sizes = {dim: self._within(dim, wanted[k % len(wanted)]) for k, dim in enumerate(self.dims)}
            if not self.legal(sizes, self.defaults):
                continue
            excess = max(0, self._count(sizes) - _MOST)
            worth = 2 * len(set(sizes.values())) + min(sizes.values(), default=3) - excess // 8
            if len(self.dims) > 3:
                # More than one window, more than one position: the output should not be the smallest there is.
                worth += min(self.drawn(sizes, self.defaults, 0).output.size, 48) // 8
            if best is None or worth > best[0]:
                best = worth, sizes
            if len(set(sizes.values())) == len(sizes) and self._count(sizes) <= _MOST:
                break
        return None if best is None else best[1]

    def _count(self, sizes: Mapping[str, int]) -> int:
        known = {**sizes, ELLIPSIS: math.prod(_LEADING)}
        shapes = self.specification.signature.inputs
        return sum(math.prod(int(dim) if dim.isdigit() else known[dim] for dim in shape) for shape in shapes)

    def _within(self, dim: str, size: int) -> int:
        low, high = self.specification.range_of(dim)
        return max(low, size if high is None else min(size, high))

    def legal(self, sizes: Mapping[str, int], params: Mapping[str, Any]) -> bool:
        """True where dims, their ranges and `where` allow it."""
        inside = all(self._within(dim, size) == size for dim, size in sizes.items() if dim in self.dims)
        return inside and (self.specification.where is None or bool(self.specification.where(sizes, params)))

    def case(
        self,
        sizes: Mapping[str, int],
        params: Mapping[str, Any],
        seed: int,
        leading: tuple[int, ...] = _LEADING,
        upstream: str = "normal",
    ) -> Case:
        """A mild case in C order."""
        dtype = "float64" if "float64" in self.specification.dtypes else self.specification.dtypes[0]
        leading = leading if self.specification.has_ellipsis else ()
        inputs = self.specification.signature.inputs
        shapes = tuple(shape_of(self.specification, dims, sizes, leading, params) for dims in inputs)
        seed = self.seed % (1 << 32) + 7919 * seed + 13
        plan = plain_plan(self.specification, sizes, shapes, params, dtype, seed)
        return build(replace(plan, upstream=upstream), self.specification)

    def sample(self, case: Case) -> Sample:
        """Run one case."""
        return Sample(case, self.specification, self.caller)

    def drawn(self, sizes: Mapping[str, int], params: Mapping[str, Any], seed: int, **more: Any) -> Sample:
        """Draw and run one mild case."""
        return self.sample(self.case(sizes, params, seed, **more))

    @cached_property
    def ordinary(self) -> list[Sample]:
        """Three draws at the ordinary sizes and default parameters."""
        if self.sizes is None:
            return []
        found = [self.drawn(self.sizes, self.defaults, seed, leading=self._leading) for seed in range(_SEEDS)]
        return [sample for sample in found if sample.usable]

    @property
    def _leading(self) -> tuple[int, ...]:
        # Without any named dimension the leading ones are all there is.
        return _LEADING if self.dims else (3, 4)

    @cached_property
    def resized(self) -> list[Sample]:
        """One draw for each dimension, which is longer by one or two."""
        found: list[Sample] = []
        if self.sizes is None:
            return found
        for k, dim in enumerate(self.dims):
            for more in (2, 1, 3, 4, -1):
                sizes = {**self.sizes, dim: self.sizes[dim] + more}
                equal = sizes[dim] in self.sizes.values() and len(self.dims) < 4
                if self.legal(sizes, self.defaults) and not equal and not self.expired:
                    found.append(self.drawn(sizes, self.defaults, 10 + k, leading=self._leading))
                    break
        if self.specification.has_ellipsis and not self.expired:
            found.append(self.drawn(self.sizes, self.defaults, 9, leading=(*self._leading[:-1], 5)))
        return [sample for sample in found if sample.usable]

    @cached_property
    def other_params(self) -> list[Sample]:
        """One draw for each value of a parameter that is not its default."""
        found: list[Sample] = []
        if self.sizes is None:
            return found
        for name, values in self.specification.params.items():
            for k, value in enumerate(values[1:]):
                params = {**self.defaults, name: value}
                sizes = self._sizes_for(params)
                if sizes is not None and not self.expired:
                    found.append(self.drawn(sizes, params, 20 + k, leading=self._leading))
        return [sample for sample in found if sample.usable]

    def _sizes_for(self, params: Mapping[str, Any]) -> dict[str, int] | None:
        assert self.sizes is not None
        if self.legal(self.sizes, params):
            return self.sizes
        for more in range(1, 5):
            sizes = {dim: self._within(dim, size + more) for dim, size in self.sizes.items()}
            if self.legal(sizes, params):
                return sizes
        return None

    def more(self, k: int, count: int) -> list[Sample]:
        """Further ordinary draws in which the gradient of argument `k` is wrong, out of `count`."""
        found = []
        for seed in range(count):
            if self.sizes is not None and not self.expired:
                sample = self.drawn(self.sizes, self.defaults, 40 + seed, leading=self._leading)
                wrong = sample.wrong(k) if sample.usable else None
                if wrong is not None and wrong.any():
                    found.append(sample)
        return found

    def with_inputs(self, sample: Sample, inputs: Mapping[int, Array]) -> Sample:
        """The same case with some inputs replaced."""
        arrays = tuple(inputs.get(k, array) for k, array in enumerate(sample.case.inputs))
        return self.sample(replace(sample.case, inputs=arrays, grad_output=sample.grad_output))
