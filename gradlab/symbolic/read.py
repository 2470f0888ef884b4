"""SymPy definition -> Program. Sums, inner additions, functions and roots that are not named get a name (let form)."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterable

import sympy as sp

from gradlab.symbolic.calculus import contract
from gradlab.symbolic.computed import ComputedAxes
from gradlab.symbolic.definition import Definition, Fact, Input, Let, argmax
from gradlab.symbolic.definition import Shift as Declared
from gradlab.symbolic.program import Binding, Given, Program, Shift, SumFact, Tensor
from gradlab.symbolic.terms import Ref


def read(definition: Definition) -> Program:
    """Read a definition into let form; raises DefinitionError that names the file, the binding and the remedy."""
    return _Reader(definition).program()


class _Reader(ComputedAxes):
    """Reads one definition."""

    def program(self) -> Program:
        d = self.definition
        if not re.fullmatch(r"[a-z][a-z0-9_]*", d.name):
            self.fail(f"the name {d.name!r} cannot be a module", "use lower-case letters, digits and underscores")
        if d.reference is not None and not d.reference.strip():
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
        tracked = tuple(self.bound("tracked", entry).name for entry in d.tracked)
        output = self.bound("output", d.output)
        shift = self.shift(d.shift, inputs[0].tensor)
        self.check_axes(inputs)
        self.check_doors([*(given.tensor for given in inputs), output])
        windows = self.windows()
        program = Program(
            definition=d,
            axes=tuple(dict.fromkeys(self.axes.values())),
            inputs=inputs,
            bindings=tuple(self.bindings),
            output=output,
            tracked=tracked,
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
        # An author may write a delta: the sum over i and j of A[i, j] delta(i, j).
        value = self.position(item.value) if isinstance(item.value, argmax) else contract(self.top(item.value))
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
        self.where = "nonempty"
        for size in self.definition.nonempty:
            if size not in self.axes:
                self.fail(f"{size} is the size of no axis", f"the sizes are {', '.join(sorted(sizes))}")
        self.where = "leading"
        if self.definition.leading is not None and self.definition.leading not in self.axes:
            self.fail(f"{self.definition.leading} is the size of no axis", f"the sizes are {', '.join(sorted(sizes))}")

    def check_doors(self, tensors: Iterable[Tensor]) -> None:
        """What `along`, `broadcast` and `packed` ask of the shapes of inputs and output."""
        tensors = list(tensors)
        self.check_packed(tensors)
        along, leading = self.definition.along, self.definition.leading
        led = [tensor for tensor in tensors if tensor.indices and tensor.indices[0].axis.ellipsis]
        if along is not None:
            self.where = "along"
            having = [tensor for tensor in led if along.dim in {index.axis.name for index in tensor.indices}]
            if not having:
                self.fail(f"no input has leading dimensions and an axis {along.dim!r}", "name the last axis of one")
            for tensor in having:
                if tensor.indices[-1].axis.name != along.dim or len(tensor.indices) != 2:
                    self.fail(f"{along.dim} is not the one axis of {tensor.name} behind leading ones", "write x[n, d]")
            for name in ("axis", "shape"):
                if name in {*self.parameters, *self.shapes}:
                    self.fail(f"the name {name} is one that the keyword axis needs", "rename it")
        if self.definition.broadcast:
            self.where = "broadcast"
            if leading is None or not all(tensor in led for tensor in tensors if tensor.indices):
                self.fail("only leading dimensions are broadcast", "give leading=N, and each input N as first axis")

    def check_packed(self, tensors: Iterable[Tensor]) -> None:
        """The groups stand right before the entries of each; the caller sees one dimension."""
        packed = self.definition.packed
        if packed is None:
            return
        self.where = "packed"
        if packed.groups not in self.integers:
            self.fail(f"{packed.groups} is no integer parameter", "add Parameter(..., integer=True) of that name")
        for tensor in tensors:
            names = [index.axis.name for index in tensor.indices]
            behind = dict(itertools.pairwise(names)).get(packed.groups)
            grouped = packed.groups in names or (not packed.also and packed.rest in names)
            if grouped and behind not in packed.dims:
                rests = " or ".join(packed.dims)
                self.fail(f"{tensor.name} has not both, side by side", f"index it by {packed.groups} and {rests}")

    def bound(self, where: str, entry: sp.Expr) -> Tensor:
        """The binding that an entry of the declaration names."""
        self.where = where
        tensor = self.tensor(entry)
        bound = {binding.name: binding.tensor for binding in self.bindings}
        if tensor.name not in bound:
            self.fail(f"{entry} is not bound", f"bind it with let({entry}, ...) first")
        if tensor != bound[tensor.name]:
            shown = ", ".join(index.name for index in bound[tensor.name].indices)
            self.fail(f"{entry} is bound as {tensor.name}[{shown}]", f"write the {where} with the same indices")
        return tensor

    def shift(self, declared: sp.Idx | Declared | None, first: Tensor) -> Shift | None:
        if declared is None:
            return None
        self.where = "shift"
        if isinstance(declared, Declared):
            own, over = self.named_tensor(declared.entry), declared.over
        else:
            own, over = first, declared
        axis = self.index(over).axis
        if axis not in {index.axis for index in own.indices} or axis.ellipsis:
            owner = "the first input" if own == first else own.name
            self.fail(f"{over} is no index of {own.name}", f"shift along a named axis of {owner}")
        if not isinstance(declared, Declared):
            return Shift(own, axis)
        where = None if declared.where is None else self.mask(declared.where, own)
        shift = Shift(own, axis, where, tuple(self.named_tensor(entry).name for entry in declared.restored))
        for name in shift.restored:
            if name not in {binding.name for binding in self.bindings} or self.shapes[name] != shift.kept:
                wanted = ", ".join(index.name for index in shift.kept)
                self.fail(f"{name} cannot get back what has the indices [{wanted}]", "restore bindings of that shape")
        return shift

    def named_tensor(self, entry: sp.Expr) -> Tensor:
        """An input or a binding, written with the indices that it is declared with."""
        tensor = self.tensor(entry)
        self.check_known(tensor.name, entry)
        if self.shapes[tensor.name] != tensor.indices:
            shown = ", ".join(index.name for index in self.shapes[tensor.name])
            self.fail(f"{entry} is declared as {tensor.name}[{shown}]", "write it with the same indices")
        return tensor

    def mask(self, entry: sp.Expr, shifted: Tensor) -> Ref:
        """The entries that count: an input of zeros and ones over axes of the shifted tensor."""
        mask = self.named_tensor(entry)
        given = next((given for given in self.definition.inputs if given.entry == entry), None)
        if given is None or given.domain.kind != "mask" or not {*mask.indices} <= {*shifted.indices}:
            self.fail(f"{entry} is no mask over the axes of {shifted.name}", "declare it as given(..., mask())")
        return mask.ref


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
        *([str(size) for size in definition.nonempty]),
        str(definition.leading),
        str(definition.shift),
        *([definition.along] if definition.along else []),
        *(["broadcast"] if definition.broadcast else []),
        *([definition.packed] if definition.packed else []),
        *([f"ceil={definition.ceil}"] if definition.ceil else []),
        *([f"tracked={definition.tracked}"] if definition.tracked else []),
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
