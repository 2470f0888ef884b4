"""What a kernel does to its arrays at the door, so that the derivation sees its canonical shapes inside.

`axis` is moved to the end and back; gradients of broadcast operands are summed back to their shapes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gradlab.codegen.statements import Value
from gradlab.operation import Operation

Shapes = dict[str, str]
"""The name of the variable that holds an input's original shape, by input."""


@dataclass(frozen=True)
class Doors:
    """The lines at the head of a routine and the form of its results, for one operation and library."""

    operation: Operation
    sum_to: str
    """How a gradient is summed to a shape, with places for both."""

    @property
    def keywords(self) -> tuple[str, ...]:
        """The keywords of `forward` that the derivation does not know."""
        along = self.operation.along
        if along is None:
            return ()
        return ("axis: int | tuple[int, ...] = -1" if along.several else "axis: int = -1",)

    @property
    def kept(self) -> tuple[str, ...]:
        """What forward hands on beside what the derivation saves, as far as it is used later."""
        if self.operation.along is not None:
            return ("axis", "shape")
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
        if moved and opening and self.operation.along is not None and self.operation.along.several:
            lines.append(f"shape = {moved[0].name}.shape")
        return [*lines, *(f"{value.name} = to_last({value.name}, axis)" for value in moved)]

    def leave(self, value: Value, text: str, argument: str | None = None) -> str:
        """A result as it is returned; `argument` is the input whose gradient it is."""
        if argument in self.shapes:
            return self.sum_to.format(text, self.shapes[argument])
        if not self._moves(value):
            return text
        along = self.operation.along
        return f"from_last({text}, axis, shape)" if along and along.several else f"from_last({text}, axis)"

    def _moves(self, value: Value) -> bool:
        """Whether the array has the axis behind leading dimensions; alone, there is nowhere to move it."""
        along = self.operation.along
        if along is None or not any(index.axis.ellipsis for index in value.layout):
            return False
        return value.layout[-1].axis.name == along.dim
