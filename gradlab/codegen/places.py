"""Slots of a lookup as both printers read them: which axes each stands for, and how they are found in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradlab.codegen.printer import align, suffix
from gradlab.codegen.sizes import Sizes
from gradlab.codegen.statements import Value
from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Affine, Axis, Gather, Index, Slot, slot_indices


@dataclass(frozen=True)
class Place:
    """One slot, or the slots of one position in a plane taken together."""

    slot: Index | Gather
    axes: tuple[Axis, ...]

    @property
    def gather(self) -> bool:
        """Whether it is looked up."""
        return isinstance(self.slot, Gather)

    @property
    def tensor(self) -> str:
        """The tensor that holds the positions."""
        assert isinstance(self.slot, Gather)  # asked of gathers only
        return self.slot.tensor

    def size(self, sizes: Sizes) -> str:
        """How many entries it chooses from."""
        return sizes.product(self.axes) if len(self.axes) > 1 else sizes.size(self.axes[0])

    def text(self, layout: tuple[Index, ...], arange: str, sizes: Sizes) -> str:
        """Its values, aligned to a layout; `arange`, with {} for a size, makes the numbers of a plain index."""
        if isinstance(self.slot, Index):
            return arange.format(self.size(sizes)) + suffix((self.slot,), layout)
        return align(Value(self.slot.tensor, self.slot.slots), layout)


def places(slots: Sequence[Slot], operation: str) -> list[Place]:
    """The slots with those of each plane together; a plane stands beside each other and is whole, or has no code."""
    result: list[Place] = []
    rest = list(slots)
    while rest:
        slot = rest.pop(0)
        if isinstance(slot, Affine):
            raise DefinitionError(f"{operation}: no code for a computed index beside a lookup; bind the entry first")
        if isinstance(slot, Index) or not slot.plane:
            result.append(Place(slot, (slot.axis,)))
            continue
        others = [Gather(slot.tensor, slot.slots, axis, slot.plane) for axis in slot.plane[1:]]
        if slot.axis != slot.plane[0] or rest[: len(others)] != others:
            raise DefinitionError(f"{operation}: no code for {slot.tensor} along some of its axes alone")
        del rest[: len(others)]
        result.append(Place(slot, slot.plane))
    return result


def apart(items: Sequence[Place]) -> int | None:
    """The position of the only gather, where nothing else depends on its indices: whole slices are looked up."""
    found = [position for position, item in enumerate(items) if item.gather]
    others = {index for item in items if not item.gather for index in slot_indices(item.slot)}
    return found[0] if len(found) == 1 and others.isdisjoint(slot_indices(items[found[0]].slot)) else None


def along(items: Sequence[Place]) -> int | None:
    """The position of the only gather, where it depends on all other slots, in order: one entry of each row."""
    found = [position for position, item in enumerate(items) if item.gather]
    others = tuple(item.slot for item in items if not item.gather)
    return found[0] if len(found) == 1 and others == tuple(slot_indices(items[found[0]].slot)) else None


def repeated(items: Sequence[Place]) -> set[Index]:
    """The indices that stand in two slots of their own: of a diagonal."""
    plain = [item.slot for item in items if isinstance(item.slot, Index)]
    return {index for index in plain if plain.count(index) > 1}


def flat(items: Sequence[Place], layout: tuple[Index, ...], arange: str, sizes: Sizes) -> str:
    """Positions in the flattened array: ((n * C + c) * H + h) * W + w. `arange` is written with {} for the size."""
    text, *rest = (item.text(layout, arange, sizes) for item in items)
    for item, own in zip(items[1:], rest, strict=True):
        text = f"{f'({text})' if ' + ' in text else text} * {item.size(sizes)} + {own}"
    return text


def no_leading(items: Sequence[Place], operation: str) -> None:
    """Refuse a lookup whose positions would have to be counted over any number of leading dimensions."""
    if any(isinstance(item.slot, Index) and item.slot.axis.ellipsis for item in items):
        raise DefinitionError(f"{operation}: no code for this lookup with leading dimensions; leave leading out")
