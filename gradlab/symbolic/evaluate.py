"""The value of an index expression at given sizes and tensors, in any ring."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.errors import DefinitionError
from gradlab.symbolic.components import components
from gradlab.symbolic.indices import Affine, Axis, Index, Slot, slot_indices
from gradlab.symbolic.rings import Dual, DualRing, Ring, UndefinedError
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Factor,
    Function,
    Indicator,
    Order,
    Position,
    Prod,
    Ref,
    Size,
    Term,
    atom_indices,
    atom_slots,
    operands,
)


@dataclass(frozen=True)
class Point:
    """Where an expression is evaluated: a size for each axis, an array for each tensor, and the arithmetic.

    `integers` holds the integer parameters as machine integers, for indices that are computed from them.
    """

    ring: Ring
    sizes: Mapping[Axis, int]
    tensors: MutableMapping[str, Any]
    integers: Mapping[str, int] = field(default_factory=dict)

    def moving(self, slopes: Mapping[str, Any]) -> Point:
        """The same point over dual numbers: the named tensors move, all others stand still."""
        ring = DualRing(self.ring)
        tensors = {
            name: Dual(value, slopes[name]) if name in slopes else ring.dual(value) if value.dtype == object else value
            for name, value in self.tensors.items()
        }
        return Point(ring, self.sizes, tensors, self.integers)

    def shape(self, indices: Sequence[Index]) -> tuple[int, ...]:
        """The sizes of these indices."""
        return tuple(self.sizes[index.axis] for index in indices)


Known = MutableMapping[tuple[str, tuple[Index, ...]], Any]
"""Values of terms without their coefficients, by their keys and free indices, at one point."""


def evaluate(expression: Expr, free: Sequence[Index], point: Point, known: Known | None = None) -> Any:
    """The array of values, with one axis for each free index, in order; `known` remembers terms between calls.

    The place of a maximum comes as machine integers.
    """
    if expression.position is not None:
        return _place(expression.position, free, point)
    ring = point.ring
    zero = ring.multiply(ring.constant(Fraction(0)), _ones(point, point.shape(free)))
    total = zero
    for term in expression:
        total = ring.add(
            total, evaluate_term(term, free, point) if known is None else _recalled(term, free, point, known)
        )
    return total


def _recalled(term: Term, free: Sequence[Index], point: Point, known: Known) -> Any:
    key = term.body, tuple(free)
    if key not in known:
        known[key] = evaluate_term(term.scaled(1 / term.coefficient), free, point)
    return point.ring.multiply(point.ring.constant(term.coefficient), known[key])


def evaluate_term(term: Term, free: Sequence[Index], point: Point) -> Any:
    """One term, broadcast over all free indices by the addition in `evaluate`."""
    ring = point.ring
    if any(index in free for index in term.bound):
        term = term.fresh()
    outer, parts = components(term)
    value = ring.multiply(ring.constant(outer.coefficient), _product(outer.factors, free, point))
    for part in parts:
        value = ring.multiply(value, _summed(part, free, point))
    return value


def _place(position: Position, free: Sequence[Index], point: Point) -> Any:
    """Where the monomial is largest, counted row by row along the axes that its searched indices stand on."""
    argument = position.argument.fresh()
    slots = [slot for slot in atom_slots(Position(argument)) if not set(argument.bound).isdisjoint(slot_indices(slot))]
    # In the order of the tensor's own axes: of several maxima, the first row by row is found.
    searched = tuple(dict.fromkeys(i for slot in slots for i in slot_indices(slot) if i in argument.bound))
    layout, shape = (*free, *searched), point.shape(free)
    positions = [np.broadcast_to(_positions(slot, layout, point), point.shape(layout)) for slot in slots]
    inside = np.ones(point.shape(layout), dtype=bool)
    for slot, found in zip(slots, positions, strict=True):
        inside &= (found >= 0) & (found < point.sizes[slot.axis])
    empty = ~inside.any(axis=tuple(range(len(free), len(layout))))
    if empty.any():
        raise UndefinedError("the maximum of nothing", empty)
    values = evaluate_term(Term(argument.coefficient, argument.factors), layout, point)
    values = point.ring.multiply(values, _ones(point, point.shape(layout)))
    at = point.ring.argmax(values, len(searched), inside)[..., None]
    place = np.zeros(shape, dtype=np.intp)
    for slot, found in zip(slots, positions, strict=True):
        place = place * point.sizes[slot.axis] + np.take_along_axis(found.reshape((*shape, -1)), at, -1)[..., 0]
    return place


def _summed(part: Term, free: Sequence[Index], point: Point) -> Any:
    """A sum, one index at a time: only the factors that have it are multiplied, so no array has all indices at once."""
    ring, layout = point.ring, (*free, *part.bound)
    groups = [({*atom_indices(atom)}, _product([(atom, e)], layout, point)) for atom, e in part.factors]
    left = list(part.bound)
    while left:
        index = min(left, key=lambda own: len(set().union(*(indices for indices, _ in groups if own in indices))))
        left.remove(index)
        involved = [group for group in groups if index in group[0]]
        groups = [group for group in groups if index not in group[0]]
        product = _ones(point, (1,) * len(layout))
        for _, value in involved:
            product = ring.multiply(product, value)
        axis = layout.index(index)
        kept = ring.sum(product, (axis,))[(slice(None),) * axis + (None,)]
        groups.append((set().union(*(indices for indices, _ in involved)) - {index}, kept))
    result = _ones(point, (1,) * len(layout))
    for _, value in groups:
        result = ring.multiply(result, value)
    return ring.sum(result, tuple(range(len(free), len(layout))))


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
            return _entries(array, slots, layout, point) if slots else array
        case Delta(left, right):
            equal = _positions(left, layout, point) == _positions(right, layout, point)
            ones = np.where(equal, 1, 0)
            return _integers(ones, point)
        case Size(axis):
            return ring.constant(Fraction(point.sizes[axis]))
        case Constant(name):
            return ring.named(name)
        case Function(name):
            return ring.function(name, *(evaluate_term(operand, layout, point) for operand in operands(atom)))
        case Indicator(argument, ()):
            return ring.indicator(evaluate_term(argument, layout, point))
        case Indicator(_, _, closed):
            middle, low, high = (evaluate_term(operand, layout, point) for operand in operands(atom))
            if closed:
                return ring.multiply(_not_above(low, middle, ring), _not_above(middle, high, ring))
            return ring.multiply(_above(middle, low, ring), _above(high, middle, ring))
        case Position():
            raise DefinitionError("the place of a maximum is used as a number; bind it to a name of its own")
        case Order(left, right):
            return _integers(np.where(_positions(left, layout, point) <= _positions(right, layout, point), 1, 0), point)
        case Prod():
            return _running_product(atom, layout, point)


def _above(left: Any, right: Any, ring: Ring) -> Any:
    return ring.indicator(ring.add(left, ring.multiply(ring.constant(Fraction(-1)), right)))


def _not_above(left: Any, right: Any, ring: Ring) -> Any:
    above = _above(left, right, ring)
    return ring.add(ring.constant(Fraction(1)), ring.multiply(ring.constant(Fraction(-1)), above))


def _running_product(atom: Prod, layout: Sequence[Index], point: Point) -> Any:
    """Factor by factor, with 1 for the entries that are left out: no division, so it is exact in every ring."""
    ring = point.ring
    (running,) = atom.argument.bound
    count = point.sizes[running.axis]
    entry = Term(atom.argument.coefficient, atom.argument.factors)
    inside = ring.multiply(evaluate_term(entry, (*layout, running), point), _ones(point, (1,) * len(layout) + (count,)))
    places = [_positions(slot, layout, point) for slot in atom.without]
    total = _ones(point, (1,) * len(layout))
    for first, second in itertools.combinations(places, 2):
        total = ring.multiply(total, _integers(np.where(first == second, 0, 1), point))
    for k in range(count):
        factor = inside[..., k]
        if places:
            left_out = np.any(np.broadcast_arrays(*(place == k for place in places)), axis=0)
            keep, skip = (_integers(np.where(left_out, *pair), point) for pair in ((0, 1), (1, 0)))
            factor = ring.add(ring.multiply(factor, keep), skip)
        total = ring.multiply(total, factor)
    return total


def _entries(array: Any, slots: Sequence[Slot], layout: Sequence[Index], point: Point) -> Any:
    """The entries of a tensor; 0 where a computed index points outside its axis."""
    positions, inside = [], None
    for slot in slots:
        position = _positions(slot, layout, point)
        if isinstance(slot, Affine):
            kept = (position >= 0) & (position < point.sizes[slot.axis])
            inside = kept if inside is None else inside & kept
            position = np.where(kept, position, 0)
        positions.append(position)
    found = array[tuple(positions)]
    return found if inside is None else point.ring.multiply(found, _integers(np.where(inside, 1, 0), point))


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
    if isinstance(slot, Affine):
        offset = sum(scale.value(point.integers) for scale in slot.offset)
        parts = (scale.value(point.integers) * _positions(index, layout, point) for scale, index in slot.parts)
        return sum(parts, start=np.full((1,) * len(layout), offset))
    place = point.tensors[slot.tensor][tuple(_positions(index, layout, point) for index in slot.slots)]
    if not slot.plane:
        return place
    after = slot.plane[slot.plane.index(slot.axis) + 1 :]
    return place // math.prod(point.sizes[axis] for axis in after) % point.sizes[slot.axis]
