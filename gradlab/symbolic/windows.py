"""Axes without an input: as many windows as fit into an axis that is padded alike on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradlab.symbolic.indices import Affine, Axis, Index, Scale


@dataclass(frozen=True, slots=True)
class Windows:
    """The size of an axis that only computed indices have, such as o in x[stride*o + dilation*a - padding].

    An offset below 0 is padding in front, and the same stands behind; the size is then torch's and cuDNN's
    (H + 2*padding - dilation*(A - 1) - 1) // stride + 1. `ceil` names an integer parameter, 0 or 1: where it is 1, a
    rest adds one more window, unless that began behind the axis (torch's ceil_mode).
    """

    axis: Axis
    slot: Affine
    ceil: str = ""

    @property
    def outer(self) -> tuple[Scale, Index]:
        """The part of the computed index that runs over the axis."""
        return next(part for part in self.slot.parts if part[1].axis == self.axis)

    @property
    def inner(self) -> tuple[tuple[Scale, Index], ...]:
        """The other parts: where an entry is within its window."""
        return tuple(part for part in self.slot.parts if part[1].axis != self.axis)

    def count(self, sizes: Mapping[Axis, int], integers: Mapping[str, int]) -> int:
        """The size, below 1 where no window fits."""
        room = sizes[self.slot.axis] - 1
        room -= 2 * sum(scale.value(integers) for scale in self.slot.offset)
        room -= sum(scale.value(integers) * (sizes[index.axis] - 1) for scale, index in self.inner)
        step = self.outer[0].value(integers)
        if not self.ceil:
            return room // step + 1
        last = (sizes[self.slot.axis] - 1 - sum(scale.value(integers) for scale in self.slot.offset)) // step
        return min((room + integers[self.ceil] * (step - 1)) // step + 1, last + 1)

    def formula(self, name: Mapping[Axis, str]) -> str:
        """The same as Python, over the names of sizes and parameters."""
        room = [name[self.slot.axis], *self._shortened(2)]
        # The window itself takes one place: with the first inner index of step 1 that is its whole size.
        single = next((part for part in self.inner if part[0] == Scale(1)), None)
        for part in self.inner:
            scale, index = part
            times = "" if scale == Scale(1) else f"{_times(scale)} * "
            room.append(f"- {name[index.axis]}" if part is single else f"- {times}({name[index.axis]} - 1)")
        if self.ceil:
            step, one = _times(self.outer[0]), [] if single else ["- 1"]
            most = " ".join([*room, *one, f"+ {self.ceil} * ({step} - 1)"])
            last = " ".join([name[self.slot.axis], *self._shortened(1), "- 1"])
            return f"min(({most}) // {step} + 1, ({last}) // {step} + 1)"
        if self.outer[0] == Scale(1):
            return " ".join([*room, *(["+ 1"] if single else [])])
        return f"({' '.join([*room, *([] if single else ['- 1'])])}) // {_times(self.outer[0])} + 1"

    def _shortened(self, times: int) -> list[str]:
        """What an offset, once in front or at both ends, takes from the size of the axis; padding adds to it."""
        signs = (("+" if s.number < 0 else "-", Scale(times * s.number, s.parameters)) for s in self.slot.offset)
        return [f"{sign} {_times(scale)}" for sign, scale in signs]


def _times(scale: Scale) -> str:
    return str(scale).replace("*", " * ")
