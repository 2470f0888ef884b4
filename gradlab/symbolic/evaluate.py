"""The value of an index expression at given sizes and tensors, in any ring."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from gradlab.symbolic.components import components
from gradlab.symbolic.rings import Dual, DualRing, Ring
from gradlab.symbolic.terms import (
    Atom,
    Axis,
    Constant,
    Delta,
    Expr,
    Factor,
    Function,
    Index,
    Indicator,
    Ref,
    Size,
    Slot,
    Term,
    operands,
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
    """The array of values, with one axis for each free index, in order."""
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


def _above(left: Any, right: Any, ring: Ring) -> Any:
    return ring.indicator(ring.add(left, ring.multiply(ring.constant(Fraction(-1)), right)))


def _not_above(left: Any, right: Any, ring: Ring) -> Any:
    above = _above(left, right, ring)
    return ring.add(ring.constant(Fraction(1)), ring.multiply(ring.constant(Fraction(-1)), above))


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
    return point.tensors[slot.tensor][tuple(_positions(index, layout, point) for index in slot.slots)]
