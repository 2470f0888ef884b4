"""Make a failing case small: sizes, values, upstream gradient and layouts, by a second, short Hypothesis run.

The rounds that found it are pure functions of a seed and cannot shrink; here every element is a draw of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import Argument
from gradlab.verify.along import fits, leading_of, shape_of
from gradlab.verify.budget import Budget
from gradlab.verify.case import Case, Shape
from gradlab.verify.polish import polished
from gradlab.verify.regimes import cast, draw
from gradlab.verify.specification import Specification
from gradlab.verify.violation import Violation

Fails = Callable[[Case], tuple[Violation, Case] | None]

_EXAMPLES = 150
_SECONDS = 2.0
_SMALL = 4  # largest size tried for a dimension, besides the one that failed
_DRAWN = 24  # arrays up to this size are drawn element by element

_SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 1.5, 0.25)


class _StillFailsError(Exception):
    pass


def shrink(case: Case, specification: Specification, fails: Fails, seed: int) -> tuple[Violation, Case] | None:
    """The simplest failing case found within two seconds, with its violation; None if `case` itself no longer fails."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from hypothesis import strategies as st
    from hypothesis.errors import HypothesisException

    start = fails(case)
    best = [] if start is None else [start]
    budget = Budget(_SECONDS)

    @seeded(seed)
    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(st.data())
    def search(data: Any) -> None:
        if budget.expired:
            return
        candidate = _Simpler(data, st, case, specification).case()
        found = None if candidate is None else fails(candidate)
        if found is not None:
            if not best or _cost(found[1]) <= _cost(best[0][1]):
                best[:] = [found]
            raise _StillFailsError

    # The latter where time ran out in the middle of shrinking: Hypothesis calls that flaky.
    with suppress(_StillFailsError, HypothesisException):
        search()
    return polished(best[0], specification, fails, Budget(_SECONDS / 2)) if best else None


def _cost(case: Case) -> tuple[bool, int, int, int]:
    # An empty case is shown only where nothing else fails: the reader would think that emptiness is at fault.
    arrays = [*case.inputs, *([] if case.grad_output is None else [case.grad_output])]
    empty = any(array.size == 0 for array in arrays)
    elements = sum(array.size for array in arrays)
    layouts = sum(layout != "C" for layout in case.layouts)
    digits = sum(len(repr(float(value))) for array in arrays if array.size <= _DRAWN for value in array.reshape(-1))
    return empty, elements, layouts, digits


class _Simpler:
    """Draws a case that is the failing one or simpler, piece by piece."""

    def __init__(self, data: Any, st: Any, case: Case, specification: Specification) -> None:
        self.data, self.st, self.origin, self.specification = data, st, case, specification

    def case(self) -> Case | None:
        """None where the drawn sizes are not legal."""
        origin, specification = self.origin, self.specification
        sizes = {dim: self._size(dim, size) for dim, size in origin.sizes.items()}
        params = {
            name: self.data.draw(self.st.sampled_from(list(dict.fromkeys((values[0], origin.params[name])))))
            for name, values in specification.params.items()
        }
        if not specification.allows(sizes, params):
            return None
        leadings = self._leadings()
        if not fits(specification, np.broadcast_shapes(*leadings), params):
            return None
        inputs = []
        for k, (argument, dims) in enumerate(zip(specification.arguments, specification.signature.inputs, strict=True)):
            shape = shape_of(specification, dims, sizes, leadings[k], params)
            inputs.append(self._values(argument, shape, sizes, origin.inputs[k], origin.dtype))
        if origin.shared is not None:
            inputs[origin.shared[1]] = inputs[origin.shared[0]]
        layouts = tuple(self.data.draw(self.st.sampled_from(list(dict.fromkeys(("C", how))))) for how in origin.layouts)
        inputs = [
            _constant(values) if how == "broadcast" else values for values, how in zip(inputs, layouts, strict=False)
        ]
        simpler = replace(
            origin, sizes=sizes, params=params, inputs=tuple(inputs), layouts=layouts, grad_output=None, upstream="ones"
        )
        return self._with_upstream(simpler, sizes, np.broadcast_shapes(*leadings))

    def _size(self, dim: str, size: int) -> int:
        low, high = self.specification.range_of(dim)
        largest = max(low, min(size or 1, _SMALL if high is None else min(high, _SMALL)))
        # Hypothesis shrinks towards what stands first: 1, not 0.
        small = self.st.sampled_from(sorted(range(low, largest + 1), key=lambda n: (n == 0, n)))
        return int(self.data.draw(small if size <= _SMALL else self.st.one_of(small, self.st.just(size))))

    def _leadings(self) -> list[Shape]:
        """What `...` stands for in each argument: some of its axes, shorter ones, so that they still broadcast."""
        named = self.specification.signature.inputs
        wholes = [
            leading_of(self.specification, dims, array.shape, self.origin.params)
            for dims, array in zip(named, self.origin.inputs, strict=True)
        ]
        lengths = [
            length if length == 1 else self.data.draw(self.st.sampled_from((2, length) if length else (1, 0)))
            for length in np.broadcast_shapes(*wholes)
        ]
        kept = [axis for axis in range(-len(lengths), 0) if self.data.draw(self.st.booleans())]
        return [
            tuple(1 if whole[axis] == 1 else lengths[axis] for axis in kept if -axis <= len(whole)) for whole in wholes
        ]

    def _values(self, argument: Argument, shape: Shape, sizes: dict[str, int], origin: Array, dtype: str) -> Array:
        size = int(np.prod(shape))
        if argument.domain.kind not in ("real", "positive", "non_negative"):
            rng = np.random.default_rng(self.data.draw(self.st.integers(0, 7)))
            return cast(draw(argument.domain, "short", shape, sizes, rng), argument.domain, dtype)
        low, high = argument.domain.minimum, argument.domain.maximum
        simple = [value for value in _SIMPLE if low <= value <= high and (value or argument.domain.kind != "positive")]
        values = self._elements(
            size, np.resize(origin.astype(np.float64), size) if origin.size else np.zeros(size), simple
        )
        return cast(values.reshape(shape), argument.domain, dtype)

    def _elements(self, size: int, origin: Array, simple: list[float]) -> Array:
        if size > _DRAWN or not size:
            return origin
        # The original number is always on offer: some bugs need it.
        draws = [self.st.sampled_from([*simple, float(value)]) for value in origin]
        return np.array(self.data.draw(self.st.tuples(*draws)), dtype=np.float64)

    def _with_upstream(self, case: Case, sizes: dict[str, int], leading: Shape) -> Case:
        named = self.specification.signature.output
        origin = self.origin.grad_output
        if named is None or origin is None:
            return case
        shape = shape_of(self.specification, named, sizes, leading, case.params)
        size = int(np.prod(shape))
        source = np.resize(origin.astype(np.float64), size) if origin.size else np.ones(size)
        values = self._elements(size, source, [1.0, -1.0, 0.0, 2.0])
        grad_output = values.reshape(shape).astype(origin.dtype)
        return replace(case, grad_output=_constant(grad_output) if case.layouts[-1] == "broadcast" else grad_output)


def _constant(values: Array) -> Array:
    if not values.ndim or not values.shape[0]:
        return values
    return np.array(np.broadcast_to(values[:1], values.shape))
