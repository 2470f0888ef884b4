"""SymPy definition -> Program. Sums, inner additions, functions and roots that are not named get a name (let form)."""

from __future__ import annotations

import hashlib
import itertools
import keyword
import re
from collections.abc import Iterable
from fractions import Fraction
from typing import NoReturn

import sympy as sp

from gradlab.errors import DefinitionError
from gradlab.symbolic.definition import Definition, Fact, Input, Let
from gradlab.symbolic.functions import ELEMENTARY, recognise
from gradlab.symbolic.program import Binding, Given, Program, SumFact, Tensor
from gradlab.symbolic.terms import Axis, Expr, Function, Gather, Index, Ref, Size, Slot, Term

RESERVED = ("grad_output", "np", "torch")
RESERVED_PREFIXES = ("grad_", "tangent_", "jacobian_")
SUPPORTED = f"+, *, /, rational powers, Sum over an Idx, indexed tensors, {', '.join(ELEMENTARY)} (Max(u, 0))"


def read(definition: Definition) -> Program:
    """Read a definition into let form; raises DefinitionError that names the file, the binding and the remedy."""
    return _Reader(definition).program()


class _Reader:
    """Reads one definition; holds the axes, tensors and bindings met so far."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.where = "the declaration"
        self.axes: dict[sp.Symbol, Axis] = {}
        self.letters: dict[Axis, list[str]] = {}
        self.shapes: dict[str, tuple[Index, ...]] = {}
        self.bindings: list[Binding] = []
        self.automatic: dict[str, Ref] = {}
        self.labels: dict[str, str] = {}
        self.scope: dict[str, Index] = {}
        self.parameters = {parameter.name for parameter in definition.parameters}
        # Names that automatic ones must not take, also those of bindings that come later.
        self.taken = self.parameters | {str(getattr(item.entry, "base", item.entry)) for item in definition.lets}

    def fail(self, problem: str, remedy: str) -> NoReturn:
        raise DefinitionError(f"{self.definition.source}: {self.definition.name}: {self.where}: {problem}; {remedy}")

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
        self.where = "the declaration"
        if not any(given.differentiable for given in inputs):
            self.fail("no input is differentiable", "declare at least one with given(x[n, d])")
        for binding in d.lets:
            self.bind(binding)
        facts = tuple(self.fact(item) for item in d.facts)
        output = self.output(d.output)
        shift = self.shift(d.shift, inputs[0].tensor)
        self.check_axes(inputs)
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
        value = self.top(item.value)
        extra = [index.name for index in value.free if index not in tensor.indices]
        if extra:
            self.fail(f"the right side has the free index {', '.join(extra)}", "sum over it or add it to the left side")
        self.shapes[tensor.name] = tensor.indices
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

    # Entries, indices and axes -------------------------------------------------------------------------------------

    def check_name(self, name: str, *, parameter: bool = False) -> None:
        """A name becomes a variable of the generated code, beside others that the engine names itself."""
        if not name.isidentifier() or keyword.iskeyword(name):
            self.fail(f"{name!r} cannot be a variable", "use letters, digits and underscores")
        if name in RESERVED or name.startswith(RESERVED_PREFIXES):
            self.fail(f"the name {name} is reserved", "rename it")
        if name in self.shapes:
            self.fail(f"the name {name} is bound twice", "give each input and each binding a name of its own")
        if not parameter and name in self.parameters:
            self.fail(f"the name {name} is that of a parameter", "rename one of the two")

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
            if name in sizes:
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

    def tensor(self, entry: sp.Expr) -> Tensor:
        if isinstance(entry, sp.Symbol):
            return Tensor(entry.name, ())
        if not isinstance(entry, sp.Indexed):
            self.fail(f"{entry} is not an entry of a tensor", "write it as x[n, d], or as a bare symbol for a scalar")
        indices = tuple(self.index(index) for index in entry.indices)
        if len(set(indices)) != len(indices):
            self.fail(f"{entry} repeats an index", "use one index per axis of the tensor")
        if any(index.axis.ellipsis for index in indices[1:]):
            self.fail(f"the leading axis is not the first of {entry}", "write it first: x[n, d]")
        return Tensor(str(entry.base), indices)

    def index(self, index: sp.Expr) -> Index:
        if not isinstance(index, sp.Idx) or index.lower is None:
            self.fail(f"{index} is not an index with an axis", 'make it one: Idx("n", N)')
        size = index.upper + 1
        if not isinstance(size, sp.Symbol) or index.lower != 0:
            self.fail(
                f"index {index} runs from {index.lower} to {index.upper}", 'an axis has a size symbol: Idx("n", N)'
            )
        axis = self.axes.setdefault(size, Axis(str(size).lower(), ellipsis=size == self.definition.leading))
        if sum(own == axis for own in self.axes.values()) > 1:
            self.fail(f"two sizes differ only in case or assumptions: {size}", "give each axis a symbol of its own")
        name = str(index.label)
        known = self.scope.setdefault(name, Index(name, axis))
        if known.axis != axis:
            self.fail(
                f"index {name} runs over {known.axis.name} and over {axis.name}", "use a different index for each axis"
            )
        if name not in self.letters.setdefault(axis, []):
            self.letters[axis].append(name)
        return known

    def slot(self, index: sp.Expr, axis: Axis, tensor: str) -> Slot:
        found: Slot
        if isinstance(index, sp.Indexed):
            name = str(index.base)
            if name not in self.labels:
                self.fail(f"{index} is used as an index", "only inputs in the domain labels(...) can be")
            below = next((a for a in self.axes.values() if a.name == self.labels[name]), None)
            if below is None:
                self.fail(f"{name} holds labels below {self.labels[name]!r}, which is no axis", "name an axis")
            found = Gather(name, self.lookup(index), below)
        else:
            found = self.index(index)
        if found.axis != axis:
            self.fail(
                f"axes clash: {tensor} has axis {axis.name} where index {index} runs over {found.axis.name}",
                "two axes never contract, even where their sizes are equal: index with the tensor's own axis",
            )
        return found

    def lookup(self, expression: sp.Indexed) -> tuple[Index, ...]:
        """The indices of a label inside brackets; each is a plain index."""
        nested = next((index for index in expression.indices if isinstance(index, sp.Indexed)), None)
        if nested is not None:
            self.fail(f"{expression} is indexed by {nested}", "bind the inner lookup to a name first")
        ((atom, _),) = self.reference(expression, as_index=True).factors
        assert isinstance(atom, Ref)
        return tuple(slot for slot in atom.slots if isinstance(slot, Index))

    # Expressions -------------------------------------------------------------------------------------------------

    def top(self, expression: sp.Expr) -> Expr:
        """The right side of a binding: an addition, one sum, one function or one root may stand here unnamed."""
        if isinstance(expression, sp.Add):
            return Expr.of(self.monomial(part) for part in expression.args)
        if isinstance(expression, sp.Sum):
            return self.sum(expression)
        if isinstance(expression, sp.Mul):
            sums = [part for part in expression.args if isinstance(part, sp.Sum)]
            others = [part for part in expression.args if not isinstance(part, sp.Sum)]
            if len(sums) == 1 and all(not part.has(sp.Indexed) for part in others):
                return self.sum(sums[0]) * Expr.of([self.product(others)])
        called = recognise(expression)
        if called is not None:
            return Expr.atom(Function(called[0], self.monomial(called[1])))
        if isinstance(expression, sp.Pow):
            return Expr.of([self.power(expression)])
        return Expr.of([self.monomial(expression)])

    def sum(self, expression: sp.Sum) -> Expr:
        # The summed indices are renamed, so that one that is also free outside cannot capture it.
        renaming: dict[Index, Slot] = {}
        for limit in expression.limits:
            variable = limit[0]
            if not isinstance(variable, sp.Idx):
                self.fail(f"Sum runs over {variable}", 'sum over an index with an axis: Idx("k", D)')
            index = self.index(variable)
            if (limit[1], limit[2]) != (variable.lower, variable.upper):
                self.fail(f"Sum over part of an axis: {limit}", "sum over the whole axis: Sum(e[n, k], k)")
            if index in renaming:
                self.fail(f"Sum runs over {variable} twice", "use an index of its own for each sum")
            if index.axis.ellipsis:
                self.fail(
                    f"Sum runs over {variable}, which stands for any number of leading dimensions",
                    "leave leading out to reduce over it",
                )
            renaming[index] = Index.fresh(index.axis)
        inside = self.monomial(expression.function).rename(renaming)
        bound = [slot for slot in renaming.values() if isinstance(slot, Index)]
        return Expr.of([inside]).sum_over(bound)

    def monomial(self, expression: sp.Expr) -> Term:
        """One term without sums; whatever is more than that is bound to a name."""
        if isinstance(expression, sp.Mul):
            return self.product(expression.args)
        if isinstance(expression, sp.Rational):
            return Term(Fraction(int(expression.p), int(expression.q)))
        if isinstance(expression, sp.Indexed):
            return self.reference(expression)
        if isinstance(expression, sp.Symbol):
            return self.symbol(expression)
        if isinstance(expression, sp.Pow) and (isinstance(expression.exp, sp.Integer) or expression.base in self.axes):
            return self.power(expression)
        if isinstance(expression, sp.Add | sp.Sum | sp.Pow) or recognise(expression):
            return self.named(expression)
        if isinstance(expression, sp.Idx):
            self.fail(f"the index {expression} is used as a number", "indices stand in brackets only")
        if isinstance(expression, sp.Number | sp.NumberSymbol):
            self.fail(f"{expression} is not an exact number", "write it as Rational(p, q)")
        kind = type(expression).__name__ if not isinstance(expression, sp.Basic) else expression.func.__name__
        self.fail(f"unsupported: {kind} in {expression}", f"supported: {SUPPORTED}")

    def product(self, parts: Iterable[sp.Expr]) -> Term:
        term = Term(Fraction(1))
        for part in parts:
            term = term.times(self.monomial(part))
        return term

    def power(self, expression: sp.Pow) -> Term:
        if not isinstance(expression.exp, sp.Rational) or expression.exp.q > 2:
            self.fail(
                f"unsupported exponent {expression.exp} in {expression}",
                "exponents are whole numbers and halves; u**a is exp(a*log(u)) for positive u",
            )
        exponent = Fraction(int(expression.exp.p), int(expression.exp.q))
        base = self.monomial(expression.base)
        # sqrt(a b) is sqrt(a) sqrt(b), and sqrt(a**2) is a, only where a and b are not negative: a root stays whole.
        single = base.coefficient == 1 and [power for _, power in base.factors] == [Fraction(1)]
        if exponent.denominator != 1 and not single:
            base = self.named(expression.base)
        return base.power(exponent)

    def reference(self, expression: sp.Indexed, *, as_index: bool = False) -> Term:
        name = str(expression.base)
        self.check_known(name, expression)
        if name in self.labels and not as_index:
            self.fail(f"{expression} holds labels and is used as a number", f"labels are indices: x[n, {expression}]")
        shape = self.shapes[name]
        if len(shape) != len(expression.indices):
            self.fail(f"{expression} has {len(expression.indices)} indices, {name} has {len(shape)}", "add or drop one")
        slots = tuple(
            self.slot(index, own.axis, name) for index, own in zip(expression.indices, shape, strict=True)
        )
        return Term(Fraction(1), ((Ref(name, slots), Fraction(1)),))

    def symbol(self, expression: sp.Symbol) -> Term:
        if expression in self.axes:
            if self.axes[expression].ellipsis:
                self.fail(
                    f"{expression} is used as a number and stands for any number of leading dimensions",
                    "leave leading out to use the size",
                )
            return Term(Fraction(1), ((Size(self.axes[expression]), Fraction(1)),))
        if expression.name not in self.parameters:
            self.check_known(expression.name, expression)
            rank = len(self.shapes[expression.name])
            if rank:
                self.fail(f"{expression} stands without indices", f"it has {rank}")
        return Term(Fraction(1), ((Ref(expression.name, ()), Fraction(1)),))

    def named(self, expression: sp.Expr) -> Term:
        """Bind an unnamed part; the same part, up to renaming of summed indices, gets the same name."""
        value = self.top(expression)
        axes = list(self.axes.values())
        indices = tuple(sorted(value.free, key=lambda index: (axes.index(index.axis), index.name)))
        formal: dict[Index, Slot] = {own: Index(f"{own.axis.name}:{i}", own.axis) for i, own in enumerate(indices)}
        key = "+".join(f"{t.coefficient}*{t.body}" for t in value.rename(formal).terms)
        if key not in self.automatic:
            name = next(f"t{i}" for i in itertools.count(1) if f"t{i}" not in self.shapes and f"t{i}" not in self.taken)
            self.shapes[name] = indices
            self.bindings.append(Binding(Tensor(name, indices), value, automatic=True))
            self.automatic[key] = Ref(name, indices)
        known = self.automatic[key]
        return Term(Fraction(1), ((Ref(known.tensor, indices), Fraction(1)),))

    def check_known(self, name: str, expression: sp.Expr) -> None:
        if name in self.shapes:
            return
        if name in self.parameters:
            self.fail(f"the parameter {name} has no indices, as in {expression}", f"write it as {name}")
        if name in self.taken:
            self.fail(f"{name} in {expression} is bound later, or by itself", "bind it before it is used")
        known = ", ".join((*sorted(self.shapes), *sorted(self.parameters)))
        self.fail(f"unknown name {name} in {expression}", f"known here: {known}; bind it, or declare it as an input")


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
