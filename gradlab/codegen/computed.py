"""Sums over computed indices: an array read through windows, or the transpose, windows added where they overlap."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlab.codegen.statements import Spread, Value
from gradlab.symbolic.indices import Affine, Index, Slot
from gradlab.symbolic.terms import Delta, Factor, Ref, Term, atom_slots


def computed(atom: object) -> bool:
    """Whether an index of the atom is computed from others."""
    return isinstance(atom, Ref | Delta) and any(isinstance(slot, Affine) for slot in atom_slots(atom))


def split(part: Term) -> tuple[list[Factor], list[Delta], Term]:
    """The arrays that are read at computed indices, the deltas that place at them, and all other factors."""
    deltas = [atom for atom, _ in part.factors if isinstance(atom, Delta) and computed(atom)]
    read = [factor for factor in part.factors if isinstance(factor[0], Ref) and computed(factor[0])]
    rest = tuple(factor for factor in part.factors if factor not in read and factor[0] not in deltas)
    return read, deltas, Term(Fraction(1), rest)


def whole(known: Value, slots: Sequence[Slot]) -> Value:
    """An array with all its axes: those that are read at computed indices have an index of their own."""
    layout = (slot if isinstance(slot, Index) else Index(f"{slot.axis.name}*", slot.axis) for slot in slots)
    return Value(known.name, tuple(layout), known.boolean)


def spread(deltas: Sequence[Delta], values: Sequence[Value], bound: tuple[Index, ...], target: Value) -> Spread | None:
    """A sum that places its terms at computed indices; None where it is of another form."""
    places: dict[Index, Affine] = {}
    for delta in deltas:
        slot, index = (delta.left, delta.right) if isinstance(delta.left, Affine) else (delta.right, delta.left)
        if not isinstance(slot, Affine) or not isinstance(index, Index) or index not in target.layout:
            return None
        places[index] = slot
    # What runs over the windows is spread; what runs over the places in a window alone is the kernel.
    outer = {slot.parts[0][1] for slot in places.values()}
    array, *kernels = sorted(values, key=lambda value: not outer <= set(value.layout))
    if len(kernels) > 1 or not outer <= set(array.layout):
        return None
    slots = tuple(places.get(index, index) for index in target.layout)
    return Spread(target, slots, array, next(iter(kernels), None), bound)


def first_parts(slots: Sequence[Slot]) -> tuple[Index, ...]:
    """One index for each slot: itself, or the first that it is computed from."""
    indices = (slot.parts[0][1] if isinstance(slot, Affine) else slot for slot in slots)
    return tuple(index for index in indices if isinstance(index, Index))


def other_parts(slots: Sequence[Slot]) -> tuple[Index, ...]:
    """The other indices that slots are computed from: the places within a window."""
    return tuple(index for slot in slots if isinstance(slot, Affine) for _, index in slot.parts[1:])
