"""Random points of a program: small unequal sizes, inputs in their domains, every binding computed by definition."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from gradlab.errors import DefinitionError
from gradlab.symbolic.derive import GRAD_OUTPUT, TANGENT
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.program import Given, Program
from gradlab.symbolic.rings import Array, Resample, Ring, objects
from gradlab.symbolic.terms import Axis, Expr

_ATTEMPTS = 200  # a root in the field exists for half of all radicands; three independent roots need about 8 draws


def sizes(program: Program, draw: int) -> dict[Axis, int]:
    """Unequal small sizes; later draws rotate them, and one axis at a time has size 1."""
    axes = program.axes
    pool = [2, 3, 4, 5] if len(axes) <= 2 else [2, 3, 1, 4]
    rotated = {axis: pool[(position + draw) % len(pool)] for position, axis in enumerate(axes)}
    if draw and axes:
        rotated[axes[draw % len(axes)]] = 1
    return rotated


def sample(program: Program, ring: Ring, size: dict[Axis, int], rng: random.Random) -> Point:
    """A point at which everything is defined, with a random upstream gradient and random tangents."""
    for _ in range(_ATTEMPTS):
        try:
            point = _attempt(program, ring, size, rng)
        except Resample:
            continue
        _check_facts(program, point)
        return point
    raise DefinitionError(
        f"{program.definition.source}: {program.name}: no random inputs were found at which every binding is defined "
        f"(tried {_ATTEMPTS}); check the domains of its inputs"
    )


def _attempt(program: Program, ring: Ring, size: dict[Axis, int], rng: random.Random) -> Point:
    tensors: dict[str, Array] = {}
    point = Point(ring, size, tensors)
    for given in program.inputs:
        tensors[given.tensor.name] = _draw(given, point, rng)
    for parameter in program.parameters:
        tensors[parameter] = np.asarray(ring.draw("positive", (), rng), dtype=object)
    complete(program, point, tensors)
    tensors[GRAD_OUTPUT] = ring.draw("real", point.shape(program.output.indices), rng)
    for given in program.wrt:
        tensors[TANGENT + given.tensor.name] = ring.draw("real", point.shape(given.tensor.indices), rng)
    for axis, count in size.items():
        tensors[reduced_size(axis)] = np.asarray(ring.constant(Fraction(count - 1)), dtype=object)
    return point


def complete(program: Program, point: Point, tensors: dict[str, Array]) -> None:
    """Compute every binding from the inputs, in order."""
    for binding in program.bindings:
        value = evaluate(binding.value, binding.tensor.indices, point)
        tensors[binding.name] = np.asarray(value, dtype=object)


def reduced_size(axis: Axis) -> str:
    """The name under which a point holds an axis's size minus one; mutants use it in place of the size."""
    return f"{axis.name}-1"


def _draw(given: Given, point: Point, rng: random.Random) -> Array:
    shape = point.shape(given.tensor.indices)
    kind = given.domain.kind
    count = int(np.prod(shape, dtype=int))
    one, zero = (point.ring.constant(Fraction(k)) for k in (1, 0))
    if kind == "labels":
        below = next(size for axis, size in point.sizes.items() if axis.name == given.domain.below)
        return np.array([rng.randrange(below) for _ in range(count)], dtype=np.intp).reshape(shape)
    if kind == "mask":
        return objects([rng.choice((zero, one)) for _ in range(count)], shape)
    if kind == "signs":
        return objects([point.ring.constant(Fraction(rng.choice((-1, 1)))) for _ in range(count)], shape)
    if kind == "one_hot":
        result = np.full(shape, zero, dtype=object)
        for row in np.ndindex(shape[:-1]):
            result[(*row, rng.randrange(shape[-1]))] = one
        return result
    return np.asarray(point.ring.draw(kind, shape, rng), dtype=object)


def _check_facts(program: Program, point: Point) -> None:
    for fact in program.facts:
        left = evaluate(Expr.of([fact.left]), fact.left.free, point)
        right = evaluate(fact.right, fact.left.free, point)
        if any(abs(a - b) > 1e-30 for a, b in zip(np.ravel(left), np.ravel(right), strict=True)):
            raise DefinitionError(
                f"{program.definition.source}: {program.name}: a declared fact does not hold in the domains of its "
                f"inputs (found {np.ravel(left)[0]} for {np.ravel(right)[0]}); correct the fact or the domain"
            )


def draws(program: Program, ring: Ring, count: int, seed: int) -> Iterator[Point]:
    """Points at rotating sizes; the seed makes them reproducible."""
    for draw in range(count):
        yield sample(program, ring, sizes(program, draw), random.Random(f"{seed}:{program.name}:{draw}"))
