"""Computed indices in torch: the vendor's convolutions where a sum is one, views of windows elsewhere.

All is functional, so that torch.compile and torch.func.vmap can take it. The gradients of a convolution are
contractions of their own here, which torch offers one by one as torch.nn.grad and both at once under the name
convolution_backward; no layer's backward is left to torch's autograd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradlab.codegen.computed import first_parts, other_parts
from gradlab.codegen.contraction import einsum
from gradlab.codegen.convolution import (
    Indices,
    Roles,
    forward_roles,
    kernel_roles,
    offset_text,
    scale_text,
    step_text,
    transposed_roles,
)
from gradlab.codegen.printer import align
from gradlab.codegen.sizes import Sizes, parenthesised
from gradlab.codegen.statements import Convolved, Slide, Spread, Value
from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Affine, Slot


class TorchWindows:
    """Prints `Slide`, `Spread` and `Convolved`."""

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes

    def slide(self, statement: Slide) -> list[str]:
        target, array, slots = statement.target, statement.array, statement.slots
        first, other = first_parts(slots), other_parts(slots)
        spatial = self.spatial(slots)
        if spatial and statement.kernel is None and set(statement.bound) == set(other) and target.layout == first:
            groups = first[1 : -len(spatial)]
            x = self.merged(array, ((first[0],), groups), array.layout[-len(spatial) :])
            return self.shaped(self.convolution(slots, x, self.ones(array, slots), groups), target, spatial)
        roles = forward_roles(statement) if spatial else None
        if roles is not None and set(other) <= set(roles.shared) and statement.kernel is not None:
            channels = tuple(index for index in roles.shared if index not in other)
            kernel = self.merged(statement.kernel, ((*roles.groups, *roles.rows), channels), other)
            x = self.merged(array, ((roles.batch,), (*roles.groups, *channels)), array.layout[-len(spatial) :])
            added = statement.added
            bias = None if added is None else self.merged(added, ((*roles.groups, *roles.rows),), ())
            return self.shaped(self.convolution(slots, x, kernel, roles.groups, bias), target, spatial)
        roles = kernel_roles(statement) if spatial else None
        if roles is not None and roles.columns[-len(other) :] == other and statement.kernel is not None:
            channels = roles.columns[: -len(other)]
            x = self.merged(array, ((roles.batch,), (*roles.groups, *channels)), array.layout[-len(spatial) :])
            upstream = self.merged(
                statement.kernel, ((roles.batch,), (*roles.groups, *roles.rows)), first[-len(spatial) :]
            )
            sizes = [self.product((*roles.groups, *roles.rows)), self.product(channels), *self.each(other)]
            call = f"torch.nn.grad.conv{len(spatial)}d_weight"
            found = f"{call}({x}, {parenthesised(sizes)}, {upstream}{self.options(slots, roles.groups)})"
            return self.shaped(found, target, other)
        return self.viewed(statement)

    def spread(self, statement: Spread) -> list[str]:
        target, slots = statement.target, statement.slots
        first, spatial = first_parts(slots), self.spatial(slots)
        call = f"torch.nn.grad.conv{len(spatial)}d_input"
        if spatial and statement.kernel is None and set(statement.array.layout) == set(first):
            groups = first[1 : -len(spatial)]
            sizes = [*self.each((first[0],)), self.product(groups), *self.each(target.layout[-len(spatial) :])]
            upstream = self.merged(statement.array, ((first[0],), groups), first[-len(spatial) :])
            options = self.options(slots, groups)
            ones = self.ones(statement.array, slots)
            found = f"{call}({parenthesised(sizes)}, {ones}, {upstream}{options})"
            return self.shaped(found, target, target.layout[-len(spatial) :])
        roles = transposed_roles(statement) if spatial else None
        if roles is not None and statement.kernel is not None:
            places = target.layout[-len(spatial) :]
            upstream, kernel, channels = self.transposed(statement, statement.kernel, roles)
            sizes = [*self.each((roles.batch,)), self.product((*roles.groups, *channels)), *self.each(places)]
            found = f"{call}({parenthesised(sizes)}, {kernel}, {upstream}{self.options(slots, roles.groups)})"
            return self.shaped(found, target, places)
        return self.folded(statement)

    def convolved(self, statement: Convolved) -> list[str]:
        """Both gradients in one call, which is one that computes contractions and nothing else."""
        of_array, of_kernel = statement.of_array, statement.of_kernel
        x, weight, slots = of_kernel.array, of_array.kernel, of_array.slots
        roles, spatial, other = transposed_roles(of_array), self.spatial(slots), other_parts(slots)
        if roles is None or weight is None or not spatial:
            return [*self.spread(of_array), *self.slide(of_kernel)]
        upstream, kernel, channels = self.transposed(of_array, weight, roles)
        places = of_array.target.layout[-len(spatial) :]
        x = replace(x, layout=of_array.target.layout)
        array = self.merged(x, ((roles.batch,), (*roles.groups, *channels)), places)
        stride, padding, dilation = (f"[{', '.join(values)}]" for values in self.geometry(slots))
        whole = ", ".join(["0"] * len(spatial))
        groups = self.product(roles.groups) if roles.groups else "1"
        asked = ", ".join([*statement.asked, "False"])
        first, second = of_array.target, of_kernel.target
        call = (
            f"{first.name}, {second.name}, _ = torch.ops.aten.convolution_backward({upstream}, {array}, {kernel}, "
            f"None, {stride}, {padding}, {dilation}, False, [{whole}], {groups}, [{asked}])"
        )
        shapes = [
            line
            for target, rest in ((first, places), (second, other))
            for line in self.shaped(target.name, target, rest)[1:]
        ]
        return [call, *shapes]

    def transposed(self, statement: Spread, kernel: Value, roles: Roles) -> tuple[str, str, Indices]:
        """What a transposed convolution takes: the upstream, the kernel, and its input channels in a group."""
        spatial, other = self.spatial(statement.slots), other_parts(statement.slots)
        channels = tuple(index for index in roles.rows if index not in other)
        places = first_parts(statement.slots)[-len(spatial) :]
        upstream = self.merged(statement.array, ((roles.batch,), (*roles.groups, *roles.shared)), places)
        return upstream, self.merged(kernel, ((*roles.groups, *roles.shared), channels), other), channels

    def viewed(self, statement: Slide) -> list[str]:
        """Windows as a view of the padded array, axis by axis; then an ordinary sum, and what is added to it."""
        target, slots, name = statement.target, statement.slots, statement.array.name
        margins: list[str] = []
        cuts = ""
        layout = list(first_parts(slots))
        for axis, slot in enumerate(slots):
            before, after, cut = self.cut(axis, slot)
            margins = [before, after, *margins]
            cuts += cut
            layout += [index for _, index in slot.parts[1:]] if isinstance(slot, Affine) else []
        seen = Value(f"torch.nn.functional.pad({name}, {parenthesised(margins)}){cuts}", tuple(layout))
        if not statement.bound:
            return [f"{target.name} = {align(seen, target.layout)}"]
        operands = (seen, *([statement.kernel] if statement.kernel else []))
        added = "" if statement.added is None else f" + {align(statement.added, target.layout)}"
        return [f"{target.name} = {einsum('torch.einsum', operands, target.layout)}{added}"]

    def cut(self, axis: int, slot: Slot) -> tuple[str, str, str]:
        """Zeros before and after an axis (cut off where below 0), and how its windows are taken."""
        if not isinstance(slot, Affine):
            return "0", "0", ""
        if len(slot.parts) > 2:
            raise DefinitionError(f"{self.sizes.operation}: no torch code for an index that is computed from three")
        start, step = offset_text(slot), step_text(slot)
        before = "0" if start == "0" else f"-({start})"
        reach = [start] if start != "0" else []
        reach += [_times(scale_text(scale), f"({self.sizes.size(index.axis)} - 1)") for scale, index in slot.parts]
        after = f"{' + '.join(reach)} + 1 - {self.sizes.size(slot.axis)}"
        if len(slot.parts) == 1:
            return before, after, f".unfold({axis}, 1, {step})[..., 0]"
        ((scale, index),) = slot.parts[1:]
        inner, size = scale_text(scale), self.sizes.size(index.axis)
        every = "" if inner == "1" else f"[..., ::{inner}]"
        return before, after, f".unfold({axis}, {_times(inner, f'({size} - 1)')} + 1, {step}){every}"

    def folded(self, statement: Spread) -> list[str]:
        """Columns of windows of two axes, added where they overlap."""
        target, slots = statement.target, statement.slots
        first, other, spatial = first_parts(slots), other_parts(slots), self.spatial(slots)
        if len(spatial) != 2:
            raise DefinitionError(f"{self.sizes.operation}: no torch code for this sum over computed indices")
        operands = (statement.array, *([statement.kernel] if statement.kernel else []))
        channels = first[1:-2]
        columns = einsum("torch.einsum", operands, (first[0], *channels, *other, *first[-2:]))
        shape = [*self.each((first[0],)), self.product((*channels, *other)), self.product(first[-2:])]
        places = target.layout[-2:]
        found = (
            f"torch.nn.functional.fold({columns}.reshape({', '.join(shape)}), {parenthesised(self.each(places))}, "
            f"{parenthesised(self.each(other))}{self.options(slots, ())})"
        )
        return self.shaped(found, target, places)

    # Parts of the calls ------------------------------------------------------------------------------------------

    def spatial(self, slots: Sequence[Slot]) -> tuple[Affine, ...]:
        """The computed slots where they are those of a convolution: one to three at the end, of two indices each."""
        computed = tuple(slot for slot in slots if isinstance(slot, Affine))
        standard = all(
            len(slot.parts) == 2
            and (windows := self.sizes.windows.get(slot.parts[0][1].axis)) is not None
            and _alike(windows.slot, slot)
            for slot in computed
        )
        at_end = slots[len(slots) - len(computed) :] == computed and len(slots) > len(computed)
        return computed if 1 <= len(computed) <= 3 and standard and at_end else ()

    def convolution(self, slots: Sequence[Slot], x: str, kernel: str, groups: Indices, bias: str | None = None) -> str:
        rank = len(self.spatial(slots))
        arguments = ", ".join([x, kernel, *([bias] if bias else [])])
        return f"torch.nn.functional.conv{rank}d({arguments}{self.options(slots, groups)})"

    def geometry(self, slots: Sequence[Slot]) -> tuple[list[str], list[str], list[str]]:
        """Stride, padding and dilation, for each axis that windows move along."""
        computed = self.spatial(slots)
        stride = [step_text(slot) for slot in computed]
        padding = [_negated(offset_text(slot)) for slot in computed]
        return stride, padding, [scale_text(slot.parts[1][0]) for slot in computed]

    def options(self, slots: Sequence[Slot], groups: Indices) -> str:
        """Stride, padding, dilation and groups, where they are not the default."""
        stride, padding, dilation = self.geometry(slots)
        named = (("stride", stride, "1"), ("padding", padding, "0"), ("dilation", dilation, "1"))
        shown = [f"{name}={_one(values)}" for name, values, default in named if set(values) != {default}]
        shown += [f"groups={self.product(groups)}"] if groups else []
        return "".join(f", {option}" for option in shown)

    def ones(self, array: Value, slots: Sequence[Slot]) -> str:
        """A kernel of ones for each channel, without memory of its own."""
        channels = self.product(first_parts(slots)[1 : -len(self.spatial(slots))])
        return f"{array.name}.new_ones(()).expand({', '.join([channels, '1', *self.each(other_parts(slots))])})"

    def merged(self, value: Value, groups: Sequence[Indices], rest: Indices) -> str:
        """An array with each group of indices as one axis, then the rest."""
        layout = (*(index for group in groups for index in group), *rest)
        text = align(value, layout)
        if all(len(group) == 1 for group in groups):
            return text
        shape = [*map(self.product, groups), *self.each(rest)]
        return f"{text}.reshape({', '.join(shape)})"

    def shaped(self, text: str, target: Value, rest: Sequence[object]) -> list[str]:
        """A result, with its merged axes apart again."""
        lines = [f"{target.name} = {text}"]
        if len(target.layout) - len(rest) != 2:
            lines.append(f"{target.name} = {target.name}.reshape({', '.join(self.each(target.layout))})")
        return lines

    def each(self, indices: Indices) -> list[str]:
        return [self.sizes.size(index.axis) for index in indices]

    def product(self, indices: Indices) -> str:
        return self.sizes.product(index.axis for index in indices) if indices else "1"


def _alike(left: Affine, right: Affine) -> bool:
    """Equal up to the names of the indices."""
    parts = ([(scale, index.axis) for scale, index in slot.parts] for slot in (left, right))
    return next(parts) == next(parts) and (left.offset, left.axis) == (right.offset, right.axis)


def _one(values: Sequence[str]) -> str:
    return values[0] if len(set(values)) == 1 else parenthesised(list(values))


def _negated(text: str) -> str:
    return "0" if text == "0" else text[1:] if text.startswith("-") and " " not in text else f"-({text})"


def _times(scale: str, size: str) -> str:
    return size if scale == "1" else f"{scale} * {size}"
