"""Random points of a program: small unequal sizes, inputs in their domains, every binding computed by definition."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from gradlab.errors import DefinitionError
from gradlab.operation import real
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation
from gradlab.symbolic.draw import draw, numbers
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.extents import drawn
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Binding, Given, Program
from gradlab.symbolic.rings import PrimeField, Ring, UndefinedError
from gradlab.symbolic.tangents import TANGENT
from gradlab.symbolic.terms import Expr

# Half of all numbers have no root in the field. The entries of the inputs at the place of one that has none are drawn
# again, so that n roots need about log2(n) repairs; the root of a number without indices needs a new start.
_ATTEMPTS = 60
_REPAIRS = 20
_SURE = 4


def draws(program: Program, ring: Ring, count: int, seed: int) -> Iterator[Point]:
    """Points at rotating sizes; the seed makes them reproducible.

    Sizes at which the operation is undefined, as 1/(N - 1) is at N = 1, are passed over.
    """
    for number in range(4 * count + len(program.axes)):
        size, integers = drawn(program, number)
        point = sample(program, ring, size, random.Random(f"{seed}:{program.name}:{number}"), integers)
        if point is not None:
            yield point
            count -= 1
            if not count:
                return
    _no_point(program)


def _no_point(program: Program) -> NoReturn:
    raise DefinitionError(
        f"{program.definition.source}: {program.name}: no random inputs were found at which every binding is defined; "
        "check the domains of the inputs: log(x[n]) needs given(x[n], positive())"
    )


def sample(
    program: Program, ring: Ring, size: dict[Axis, int], rng: random.Random, integers: Mapping[str, int] | None = None
) -> Point | None:
    """A point where everything is defined, with a random upstream gradient and tangents; None where none is found."""
    known = integers or {}
    if isinstance(ring, PrimeField):
        return _search(program, ring, size, rng, known)
    # Among the reals, what is defined at these sizes is defined in the whole domain, or the domain is declared wrong.
    points = [Point(ring, size, _inputs(program, ring, size, rng, known), known) for _ in range(_SURE)]
    defined = [complete(program, point, point.tensors) is None for point in points]
    # Only a mask may be to blame: it can leave nothing to take the mean of.
    if any(defined) and not all(defined) and not any(given.domain.kind == "mask" for given in program.inputs):
        _no_point(program)
    if not any(defined):
        return None
    found = points[defined.index(True)]
    _check_facts(program, found)
    return found


def _search(
    program: Program, ring: Ring, size: dict[Axis, int], rng: random.Random, integers: Mapping[str, int]
) -> Point | None:
    attempts = 0
    while attempts < _ATTEMPTS:
        point = Point(ring, size, _inputs(program, ring, size, rng, integers), integers)
        for _ in range(_REPAIRS):
            attempts += 1
            failed = complete(program, point, point.tensors)
            if failed is None:
                _check_facts(program, point)
                return point
            if not _repair(program, point, *failed, rng):
                break
    return None


def _inputs(
    program: Program, ring: Ring, size: dict[Axis, int], rng: random.Random, integers: Mapping[str, int]
) -> dict[str, Any]:
    tensors: dict[str, Any] = {}
    point = Point(ring, size, tensors)
    for axis, count in size.items():
        tensors[reduced_size(axis)] = np.asarray(ring.constant(Fraction(count - 1)), dtype=object)
    for parameter in program.definition.parameters:
        if parameter.integer:
            tensors[parameter.name] = np.asarray(ring.constant(Fraction(integers[parameter.name])), dtype=object)
            continue
        tensors[parameter.name] = draw(real(parameter.minimum, parameter.maximum), (), ring, {}, rng)
    for given in program.inputs:
        tensors[given.tensor.name] = _drawn(given, point, rng)
    tensors[GRAD_OUTPUT] = numbers(point.shape(program.output.indices), ring, rng)
    for given in program.wrt:
        tensors[TANGENT + given.tensor.name] = numbers(point.shape(given.tensor.indices), ring, rng)
    return tensors


def _drawn(given: Given, point: Point, rng: random.Random) -> Any:
    by_name = {axis.name: size for axis, size in point.sizes.items()}
    return draw(given.domain, point.shape(given.tensor.indices), point.ring, by_name, rng)


def _repair(program: Program, point: Point, binding: Binding, where: Any, rng: random.Random) -> bool:
    """Draw again what belongs to the undefined entries of a binding; False where that would be everything."""
    if not binding.tensor.indices:
        return False
    for given in program.inputs:
        touched = _touched(where, binding.tensor.indices, given)
        name = given.tensor.name
        point.tensors[name] = np.where(touched, _drawn(given, point, rng), point.tensors[name])
    return True


def _touched(where: Any, indices: Sequence[Index], given: Given) -> Any:
    """The entries of an input at the places that `where` marks, as far as the input has the same axes."""
    positions: list[int | None] = []
    for own in given.tensor.indices:
        same = (p for p, index in enumerate(indices) if index.axis == own.axis and p not in positions)
        positions.append(next(same, None))
    kept = [position for position in positions if position is not None]
    marked = where.any(axis=tuple(p for p in range(where.ndim) if p not in kept))
    marked = marked.transpose([sorted(kept).index(position) for position in kept])
    marked = marked[tuple(None if position is None else slice(None) for position in positions)]
    # Rows of a simplex and one-hot rows are drawn as a whole.
    return marked.any(axis=-1, keepdims=True) if given.domain.kind in ("simplex", "one_hot") else marked


def complete(program: Program, point: Point, tensors: MutableMapping[str, Any]) -> tuple[Binding, Any] | None:
    """Compute every binding from the inputs, in order; stops at one that is undefined, and says at which entries."""
    for binding in program.bindings:
        indices = binding.tensor.indices
        try:
            value = evaluate(binding.value, indices, point)
            tensors[binding.name] = value if binding.value.position else np.asarray(value, dtype=object)
        except UndefinedError as error:
            full = error.where.any(axis=tuple(range(len(indices), error.where.ndim)))
            return binding, np.broadcast_to(full, point.shape(indices))
    return None


def complete_named(derivation: Derivation, point: Point) -> None:
    """Compute the adjoints and tangents that results mention by name; the point has grad_output and the tangents."""
    for result in (*derivation.adjoints.values(), *derivation.moved.values()):
        known = result.value.tensors <= point.tensors.keys()
        if known:
            point.tensors[result.name] = np.asarray(evaluate(result.value, result.free, point), dtype=object)


def reduced_size(axis: Axis) -> str:
    """The name under which a point holds an axis's size minus one; mutants use it in place of the size."""
    return f"{axis.name}-1"


def _check_facts(program: Program, point: Point) -> None:
    for declared, fact in zip(program.definition.facts, program.facts, strict=True):
        free = fact.left.free
        left, right = (np.ravel(evaluate(side, free, point)) for side in (Expr.of([fact.left]), fact.right))
        wrong = [(a, b) for a, b in zip(left, right, strict=True) if abs(a - b) > 1e-30]
        if wrong:
            raise DefinitionError(
                f"{program.definition.source}: {program.name}: fact {declared.left} = {declared.right}: does not hold "
                f"for random inputs ({wrong[0][0]} is not {wrong[0][1]}); correct the fact or the domains of the inputs"
            )
