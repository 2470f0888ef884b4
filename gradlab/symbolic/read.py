"""SymPy definition -> Program. Sums, inner additions, functions and roots that are not named get a name (let form)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

import sympy as sp

from gradlab.symbolic.computed import ComputedAxes
from gradlab.symbolic.definition import Definition, Fact, Input, Let, argmax
from gradlab.symbolic.program import Binding, Given, Program, SumFact, Tensor
from gradlab.symbolic.terms import Axis


def read(definition: Definition) -> Program:
    """Read a definition into let form; raises DefinitionError that names the file, the binding and the remedy."""
    return _Reader(definition).program()


class _Reader(ComputedAxes):
    """Reads one definition."""

    def program(self) -> Program:
        d = self.definition
        if not re.fullmatch(r"[a-z][a-z0-9_]*", d.name):
            self.fail(f"the name {d.name!r} cannot be a module", "use lower-case letters, digits and underscores")
        if not d.reference.strip():
            self.fail("it has no reference", "give an independent torch expression, e.g. reference='torch.relu(x)'")
        for parameter in d.parameters:
            self.where = f"parameter {parameter.name}"
            self.check_name(parameter.name, parameter=True)
        inputs = tuple(self.input(given) for given in d.inputs)
        self.input_axes = frozenset(self.axes.values())
        self.where = "the declaration"
        if not any(given.differentiable for given in inputs):
            self.fail("no input is differentiable", "declare at least one with given(x[n, d])")
        for binding in d.lets:
            self.bind(binding)
        facts = tuple(self.fact(item) for item in d.facts)
        output = self.output(d.output)
        shift = self.shift(d.shift, inputs[0].tensor)
        self.check_axes(inputs)
        windows = self.windows()
        program = Program(
            definition=d,
            axes=tuple(dict.fromkeys(self.axes.values())),
            inputs=inputs,
            bindings=tuple(self.bindings),
            output=output,
            facts=facts,
            shift=shift,
            digest=_digest(d),
            letters={axis: tuple(names) for axis, names in self.letters.items()},
            windows=windows,
        )
        if output.name not in program.varying:
            self.where = "output"
            self.fail(f"{d.output} depends on no differentiable input", "there is no gradient to derive")
        return program

    def input(self, given: Input) -> Given:
        self.where = f"input {given.entry}"
        tensor = self.tensor(given.entry)
        self.check_name(tensor.name)
        self.shapes[tensor.name] = tensor.indices
        if given.domain.kind == "labels":
            self.labels[tensor.name] = given.domain.below or ""
        if given.differentiable and not given.domain.continuous:
            self.fail(f"values in {given.domain.kind}(...) have no derivative", "leave differentiable=True out")
        return Given(tensor, given.domain, given.differentiable)

    def bind(self, item: Let) -> None:
        self.where = f"binding {item.entry}"
        tensor = self.tensor(item.entry)
        self.check_name(tensor.name)
        value = self.position(item.value) if isinstance(item.value, argmax) else self.top(item.value)
        extra = [index.name for index in value.free if index not in tensor.indices]
        if extra:
            self.fail(f"the right side has the free index {', '.join(extra)}", "sum over it or add it to the left side")
        self.shapes[tensor.name] = tensor.indices
        if value.position is not None:
            self.places[tensor.name] = value.position.searched
        self.bindings.append(Binding(tensor, value))

    def fact(self, item: Fact) -> SumFact:
        self.where = f"fact {item.left} = {item.right}"
        known = len(self.bindings)
        left, right = self.top(item.left), self.top(item.right)
        if len(left.terms) != 1 or not left.terms[0].bound or left.terms[0].coefficient != 1:
            self.fail("the left side is not a plain sum", "write it as fact(Sum(t[n, d], d), 1)")
        if len(self.bindings) > known or any(term.bound for term in right):
            self.fail("it holds a sum or a function without a name", "bind that with let(...) first")
        extra = [index.name for index in right.free if index not in left.free]
        if extra:
            self.fail(f"the right side has the free index {', '.join(extra)}", "only indices of the left side can be")
        return SumFact(left.terms[0], right)

    def check_axes(self, inputs: Iterable[Given]) -> None:
        """Checks that need all axes to be known."""
        sizes = {str(size): size for size in self.axes}
        names = {axis.name for axis in self.axes.values()}
        for given in inputs:
            self.where = f"input {given.tensor.name}"
            if given.domain.kind == "labels" and given.domain.below not in names:
                below = ", ".join(repr(name) for name in sorted(names))
                self.fail(f"labels({given.domain.below!r}) names no axis", f"the axes are {below}")
        for name in (*self.shapes, *self.parameters):
            if name in sizes and name not in self.integers:
                self.where = f"name {name}"
                self.fail("it is a tensor or parameter and also the size of an axis", "rename one of the two")
        self.where = "leading"
        if self.definition.leading is not None and self.definition.leading not in self.axes:
            self.fail(f"{self.definition.leading} is the size of no axis", f"the sizes are {', '.join(sorted(sizes))}")

    def output(self, entry: sp.Expr) -> Tensor:
        self.where = "output"
        tensor = self.tensor(entry)
        bound = {binding.name: binding.tensor for binding in self.bindings}
        if tensor.name not in bound:
            self.fail(f"{entry} is not bound", f"bind it with let({entry}, ...) first")
        if tensor != bound[tensor.name]:
            shown = ", ".join(index.name for index in bound[tensor.name].indices)
            self.fail(f"{entry} is bound as {tensor.name}[{shown}]", "write the output with the same indices")
        return tensor

    def shift(self, index: sp.Idx | None, first: Tensor) -> Axis | None:
        if index is None:
            return None
        self.where = "shift"
        axis = self.index(index).axis
        if axis not in {own.axis for own in first.indices} or axis.ellipsis:
            self.fail(f"{index} is no index of {first.name}", "shift along a named axis of the first input")
        return axis


def _digest(definition: Definition) -> str:
    """Identifies what the kernel is generated from: the mathematics and the declarations, not the file's layout."""
    parts = (
        definition.name,
        definition.summary,
        [(str(g.entry), g.domain, g.differentiable) for g in definition.inputs],
        [(str(item.entry), sp.srepr(item.value)) for item in definition.lets],
        str(definition.output),
        [(sp.srepr(f.left), sp.srepr(f.right)) for f in definition.facts],
        definition.reference,
        list(definition.parameters),
        list(definition.kinks),
        str(definition.leading),
        str(definition.shift),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
