"""The last touch to a shrunk case: what a random search leaves large, odd or long is tried simpler, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import ELLIPSIS
from gradlab.verify.along import DEFAULT, KEYWORD, shape_of
from gradlab.verify.budget import Budget
from gradlab.verify.case import Case
from gradlab.verify.regimes import cast
from gradlab.verify.shapes import own_leading
from gradlab.verify.specification import Specification
from gradlab.verify.violation import Violation

Found = tuple[Violation, Case]
Fails = Callable[[Case], Found | None]

# Magnitudes in the order in which they are tried: the first that still fails is about where it begins to fail.
_MAGNITUDES = (0.0, 1.0, 2.0, 3.0, 0.5, 0.1, 5.0, 8.0, 10.0, 20.0, 50.0, 1e2, 1e3, 1e4, 1e6, 1e-2, 1e-3, 1e-6)
_FINE = {0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 1.5, 0.25}
_ELEMENTS = 24  # of an array that is simplified number by number


def polished(found: Found, specification: Specification, fails: Fails, budget: Budget) -> Found:
    """`found`, or a simpler failing case: shorter dimensions, then C order, then simple numbers."""
    for simpler in (_shorter, _contiguous, _whole_arrays, _numbers):
        found = _greedy(found, specification, fails, budget, simpler)
    return found


Simpler = Callable[[Case, Specification], Iterator[Case]]


def _greedy(found: Found, specification: Specification, fails: Fails, budget: Budget, simpler: Simpler) -> Found:
    """Take the first candidate that fails and start over, until none does."""
    progress = True
    while progress and not budget.expired:
        progress = False
        for candidate in simpler(found[1], specification):
            if budget.expired:
                break
            again = fails(candidate)
            if again is not None:
                found, progress = again, True
                break
    return found


def _shorter(case: Case, specification: Specification) -> Iterator[Case]:
    for dim, size in case.sizes.items():
        low = specification.range_of(dim)[0] or 1  # emptied, a case would blame emptiness
        for smaller in sorted({low, low + 1, low + 2, size // 2, (3 * size) // 4, size - 1}):
            for end in (False, True):
                cut = _cut(case, specification, dim, smaller, end) if low <= smaller < size else None
                if cut is not None:
                    yield cut


def _cut(case: Case, specification: Specification, dim: str, size: int, end: bool) -> Case | None:
    """The first (or last) entries along one dimension; None where that is not legal or labels would be out of range."""
    sizes = {**case.sizes, dim: size}
    kept = {dim: slice(case.sizes[dim] - size, None) if end else slice(size)}
    if not specification.allows(sizes, case.params):
        return None
    if specification.along is not None and case.params[KEYWORD] != DEFAULT:
        return None  # the names of the signature's dimensions say nothing of positions
    signature = specification.signature
    inputs = []
    for argument, dims, array in zip(specification.arguments, signature.inputs, case.inputs, strict=True):
        part = _part(array, dims, kept)
        below = argument.domain.below
        if argument.domain.kind in ("simplex", "one_hot") and part.shape != array.shape:
            return None
        if below is not None and part.size and int(part.max()) >= sizes[below]:
            return None
        if part.shape != shape_of(specification, dims, sizes, own_leading(dims, array.shape), case.params):
            return None  # another dimension follows from this one
        inputs.append(part)
    grad_output = case.grad_output
    if grad_output is not None:
        grad_output = None if signature.output is None else _part(grad_output, signature.output, kept)
    return replace(case, sizes=dict(sizes), inputs=tuple(inputs), grad_output=grad_output)


def _part(array: Array, dims: tuple[str, ...], kept: Mapping[str, slice]) -> Array:
    named = [dim for dim in dims if dim != ELLIPSIS]
    index = [slice(None)] * (array.ndim - len(named)) + [kept.get(dim, slice(None)) for dim in named]
    return np.array(array[tuple(index)])


def _contiguous(case: Case, specification: Specification) -> Iterator[Case]:
    for k, how in enumerate(case.layouts):
        if how != "C":
            yield replace(case, layouts=(*case.layouts[:k], "C", *case.layouts[k + 1 :]))


def _whole_arrays(case: Case, specification: Specification) -> Iterator[Case]:
    """Zeros, ones or rounded numbers in one array at a time."""
    for k, array in enumerate(_floats(case)):
        if array is not None and array.size > 1 and not np.isin(array, (0.0, 1.0)).all():
            for simple in (np.zeros_like(array), np.ones_like(array), np.sign(array), np.rint(array)):
                if not np.array_equal(simple, array):
                    yield from _placed(case, specification, k, simple)


def _numbers(case: Case, specification: Specification) -> Iterator[Case]:
    """One odd number at a time becomes the smallest round one."""
    for k, array in enumerate(_floats(case)):
        if array is None or array.size > _ELEMENTS:
            continue
        for j, value in enumerate(map(float, array.reshape(-1))):
            if value in _FINE:
                continue
            for size in _MAGNITUDES:
                # Nothing is gained by another round number that is no smaller.
                round_already = abs(value) in _MAGNITUDES and abs(value) <= size
                if size > float(np.finfo(array.dtype).max):
                    continue
                if not round_already and (size < abs(value) or size in (0.0, 1.0) or abs(value) < 1):
                    simple = np.array(array)
                    simple.reshape(-1)[j] = np.copysign(size, value) if size else 0.0
                    if not np.array_equal(simple, array):
                        yield from _placed(case, specification, k, simple)


def _floats(case: Case) -> list[Array | None]:
    """Inputs and, last, the upstream gradient; None for what holds no floats."""
    arrays = [*case.inputs, case.grad_output]
    return [array if array is not None and array.dtype.kind == "f" else None for array in arrays]


def _placed(case: Case, specification: Specification, k: int, array: Array) -> Iterator[Case]:
    """The case with another array, where its domain allows it and its layout can hold it."""
    if (
        case.layouts[k] == "broadcast"
        and array.ndim
        and not np.array_equal(array, np.broadcast_to(array[:1], array.shape))
    ):
        return
    if k == len(case.inputs):
        yield replace(case, grad_output=array)
        return
    domain = specification.arguments[k].domain
    if domain.kind in ("simplex", "one_hot") or not np.array_equal(cast(array, domain, case.dtype), array):
        return
    if domain.kind == "positive" and not (array > 0).all():
        return
    if domain.kind == "signs" and not np.isin(array, (-1, 1)).all():
        return
    yield replace(case, inputs=(*case.inputs[:k], array, *case.inputs[k + 1 :]))
