"""Sums over computed indices read as convolutions: which index is the batch, which are groups, channels and places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradlab.codegen.computed import first_parts, other_parts
from gradlab.codegen.sizes import Sizes, parenthesised
from gradlab.codegen.statements import Slide, Spread, Value
from gradlab.symbolic.indices import Affine, Index, Scale, Slot

Indices = tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Roles:
    """The indices of a product of two arrays: each entry of the batch is a matrix product for each group.

    `rows` and `columns` are those of the result, `shared` are summed. For a convolution the rows are output channels
    and the columns are windows; for the gradient of the kernel the columns are input channels and places in a window.
    """

    batch: Index
    groups: Indices
    rows: Indices
    shared: Indices
    columns: Indices


def forward_roles(statement: Slide) -> Roles | None:
    """The convolution itself: y[n, g, f, o] = sum of kernel[g, f, c, a] * x[n, g, c, stride*o + a]."""
    array, kernel = (*first_parts(statement.slots), *other_parts(statement.slots)), statement.kernel
    if kernel is None or not _batched(statement.slots, kernel, inside=False):
        return None
    own, target = set(kernel.layout), statement.target.layout
    groups = tuple(index for index in kernel.layout if index in target and index in array)
    rows = tuple(index for index in kernel.layout if index not in array)
    shared = tuple(index for index in kernel.layout if index in statement.bound and index in array)
    columns = tuple(index for index in array[1:] if index not in own)
    if set(shared) != set(statement.bound) or target != (array[0], *groups, *rows, *columns):
        return None
    return Roles(array[0], groups, rows, shared, columns)


def kernel_roles(statement: Slide) -> Roles | None:
    """The gradient of the kernel: sum over n, o of g[n, g, f, o] * x[n, g, c, stride*o + a]."""
    array, upstream = (*first_parts(statement.slots), *other_parts(statement.slots)), statement.kernel
    if upstream is None or not _batched(statement.slots, upstream, inside=True):
        return None
    target = statement.target.layout
    groups = tuple(index for index in upstream.layout if index in target and index in array)
    rows = tuple(index for index in upstream.layout if index not in array)
    shared = tuple(index for index in upstream.layout[1:] if index in statement.bound and index in array)
    columns = tuple(index for index in array if index not in upstream.layout)
    if {array[0], *shared} != set(statement.bound) or target != (*groups, *rows, *columns):
        return None
    return Roles(array[0], groups, rows, shared, columns)


def transposed_roles(statement: Spread) -> Roles | None:
    """The gradient of the input: sum over f of kernel[g, f, c, a] * g[n, g, f, o], added where windows overlap."""
    first, array, kernel = first_parts(statement.slots), statement.array, statement.kernel
    if kernel is None or not _batched(statement.slots, kernel, inside=False) or array.layout[:1] != first[:1]:
        return None
    wanted = (*first, *other_parts(statement.slots))
    groups = tuple(index for index in kernel.layout if index in array.layout and index in wanted)
    shared = tuple(index for index in kernel.layout if index in array.layout and index not in wanted)
    rows = tuple(index for index in kernel.layout if index not in array.layout)
    columns = tuple(index for index in array.layout[1:] if index not in kernel.layout)
    if {first[0], *groups, *rows, *columns} != set(wanted) or len(wanted) != 1 + len((*groups, *rows, *columns)):
        return None
    return Roles(first[0], groups, rows, shared, columns)


def _batched(slots: Sequence[Slot], kernel: Value, *, inside: bool) -> bool:
    """Whether the first axis of the array is a batch that the kernel has in front, or has not."""
    batch = slots[0]
    if not isinstance(batch, Index):
        return False
    return kernel.layout[:1] == (batch,) if inside else batch not in kernel.layout


def offset_text(slot: Slot) -> str:
    """Where the first window starts: `-padding`."""
    if isinstance(slot, Affine):
        shown = [f"{'-' if s.number < 0 else ''}{scale_text(s)}" for s in slot.offset]
        return " + ".join(shown).replace("+ -", "- ") or "0"
    return "0"


def scale_text(scale: Scale) -> str:
    """A multiple without its sign, as code."""
    return str(scale).replace("*", " * ")


def step_text(slot: Slot) -> str:
    """The step from one window to the next."""
    return scale_text(slot.parts[0][0]) if isinstance(slot, Affine) else "1"


def grid_parts(slots: Sequence[Slot], sizes: Sizes) -> list[str]:
    """Shape, steps, start and taps of windows, as the helpers take them."""
    shape = parenthesised([sizes.size(index.axis) for index in first_parts(slots)])
    steps, start = (parenthesised([text(slot) for slot in slots]) for text in (step_text, offset_text))
    taps = [
        f"({axis}, {sizes.size(index.axis)}, {scale_text(scale)})"
        for axis, slot in enumerate(slots)
        if isinstance(slot, Affine)
        for scale, index in slot.parts[1:]
    ]
    return [shape, steps, start, *([parenthesised(taps)] if taps else [])]
