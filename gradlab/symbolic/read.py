"""SymPy definition -> Program. Sums, inner additions, functions and roots that are not named get a name (let form)."""

from __future__ import annotations

import hashlib
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

    def fail(self, problem: str, remedy: str) -> NoReturn:
        raise DefinitionError(f"{self.definition.source}: {self.definition.name}: {self.where}: {problem}; {remedy}")

    def program(self) -> Program:
        d = self.definition
        if not re.fullmatch(r"[a-z][a-z0-9_]*", d.name):
            self.fail(f"the name {d.name!r} cannot be a module", "use lower-case letters, digits and underscores")
        if not d.reference.strip():
            self.fail("it has no reference", "give an independent torch expression, e.g. reference='torch.relu(x)'")
        inputs = tuple(self.input(given) for given in d.inputs)
        if not any(given.differentiable for given in inputs):
            self.fail("no input is differentiable", "declare at least one with given(x[n, d])")
        for binding in d.lets:
            self.bind(binding)
        facts = tuple(self.fact(item) for item in d.facts)
        self.where = "output"
        output = self.entry(d.output)
        if output.name not in {binding.name for binding in self.bindings}:
            self.fail(f"{d.output} is not bound", "bind it with let(...) first")
        shift = None
        if d.shift is not None:
            self.where = "shift"
            shift = self.index(d.shift).axis
        return Program(
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

    def input(self, given: Input) -> Given:
        self.where = f"input {given.entry}"
        tensor = self.declare(given.entry)
        if given.domain.kind == "labels":
            self.labels[tensor.name] = given.domain.below or ""
        return Given(tensor, given.domain, given.differentiable)

    def bind(self, item: Let) -> None:
        self.where = f"binding {item.entry}"
        if str(getattr(item.entry, "base", item.entry)) in self.shapes:
            self.fail("the name is bound twice", "give each binding a name of its own")
        tensor = self.tensor(item.entry)
        value = self.top(item.value)
        extra = [index.name for index in value.free if index not in tensor.indices]
        if extra:
            self.fail(f"the right side has the free index {', '.join(extra)}", "sum over it or add it to the left side")
        self.shapes[tensor.name] = tensor.indices
        self.bindings.append(Binding(tensor, value))

    def fact(self, item: Fact) -> SumFact:
        self.where = f"fact {item.left} = {item.right}"
        left, right = self.top(item.left), self.top(item.right)
        if len(left.terms) != 1 or not left.terms[0].bound or left.terms[0].coefficient != 1:
            self.fail("the left side is not a plain sum", "write it as fact(Sum(t[n, d], d), 1)")
        return SumFact(left.terms[0], right)

    # Entries, indices and axes -------------------------------------------------------------------------------------

    def declare(self, entry: sp.Expr) -> Tensor:
        tensor = self.tensor(entry)
        if tensor.name in self.shapes:
            self.fail("the name is declared twice", "rename one of the two")
        self.shapes[tensor.name] = tensor.indices
        return tensor

    def tensor(self, entry: sp.Expr) -> Tensor:
        if isinstance(entry, sp.Symbol):
            return Tensor(entry.name, ())
        if not isinstance(entry, sp.Indexed):
            self.fail(f"{entry} is not an entry of a tensor", "write it as x[n, d], or as a bare symbol for a scalar")
        indices = tuple(self.index(index) for index in entry.indices)
        if len(set(indices)) != len(indices):
            self.fail(f"{entry} repeats an index", "use one index per axis of the tensor")
        return Tensor(str(entry.base), indices)

    def entry(self, entry: sp.Expr) -> Tensor:
        tensor = self.tensor(entry)
        if tensor.name in self.shapes and len(tensor.indices) != len(self.shapes[tensor.name]):
            self.fail(f"{entry} has another rank than its definition", "use one index per axis")
        return tensor

    def index(self, index: sp.Expr) -> Index:
        if not isinstance(index, sp.Idx) or index.lower is None:
            self.fail(f"{index} is not an index with an axis", 'make it one: Idx("n", N)')
        size = index.upper + 1
        if not isinstance(size, sp.Symbol):
            self.fail(f"index {index} runs up to {index.upper}", "an axis has a size symbol of its own")
        axis = self.axes.setdefault(size, Axis(str(size).lower(), ellipsis=size == self.definition.leading))
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
            found = Gather(name, tuple(self.index(i) for i in index.indices), below)
        else:
            found = self.index(index)
        if found.axis != axis:
            self.fail(
                f"axes clash: {tensor} has axis {axis.name} where index {index} runs over {found.axis.name}",
                "two axes never contract, even where their sizes are equal: index with the tensor's own axis",
            )
        return found

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
        outer = dict(self.scope)
        renaming: dict[Index, Slot] = {}
        for limit in expression.limits:
            variable = limit[0]
            if not isinstance(variable, sp.Idx):
                self.fail(f"Sum runs over {variable}", 'sum over an index with an axis: Idx("k", D)')
            index = self.index(variable)
            if (limit[1], limit[2]) != (variable.lower, variable.upper):
                self.fail(f"Sum over part of an axis: {limit}", "sum over the whole axis: Sum(e[n, k], k)")
            renaming[index] = Index.fresh(index.axis)
        inside = self.monomial(expression.function).rename(renaming)
        self.scope = {**self.scope, **outer}
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
        if isinstance(expression, sp.Pow) and isinstance(expression.exp, sp.Integer):
            return self.power(expression)
        if isinstance(expression, sp.Add | sp.Sum | sp.Pow) or recognise(expression):
            return self.named(expression)
        if isinstance(expression, sp.Number | sp.NumberSymbol):
            self.fail(f"{expression} is not an exact number", "write it as Rational(p, q)")
        self.fail(f"unsupported: {expression.func.__name__} in {expression}", f"supported: {SUPPORTED}")

    def product(self, parts: Iterable[sp.Expr]) -> Term:
        term = Term(Fraction(1))
        for part in parts:
            term = term.times(self.monomial(part))
        return term

    def power(self, expression: sp.Pow) -> Term:
        if not isinstance(expression.exp, sp.Rational):
            self.fail(f"unsupported exponent {expression.exp} in {expression}", "exponents are rational numbers")
        return self.monomial(expression.base).power(Fraction(int(expression.exp.p), int(expression.exp.q)))

    def reference(self, expression: sp.Indexed) -> Term:
        name = str(expression.base)
        if name not in self.shapes:
            self.fail(f"unknown name {name} in {expression}", f"known here: {', '.join(sorted(self.shapes))}")
        shape = self.shapes[name]
        if len(shape) != len(expression.indices):
            self.fail(f"{expression} has {len(expression.indices)} indices, {name} has {len(shape)}", "add or drop one")
        slots = tuple(
            self.slot(index, own.axis, name) for index, own in zip(expression.indices, shape, strict=True)
        )
        return Term(Fraction(1), ((Ref(name, slots), Fraction(1)),))

    def symbol(self, expression: sp.Symbol) -> Term:
        if expression in self.axes:
            return Term(Fraction(1), ((Size(self.axes[expression]), Fraction(1)),))
        scalar = expression.name in {parameter.name for parameter in self.definition.parameters}
        if not scalar and self.shapes.get(expression.name) != ():
            self.fail(f"unknown symbol {expression}", "declare it as a Parameter, or bind it with let(...)")
        return Term(Fraction(1), ((Ref(expression.name, ()), Fraction(1)),))

    def named(self, expression: sp.Expr) -> Term:
        """Bind an unnamed part; the same part, up to renaming of summed indices, gets the same name."""
        value = self.top(expression)
        axes = list(self.axes.values())
        indices = tuple(sorted(value.free, key=lambda index: (axes.index(index.axis), index.name)))
        formal: dict[Index, Slot] = {index: Index(f"{index.axis.name}:{i}", index.axis) for i, index in enumerate(indices)}
        key = "+".join(f"{t.coefficient}*{t.body}" for t in value.rename(formal).terms)
        if key not in self.automatic:
            name = next(f"t{i}" for i in range(1, 1000) if f"t{i}" not in self.shapes and not self.reserved(f"t{i}"))
            self.shapes[name] = indices
            self.bindings.append(Binding(Tensor(name, indices), value, automatic=True))
            self.automatic[key] = Ref(name, indices)
        known = self.automatic[key]
        return Term(Fraction(1), ((Ref(known.tensor, indices), Fraction(1)),))

    def reserved(self, name: str) -> bool:
        return any(str(getattr(item.entry, "base", item.entry)) == name for item in self.definition.lets)


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
