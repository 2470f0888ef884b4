"""A worked example: the definition and its gradients in numbers, at sizes that fit on a page."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np

from gradlab.errors import DefinitionError
from gradlab.operation import Domain
from gradlab.symbolic.derive import GRAD_OUTPUT, Derivation
from gradlab.symbolic.draw import draw
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.extents import completed, drawn
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Program
from gradlab.symbolic.rings import Digits, UndefinedError, objects
from gradlab.symbolic.sample import complete, complete_named, reduced_size

_HALF = Fraction(1, 2)
_STEP = mpmath.mpf(10) ** -18  # as in `ends`: central differences with an error of about 1e-36
_ATTEMPTS = 10
_TELLING = 0.01  # a gradient that is all but 0, as batch normalisation's is for two rows, shows nothing
_FEW = 3
_ROUNDING = 1e-40  # 60 digits are carried
_ROTATIONS = 8  # among so many choices of sizes is one without an axis of size 1, and a small one


@dataclass(frozen=True)
class Worked:
    """Arrays by name (inputs, bindings, grad_output), the gradients, and one central difference for each of these.

    Arrays are float64, labels are integers. `quotients` gives the position of an entry and the difference quotient of
    sum(grad_output * output) there, computed from the definition alone.
    """

    sizes: Mapping[Axis, int]
    tensors: Mapping[str, Any]
    gradients: Mapping[str, Any]
    quotients: Mapping[str, tuple[tuple[int, ...], float]]


def worked(derivation: Derivation) -> Worked:
    """The example of an operation, the same each time.

    Raises DefinitionError where no small point is found at which all of it is defined.
    """
    program = derivation.program
    rng = random.Random(f"worked:{program.name}")
    spare: Worked | None = None
    with mpmath.workdps(Digits.digits):
        for size, integers in _sizes(program):
            for _ in range(_ATTEMPTS):
                point = small_point(program, size, rng, integers)
                if point is not None:
                    found = _evaluated(derivation, point)
                    if _tells(found):
                        return found
                    spare = spare or found
    if spare is None:
        raise DefinitionError(f"{program.name}: no small numbers at which it is defined; check its inputs' domains")
    return spare


def _tells(found: Worked) -> bool:
    """Whether every gradient differs from 0, and no difference quotient reaches over a kink."""
    return all(
        np.abs(gradient).max(initial=0) > _TELLING
        and abs(found.quotients[name][1] - gradient[found.quotients[name][0]]) < _TELLING
        for name, gradient in found.gradients.items()
    )


def _sizes(program: Program) -> Iterator[tuple[Mapping[Axis, int], Mapping[str, int]]]:
    """Two or three everywhere, three where windows are cut; then what a proof would draw, small sizes first.

    With them come the integer parameters.
    """
    default = {p.name: int(p.default) for p in program.definition.parameters if p.integer}
    cut = {windows.slot.axis for windows in program.windows.values()}
    few = len(program.axes) <= _FEW
    for three in (len(program.axes) - 1, 0):
        base = {axis: 3 if axis in cut or (few and k == three) else 2 for k, axis in enumerate(program.axes)}
        if cut:
            base[program.axes[0]] = 1  # one sample of a batch
        yield completed(program, base, default), default
    found = [drawn(program, number) for number in range(_ROTATIONS)]
    yield from sorted(
        found, key=lambda pair: (1 in pair[0].values(), np.prod([*pair[0].values()]), [*pair[0].values()])
    )


def small_point(
    program: Program, size: Mapping[Axis, int], rng: random.Random, integers: Mapping[str, int]
) -> Point | None:
    """Inputs that are whole numbers and halves where the domain has such; None where something is undefined there."""
    if min(size.values()) < 1:
        return None
    ring = Digits()
    point = Point(ring, size, {}, integers)
    for axis, count in size.items():
        point.tensors[reduced_size(axis)] = np.asarray(ring.constant(Fraction(count - 1)), dtype=object)
    for parameter in program.definition.parameters:
        number = integers[parameter.name] if parameter.integer else parameter.default
        point.tensors[parameter.name] = np.asarray(ring.constant(Fraction(str(number))), dtype=object)
    by_name = {axis.name: count for axis, count in size.items()}
    for given in program.inputs:
        point.tensors[given.tensor.name] = _simple(given.domain, point.shape(given.tensor.indices), by_name, rng)
    point.tensors[GRAD_OUTPUT] = _numbers(-2, 2, point.shape(program.output.indices), rng)
    try:
        return point if complete(program, point, point.tensors) is None else None
    except UndefinedError:
        return None


def _simple(domain: Domain, shape: tuple[int, ...], by_name: Mapping[str, int], rng: random.Random) -> Any:
    reach = {"real": (-2.0, 2.0), "positive": (0.5, 3.0), "non_negative": (0.0, 3.0)}
    low, high = reach.get(domain.kind, (0.0, 0.0))
    low, high = max(low, domain.minimum), min(high, domain.maximum)
    if low >= high:  # a domain of its own
        return draw(domain, shape, Digits(), by_name, rng)
    return _numbers(Fraction(low), Fraction(high), shape, rng)


def _numbers(low: Fraction | int, high: Fraction | int, shape: tuple[int, ...], rng: random.Random) -> Any:
    """Whole numbers and halves between two bounds other than 0, different ones as long as there are enough."""
    grid = [low + step * _HALF for step in range(int((high - low) / _HALF) + 1)]
    grid = [value for value in grid if value] or [Fraction(low)]
    count = int(np.prod(shape, dtype=int))
    shuffled = itertools.chain.from_iterable(rng.sample(grid, len(grid)) for _ in range(count // len(grid) + 1))
    return objects([Digits().constant(Fraction(value)) for value in itertools.islice(shuffled, count)], shape)


def _evaluated(derivation: Derivation, point: Point) -> Worked:
    program = derivation.program
    complete_named(derivation, point)
    gradients, quotients = {}, {}
    for name, result in derivation.gradients.items():
        shape = point.shape(result.free)
        value = np.broadcast_to(np.asarray(evaluate(result.value, result.free, point), dtype=object), shape)
        gradients[name] = floats(value)
        largest = np.unravel_index(int(np.argmax(np.abs(floats(value)))), shape) if value.size else ()
        place = tuple(int(position) for position in largest)
        quotients[name] = place, float(_quotient(program, point, name, place))
    shown = (*(given.tensor.name for given in program.inputs), *(b.name for b in program.bindings), GRAD_OUTPUT)
    tensors = {}
    for name in shown:
        indices = program.output.indices if name == GRAD_OUTPUT else program.tensors[name].indices
        tensors[name] = floats(np.broadcast_to(point.tensors[name], point.shape(indices)))
    return Worked(point.sizes, tensors, gradients, quotients)


def floats(value: Any) -> Any:
    """An array of digits as float64, without what rounding leaves of 0; integers stay what they are."""
    if value.dtype != object:
        return value
    rounded = value.astype(np.float64)
    return np.where(np.abs(rounded) < _ROUNDING, 0.0, rounded)


def _quotient(program: Program, point: Point, name: str, place: tuple[int, ...]) -> Any:
    """(L(x + h) - L(x - h)) / (2 h) for L = sum(grad_output * output), by the definition alone."""
    ends = []
    for sign in (1, -1):
        tensors = dict(point.tensors)
        moved = np.array(tensors[name], dtype=object)
        moved[place] += sign * _STEP
        tensors[name] = moved
        complete(program, Point(point.ring, point.sizes, tensors, point.integers), tensors)
        ends.append(np.sum(tensors[program.output.name] * tensors[GRAD_OUTPUT]))
    return (ends[0] - ends[1]) / (2 * _STEP)
