"""Indices and the slots of a tensor: an index itself, one that is looked up, or one that is computed from others."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from gradlab.errors import DefinitionError

_fresh = itertools.count()


@dataclass(frozen=True, slots=True, order=True)
class Axis:
    """A sort of index. `ellipsis` marks the axis that stands for any number of leading dimensions.

    `parameter` marks an axis whose size is the integer parameter of that name.
    """

    name: str
    ellipsis: bool = False
    parameter: bool = False

    @property
    def size(self) -> str:
        """The name of its size, as the author writes it."""
        return self.name if self.parameter else self.name.upper()


@dataclass(frozen=True, slots=True, order=True)
class Index:
    """A variable that runs over an axis."""

    name: str
    axis: Axis

    @staticmethod
    def fresh(axis: Axis) -> Index:
        """An index that occurs nowhere else; every renaming goes through it, so nothing is ever captured."""
        return Index(f"{axis.name}#{next(_fresh)}", axis)


@dataclass(frozen=True, slots=True, order=True)
class Gather:
    """The index that an integer tensor holds, as in x[n, label[n]]; it is looked up, never solved for.

    Where a position was searched along several axes, `plane` names them: the tensor then holds places in that plane,
    counted row by row, and the gather is the coordinate along `axis`.
    """

    tensor: str
    slots: tuple[Index, ...]
    axis: Axis
    plane: tuple[Axis, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Scale:
    """A whole number times integer parameters: 2, stride, -padding."""

    number: int
    parameters: tuple[str, ...] = ()

    def value(self, integers: Mapping[str, int]) -> int:
        """The number, for given parameters."""
        return self.number * math.prod(integers[name] for name in self.parameters)

    def __str__(self) -> str:
        """Without its sign."""
        number = [] if abs(self.number) == 1 and self.parameters else [str(abs(self.number))]
        return "*".join([*number, *self.parameters])


@dataclass(frozen=True, slots=True, order=True)
class Affine:
    """An index computed from others, as in x[stride*o + dilation*a - padding]; it is never solved for.

    It may point outside its axis: the entries there are 0, by definition.
    """

    parts: tuple[tuple[Scale, Index], ...]
    offset: tuple[Scale, ...]
    axis: Axis


Slot = Index | Gather | Affine
Renaming = Mapping[Index, Slot]


def slot_indices(slot: Slot) -> Iterator[Index]:
    """The indices that a slot depends on."""
    match slot:
        case Index():
            yield slot
        case Gather():
            yield from slot.slots
        case Affine(parts):
            yield from (index for _, index in parts)


def rename_slot(slot: Slot, renaming: Renaming) -> Slot:
    """Replace indices inside a slot. What is computed from indices may only be computed from plain ones."""
    if isinstance(slot, Index):
        return renaming.get(slot, slot)
    inner = tuple(new for index in slot_indices(slot) if isinstance(new := renaming.get(index, index), Index))
    if len(inner) != len(tuple(slot_indices(slot))):
        shown = show_slot(slot, lambda index: index.name)
        raise DefinitionError(f"the index {shown} would depend on a computed index; bind the inner lookup first")
    if isinstance(slot, Gather):
        return replace(slot, slots=inner)
    return Affine(
        tuple((scale, new) for (scale, _), new in zip(slot.parts, inner, strict=True)), slot.offset, slot.axis
    )


def show_slot(slot: Slot, name: Callable[[Index], str]) -> str:
    """A slot as text; the caller names the indices."""
    match slot:
        case Index():
            return name(slot)
        case Gather(tensor, slots, axis, plane):
            return f"{tensor}{f'.{axis.name}' if plane else ''}[{','.join(name(index) for index in slots)}]"
        case Affine(parts, offset):
            one = Scale(1)
            shown = [name(index) if scale == one else f"{scale}*{name(index)}" for scale, index in parts]
            return " + ".join(shown) + "".join(f" {'-' if s.number < 0 else '+'} {s}" for s in offset)
