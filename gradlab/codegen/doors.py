"""What a kernel does to its arrays at the door, so that the derivation sees its canonical shapes inside.

`axis` is moved to the end and back; gradients of broadcast operands are summed back to their shapes; a packed axis is
taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradlab.codegen.statements import Value
from gradlab.operation import Operation
from gradlab.symbolic.derive import GRAD_OUTPUT

Shapes = dict[str, str]
"""The name of the variable that holds an input's original shape, by input."""


@dataclass(frozen=True)
class Doors:
    """The lines at the head of a routine and the form of its results, for one operation."""

    operation: Operation

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords of `forward` that the derivation does not know."""
        along = self.operation.along
        if along is None:
            return ()
        return ("axis: int | tuple[int, ...] | None = -1" if along.several else "axis: int = -1",)

    @property
    def kept_keywords(self) -> tuple[str, ...]:
        """The keyword that keeps the axes of a reduction, of size 1."""
        return ("keepdims: bool = False",) if self.operation.reduces else ()

    @property
    def kept(self) -> tuple[str, ...]:
        """What forward hands on beside what the derivation saves, as far as it is used later."""
        if self.operation.along is not None:
            return ("axis", "shape", "keepdims") if self.operation.reduces else ("axis", "shape")
        return tuple(self.shapes.values())

    @property
    def shapes(self) -> Shapes:
        """Variables for the shapes of broadcast inputs."""
        names = [argument.name for argument in self.operation.arguments if argument.differentiable]
        return {name: f"{name}_shape" for name in names} if self.operation.broadcast else {}

    def enter(self, arguments: Iterable[Value], *, opening: bool) -> list[str]:
        """The first lines of a routine; `opening` is the forward, which alone sees the original shapes."""
        values = list(arguments)
        lines = [f"{shape} = {name}.shape" for name, shape in self.shapes.items()] if opening else []
        moved = [value for value in values if self._moves(value)]
        along, reduces = self.operation.along, self.operation.reduces
        if moved and opening and along is not None and (along.several or reduces):
            lines.append(f"shape = {moved[0].name}.shape")
        if reduces and any(value.name == GRAD_OUTPUT for value in values):
            lines.append(f"{GRAD_OUTPUT} = drop_axes({GRAD_OUTPUT}, axis, shape, keepdims)")
        lines += [f"{value.name} = to_last({value.name}, axis)" for value in moved]
        return lines + [self._unpacked(v.name, place) for v in values if (place := self._packed(v)) is not None]

    def leave(self, value: Value, text: str, argument: str | None = None) -> str:
        """A result as it is returned; `argument` is the input whose gradient it is."""
        if argument in self.shapes:
            return f"sum_to_shape({text}, {self.shapes[argument]})"
        place = self._packed(value)
        if place is not None:
            return f"pack({text}, {place})"
        if argument is None and self.operation.reduces:
            return f"keep_axes({text}, axis, shape, keepdims)"
        if not self._moves(value):
            return text
        along = self.operation.along
        return f"from_last({text}, axis, shape)" if along and along.several else f"from_last({text}, axis)"

    def _packed(self, value: Value) -> int | None:
        """The place of the groups among the axes of an array that has them."""
        packed, names = self.operation.packed, [index.axis.name for index in value.layout]
        return names.index(packed.groups) if packed is not None and packed.groups in names else None

    def _unpacked(self, name: str, place: int) -> str:
        assert self.operation.packed is not None
        groups = self.operation.packed.groups
        return f'{name} = unpack({name}, {place}, "{self.operation.name}", {groups}={groups})'

    def _moves(self, value: Value) -> bool:
        """Whether the array has the axis behind leading dimensions; alone, there is nowhere to move it."""
        along = self.operation.along
        if along is None or not any(index.axis.ellipsis for index in value.layout):
            return False
        return value.layout[-1].axis.name == along.dim
