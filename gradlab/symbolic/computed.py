"""Computed indices, stride*o + dilation*a - padding: how they are read, and the sizes that follow from them."""

from __future__ import annotations

from collections.abc import Iterator

import sympy as sp

from gradlab.symbolic.expressions import Expressions
from gradlab.symbolic.indices import Affine, Axis, Index, Scale, Slot
from gradlab.symbolic.terms import atom_slots
from gradlab.symbolic.windows import Windows


class ComputedAxes(Expressions):
    """Reads computed indices."""

    input_axes: frozenset[Axis] = frozenset()

    def slot(self, index: sp.Expr, axis: Axis, tensor: str) -> Slot:
        if isinstance(index, sp.Idx) or not index.has(sp.Idx) or isinstance(index, sp.Indexed):
            return super().slot(index, axis, tensor)
        parts: list[tuple[Scale, Index]] = []
        offset: list[Scale] = []
        for summand in sp.expand(index).as_ordered_terms():
            scale, variable = self.multiple(summand, index)
            if variable is None:
                offset.append(scale)
            else:
                parts.append((scale, variable))
        # The windows first, then the places in a window: as in x[stride*o + dilation*a - padding].
        parts.sort(key=lambda part: part[1].axis in self.input_axes or part[1].axis.parameter)
        return Affine(tuple(parts), tuple(offset), axis)

    def multiple(self, summand: sp.Expr, whole: sp.Expr) -> tuple[Scale, Index | None]:
        """A whole number times integer parameters, times one index where there is one."""
        number, names, variable = 1, [], None
        for factor in sp.Mul.make_args(summand):
            if isinstance(factor, sp.Integer):
                number *= int(factor)
            elif isinstance(factor, sp.Idx) and variable is None:
                variable = self.index(factor)
            elif isinstance(factor, sp.Symbol) and factor.name in self.integers:
                names.append(factor.name)
            elif factor.has(sp.Idx):
                self.fail(f"{summand} in the index {whole} is not linear", "an index is multiplied by numbers only")
            else:
                self.fail(
                    f"{factor} in the index {whole} is no whole number",
                    f'use integers and integer parameters: Parameter("{factor}", 1, 1, 3, integer=True)',
                )
        if variable is not None and (number < 1 or any(self.integers[name].minimum < 1 for name in names)):
            self.fail(
                f"{summand} in the index {whole} does not grow with {variable.name}",
                "use a positive number, or a parameter whose minimum is 1 or more",
            )
        if variable is not None and variable.axis.ellipsis:
            self.fail(
                f"{variable.name} in the index {whole} stands for any number of leading dimensions",
                "leave leading out to compute with it",
            )
        return Scale(number, tuple(names)), variable

    def windows(self) -> dict[Axis, Windows]:
        """The axes that only computed indices have; one that several of them have must come out alike in all."""
        ceil = self.definition.ceil
        if ceil and ceil not in self.integers:
            self.where = "ceil"
            self.fail(f"{ceil} is no integer parameter", f'add Parameter("{ceil}", 0, 0, 1, integer=True)')
        found: dict[Axis, Windows] = {}
        known = {axis for axis in self.axes.values() if axis.parameter or axis in self.input_axes}
        for slot in self.computed():
            unknown = [index.axis for _, index in slot.parts if index.axis not in known | {*found}]
            if len(unknown) == 1 and slot.axis in known | {*found}:
                found[unknown[0]] = Windows(unknown[0], slot, ceil)
        names = {axis: axis.name for axis in self.axes.values()}
        for slot in self.computed():
            for axis in (index.axis for _, index in slot.parts if index.axis in found):
                first, other = (windows.formula(names) for windows in (found[axis], Windows(axis, slot, ceil)))
                if first != other:
                    self.where = f"index {axis.name}"
                    self.fail(f"its size would be {first} and {other}", "use an index of its own for each")
        return found

    def computed(self) -> Iterator[Affine]:
        """Every computed index of the bindings, in order."""
        for binding in self.bindings:
            for term in binding.value:
                for atom, _ in term.factors:
                    yield from (slot for slot in atom_slots(atom) if isinstance(slot, Affine))
