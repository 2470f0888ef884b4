"""NumPy: arrays that are flattened from one axis on, so that arithmetic runs over whole rows."""

from __future__ import annotations

from dataclasses import replace

from gradlab.codegen.printer import bare_text, operand_text
from gradlab.codegen.sizes import Sizes
from gradlab.codegen.statements import Combine, Operand, Value
from gradlab.symbolic.indices import Index

Layout = tuple[Index, ...]


class Rows:
    """The flattened arrays of one routine, each with its block: the position of the axis that its rows begin with."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.blocks: dict[str, int] = {}

    def block(self, value: Value) -> int | None:
        """None for an array in its own shape."""
        return self.blocks.get(value.name)

    def flatten(self, value: Value, block: int) -> None:
        """From here on the name means rows."""
        self.blocks[value.name] = block

    def unflattened(self, value: Value) -> list[str]:
        """The line that gives an array its own shape back, where it was flattened."""
        if self.block(value) is None:
            return []
        line = f"{value.name} = {self.own(value)}"
        del self.blocks[value.name]
        return [line]

    def crossed(self, statement: Combine) -> bool:
        """Whether rows meet what differs between rows and within them, which would be full-size if it were repeated."""
        block = self.block(statement.target) if statement.left == statement.target else None
        if block is None:
            return False
        layout, inside = statement.target.layout, set(statement.right.layout)
        return inside != set(layout) and not inside.isdisjoint(layout[:block]) and not inside.isdisjoint(layout[block:])

    def own(self, value: Value) -> str:
        """An array in its own shape."""
        return f"{value.name}.reshape({', '.join(self.sizes.size(index.axis) for index in value.layout)})"

    def whole(self, value: Value) -> Value:
        """The same under a name that has its own shape."""
        return replace(value, name=self.own(value)) if self.block(value) is not None else value

    def operand(self, operand: Operand, layout: Layout, *, bare: bool = False) -> str:
        """An operand for arithmetic on arrays of a layout."""
        return (bare_text if bare else operand_text)(self._whole(operand), layout, self.sizes)

    def shaped(self, value: Value) -> str:
        """An array as it stands in a sum."""
        return self.operand(value, value.layout)

    def row(self, operand: Operand, layout: Layout, block: int) -> str:
        """An operand for arithmetic on whole rows."""
        if operand.layout != layout:
            return self._repeat(operand, layout, block) if operand.layout else operand_text(operand, (), self.sizes)
        if isinstance(operand, Value) and self.block(operand) is not None:
            return operand.name
        text = operand.name if isinstance(operand, Value) else f"({operand_text(operand, layout, self.sizes)})"
        return f"{text}.reshape({self._shape(layout, block)})"

    def _repeat(self, operand: Operand, layout: Layout, block: int) -> str:
        """A smaller operand, as long as the rows that it meets."""
        inside = tuple(index for index in layout if index in operand.layout)
        operand = self._whole(operand)
        first, last = layout.index(inside[0]), layout.index(inside[-1]) + 1
        text = bare_text(operand, inside, self.sizes)
        if layout[first:] == inside and first in (0, block):  # in another order
            shape = [self.sizes.size(index.axis) for index in layout[first:block]]
            return f"({text}).reshape({', '.join([*shape, self.sizes.product(i.axis for i in layout[block:])])})"
        if layout[first:last] == inside and first in (0, block):
            if last <= block:  # one number for each row
                return operand_text(operand, (*inside, layout[-1]), self.sizes)
            return f"np.repeat({text}, {self.sizes.product(index.axis for index in layout[last:])})"
        whole = f"np.broadcast_to({operand_text(operand, layout, self.sizes)}, {self.sizes.shape(layout)})"
        return f"{whole}.reshape({self._shape(layout, block)})"

    def _shape(self, layout: Layout, block: int) -> str:
        leading = ", ".join(self.sizes.size(index.axis) for index in layout[:block])
        return f"{leading}, {self.sizes.product(index.axis for index in layout[block:])}"

    def _whole(self, operand: Operand) -> Operand:
        return self.whole(operand) if isinstance(operand, Value) else operand


def repeated(statement: Combine) -> int | None:
    """Where a per-channel operand meets (n, c, h, w): the position of c.

    Broadcasting it as (c, 1, 1) would make the innermost loop as short as h * w; repeated to c * h * w, it runs over
    whole rows (1.3-1.45x faster).
    """
    layout = statement.target.layout
    for operand in (statement.left, statement.right):
        inside = operand.layout
        if not inside or len(layout) < 3 or any(index.axis.ellipsis for index in layout):
            continue
        first = layout.index(inside[0])
        if first > 0 and layout[first : first + len(inside)] == inside and layout[-1] not in inside:
            return first
    return None
