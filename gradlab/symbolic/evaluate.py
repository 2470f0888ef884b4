"""The value of an index expression at given sizes and tensors, in any ring."""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.errors import DefinitionError
from gradlab.symbolic.components import components
from gradlab.symbolic.rings import Dual, DualRing, Ring
from gradlab.symbolic.terms import (
    Atom,
    Axis,
    Delta,
    Expr,
    Factor,
    Function,
    Index,
    Indicator,
    Position,
    Ref,
    Size,
    Slot,
    Term,
    atom_slots,
)


@dataclass(frozen=True)
class Point:
    """Where an expression is evaluated: a size for each axis, an array for each tensor, and the arithmetic."""

    ring: Ring
    sizes: Mapping[Axis, int]
    tensors: MutableMapping[str, Any]

    def moving(self, slopes: Mapping[str, Any]) -> Point:
        """The same point over dual numbers: the named tensors move, all others stand still."""
        ring = DualRing(self.ring)
        tensors = {
            name: Dual(value, slopes[name]) if name in slopes else ring.dual(value) if value.dtype == object else value
            for name, value in self.tensors.items()
        }
        return Point(ring, self.sizes, tensors)

    def shape(self, indices: Sequence[Index]) -> tuple[int, ...]:
        """The sizes of these indices."""
        return tuple(self.sizes[index.axis] for index in indices)


def evaluate(expression: Expr, free: Sequence[Index], point: Point) -> Any:
    """The array of values, with one axis for each free index, in order; machine integers for the place of a maximum."""
    if expression.position is not None:
        return _place(expression.position, free, point)
    ring = point.ring
    zero = ring.multiply(ring.constant(Fraction(0)), _ones(point, point.shape(free)))
    total = zero
    for term in expression:
        total = ring.add(total, evaluate_term(term, free, point))
    return total


def evaluate_term(term: Term, free: Sequence[Index], point: Point) -> Any:
    """One term, broadcast over all free indices by the addition in `evaluate`."""
    ring = point.ring
    if any(index in free for index in term.bound):
        term = term.fresh()
    outer, parts = components(term)
    value = ring.multiply(ring.constant(outer.coefficient), _product(outer.factors, free, point))
    for part in parts:
        inside = _product(part.factors, (*free, *part.bound), point)
        first = len(free)
        axes = tuple(range(first, first + len(part.bound)))
        # A factor that lacks a summed index would otherwise be counted once instead of as often as the sum runs.
        full = ring.multiply(inside, _ones(point, (1,) * first + point.shape(part.bound)))
        value = ring.multiply(value, ring.sum(full, axes))
    return value


def _place(position: Position, free: Sequence[Index], point: Point) -> Any:
    """Where the monomial is largest, counted row by row along the axes that its searched indices stand on."""
    argument = position.argument.fresh()
    # In the order of the tensor's own axes: of several maxima, the first row by row is found.
    searched = tuple(slot for slot in atom_slots(Position(argument)) if slot in argument.bound)
    layout = (*free, *searched)
    values = evaluate_term(Term(argument.coefficient, argument.factors), layout, point)
    return point.ring.argmax(point.ring.multiply(values, _ones(point, point.shape(layout))), len(searched))


def _ones(point: Point, shape: tuple[int, ...]) -> Any:
    one = point.ring.constant(Fraction(1))
    if isinstance(one, Dual):
        return Dual(np.full(shape, one.value, dtype=object), np.full(shape, one.slope, dtype=object))
    return np.full(shape, one, dtype=object)


def _product(factors: Sequence[Factor], layout: Sequence[Index], point: Point) -> Any:
    value = _ones(point, (1,) * len(layout))
    for atom, exponent in factors:
        item = _atom(atom, layout, point)
        value = point.ring.multiply(value, item if exponent == 1 else point.ring.power(item, exponent))
    return value


def _atom(atom: Atom, layout: Sequence[Index], point: Point) -> Any:
    ring = point.ring
    match atom:
        case Ref(tensor, slots):
            array = point.tensors[tensor]
            return array[tuple(_positions(slot, layout, point) for slot in slots)] if slots else array
        case Delta(left, right):
            equal = _positions(left, layout, point) == _positions(right, layout, point)
            ones = np.where(equal, 1, 0)
            return _integers(ones, point)
        case Size(axis):
            return ring.constant(Fraction(point.sizes[axis]))
        case Function(name, argument):
            return ring.function(name, evaluate_term(argument, layout, point))
        case Indicator(argument):
            return ring.indicator(evaluate_term(argument, layout, point))
        case Position():
            raise DefinitionError("the place of a maximum is used as a number; bind it to a name of its own")


def _integers(values: Any, point: Point) -> Any:
    result = np.empty(values.shape, dtype=object)
    zero, one = (point.ring.constant(Fraction(k)) for k in (0, 1))
    if isinstance(zero, Dual):
        base = values.astype(object) * one.value[()]
        return Dual(base, np.full(values.shape, zero.slope[()], dtype=object))
    result[...] = zero
    result[values == 1] = one
    return result


def _positions(slot: Slot, layout: Sequence[Index], point: Point) -> Any:
    if isinstance(slot, Index):
        shape = [1] * len(layout)
        shape[layout.index(slot)] = -1
        return np.arange(point.sizes[slot.axis]).reshape(shape)
    place = point.tensors[slot.tensor][tuple(_positions(index, layout, point) for index in slot.slots)]
    if not slot.plane:
        return place
    after = slot.plane[slot.plane.index(slot.axis) + 1 :]
    return place // math.prod(point.sizes[axis] for axis in after) % point.sizes[slot.axis]
