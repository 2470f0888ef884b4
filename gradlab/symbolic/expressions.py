"""Right sides: SymPy expressions -> index expressions. What is more than one term gets a name (let form)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction

import sympy as sp

from gradlab.symbolic.calculus import contract
from gradlab.symbolic.definition import argmax, at_most, indicator
from gradlab.symbolic.functions import ELEMENTARY, recognise
from gradlab.symbolic.indices import Axis, Gather, Index, Slot, slot_indices
from gradlab.symbolic.program import Binding, Tensor
from gradlab.symbolic.scope import Scope
from gradlab.symbolic.terms import (
    Constant,
    Delta,
    Expr,
    Function,
    Indicator,
    Order,
    Position,
    Prod,
    Ref,
    Size,
    Term,
    atom_slots,
    term_tensors,
)

SUPPORTED = (
    "+, *, /, rational powers, pi, Sum and Product over an Idx, at_most(k, d), indexed tensors, "
    f"{', '.join(ELEMENTARY)} (Max(u, 0), Min(u, 0), u**parameter)"
)


class Expressions(Scope):
    """Reads right sides, and binds their unnamed parts."""

    def top(self, expression: sp.Expr) -> Expr:
        """The right side of a binding: an addition, one sum, one function or one root may stand here unnamed."""
        if isinstance(expression, sp.Add):
            return Expr.of(self.monomial(part) for part in expression.args)
        if isinstance(expression, sp.Sum):
            inside, bound = self.over(expression)
            return Expr.of([inside]).sum_over(bound)
        if isinstance(expression, sp.Product):
            return Expr.atom(self.running_product(expression))
        if isinstance(expression, sp.Mul):
            sums = [part for part in expression.args if isinstance(part, sp.Sum)]
            others = [part for part in expression.args if not isinstance(part, sp.Sum)]
            if len(sums) == 1 and all(not part.has(sp.Indexed) for part in others):
                return self.top(sums[0]) * Expr.of([self.product(others)])
        called = recognise(expression)
        if called is not None:
            return Expr.atom(self.call(*called))
        if isinstance(expression, sp.Pow):
            return Expr.of([self.power(expression)])
        return Expr.of([self.monomial(expression)])

    def position(self, expression: argmax) -> Expr:
        """The place of a maximum, searched over indices of one tensor."""
        entry, *over = expression.args
        indices = [self.index(variable) for variable in over]
        term = self.monomial(entry)
        found = [index for atom, _ in term.factors for slot in atom_slots(atom) for index in slot_indices(slot)]
        if not indices or len(set(indices)) != len(indices) or any(found.count(index) != 1 for index in indices):
            self.fail(
                f"{expression} does not say where to search", "write argmax(x[n, k], k): one entry, each index once"
            )
        renaming: dict[Index, Slot] = {index: Index.fresh(index.axis) for index in indices}
        bound = [slot for slot in renaming.values() if isinstance(slot, Index)]
        searched = term.rename(renaming)
        return Expr.atom(Position(Term.make(searched.coefficient, searched.factors, bound)))

    def over(self, expression: sp.Sum | sp.Product) -> tuple[Term, list[Index]]:
        """What is summed or multiplied, and over which indices: renamed, lest one that is free outside is captured."""
        kind, verb = ("Sum", "sum") if isinstance(expression, sp.Sum) else ("Product", "multiply")
        renaming: dict[Index, Slot] = {}
        for limit in expression.limits:
            variable = limit[0]
            if not isinstance(variable, sp.Idx):
                self.fail(f"{kind} runs over {variable}", f'{verb} over an index with an axis: Idx("k", D)')
            index = self.index(variable)
            if (limit[1], limit[2]) != (variable.lower, variable.upper):
                self.fail(f"{kind} over part of an axis: {limit}", f"{verb} over the whole axis: {kind}(e[n, k], k)")
            if index in renaming:
                self.fail(f"{kind} runs over {variable} twice", f"use an index of its own for each {kind.lower()}")
            renaming[index] = Index.fresh(index.axis)
        inside = self.monomial(expression.function).rename(renaming)
        return inside, [slot for slot in renaming.values() if isinstance(slot, Index)]

    def running_product(self, expression: sp.Product) -> Prod:
        inside, bound = self.over(expression)
        if len(bound) != 1 or bound[0] not in inside.indices:
            self.fail(f"{expression} does not run over one index of its factor", "write it as Product(x[n, d], d)")
        return Prod(Term(inside.coefficient, inside.factors, tuple(bound)))

    def order(self, expression: at_most) -> Term:
        left, right = (self.index(index) for index in expression.args)
        if left.axis != right.axis:
            self.fail(f"{expression} compares indices of two axes", "only places on one axis have an order")
        return Term(Fraction(1), ((Order(left, right), Fraction(1)),))

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
        if expression is sp.pi:
            return Term(Fraction(1), ((Constant("pi"), Fraction(1)),))
        if isinstance(expression, sp.Pow) and (
            isinstance(expression.exp, sp.Integer) or expression.base in self.axes or expression.base.is_number
        ):
            return self.power(expression)
        if isinstance(expression, at_most):
            return self.order(expression)
        if isinstance(expression, sp.Add | sp.Sum | sp.Product | sp.Pow) or recognise(expression):
            return self.named(expression)
        if isinstance(expression, indicator):
            return Term.make(Fraction(1), [(Indicator(self.monomial(expression.args[0])), Fraction(1))])
        if isinstance(expression, sp.KroneckerDelta):
            return self.delta(expression)
        if isinstance(expression, sp.Idx):
            self.fail(f"the index {expression} is used as a number", "indices stand in brackets only")
        if isinstance(expression, sp.Number | sp.NumberSymbol):
            self.fail(f"{expression} is not an exact number", "write it as Rational(p, q)")
        kind = type(expression).__name__ if not isinstance(expression, sp.Basic) else expression.func.__name__
        self.fail(f"unsupported: {kind} in {expression}", f"supported: {SUPPORTED}")

    def delta(self, expression: sp.KroneckerDelta) -> Term:
        pair = expression.args[:2]
        axis = next((self.index(index).axis for index in pair if not isinstance(index, sp.Indexed)), None)
        if axis is None:
            self.fail(f"{expression} compares two labels", "compare a label with an index")
        left, right = (self.slot(i, axis, str(i)) if isinstance(i, sp.Indexed) else self.index(i) for i in pair)
        if left.axis != right.axis:
            self.fail(
                f"{expression} compares axis {left.axis.name} with axis {right.axis.name}", "use one axis for both"
            )
        return Term.make(Fraction(1), [(Delta(left, right), Fraction(1))])

    def product(self, parts: Iterable[sp.Expr]) -> Term:
        term = Term(Fraction(1))
        for part in parts:
            term = term.times(self.monomial(part))
        return term

    def call(self, name: str, argument: sp.Expr, *others: sp.Expr) -> Function:
        """A function of a monomial; what stands beside it is a number or a parameter."""
        constants = []
        for other in others:
            value = self.monomial(other)
            if any(tensor not in self.parameters for tensor in term_tensors(value)):
                self.fail(f"{other} in {name} is not constant", "write a number or a parameter there")
            constants.append(value)
        return Function(name, self.monomial(argument), tuple(constants))

    def power(self, expression: sp.Pow) -> Term:
        if not isinstance(expression.exp, sp.Rational) or expression.exp.q > 2:
            self.fail(
                f"unsupported exponent {expression.exp} in {expression}",
                "exponents are whole numbers, halves and, for positive u, parameters",
            )
        exponent = Fraction(int(expression.exp.p), int(expression.exp.q))
        if isinstance(expression.base, sp.Integer) and expression.base > 0:
            return Term.make(Fraction(1), [(Constant(str(expression.base)), exponent)])
        base = self.monomial(expression.base)
        # sqrt(a b) is sqrt(a) sqrt(b), and sqrt(a**2) is a, only where a and b are not negative: a root stays whole.
        single = base.coefficient == 1 and [power for _, power in base.factors] == [Fraction(1)]
        if exponent.denominator != 1 and not single:
            base = self.named(expression.base)
        return base.power(exponent)

    def reference(self, expression: sp.Indexed, *, as_index: bool = False) -> Term:
        name = str(expression.base)
        self.check_known(name, expression)
        if name in {**self.labels, **self.places} and not as_index:
            self.fail(f"{expression} holds labels and is used as a number", f"labels are indices: x[n, {expression}]")
        shape = self.shapes[name]
        if len(shape) != len(expression.indices):
            self.fail(f"{expression} has {len(expression.indices)} indices, {name} has {len(shape)}", "add or drop one")
        slots = tuple(self.slot(index, own.axis, name) for index, own in zip(expression.indices, shape, strict=True))
        return Term(Fraction(1), ((Ref(name, slots), Fraction(1)),))

    def symbol(self, expression: sp.Symbol) -> Term:
        if expression in self.axes:
            return Term(Fraction(1), ((Size(self.axes[expression]), Fraction(1)),))
        if expression.name not in self.parameters:
            self.check_known(expression.name, expression)
            rank = len(self.shapes[expression.name])
            if rank:
                self.fail(f"{expression} stands without indices", f"it has {rank}")
        return Term(Fraction(1), ((Ref(expression.name, ()), Fraction(1)),))

    def named(self, expression: sp.Expr) -> Term:
        """Bind an unnamed part; the same part, up to renaming of summed indices, gets the same name."""
        value = contract(self.top(expression))
        axes = list(self.axes.values())
        indices = tuple(sorted(value.free, key=lambda index: axes.index(index.axis)))
        formal: dict[Index, Slot] = {own: Index(f"{own.axis.name}:{i}", own.axis) for i, own in enumerate(indices)}
        key = "+".join(f"{t.coefficient}*{t.body}" for t in value.rename(formal).terms)
        if key not in self.automatic:
            name = next(f"t{i}" for i in itertools.count(1) if f"t{i}" not in self.shapes and f"t{i}" not in self.taken)
            self.shapes[name] = indices
            self.bindings.append(Binding(Tensor(name, indices), value, automatic=True))
            self.automatic[key] = Ref(name, indices)
        known = self.automatic[key]
        return Term(Fraction(1), ((Ref(known.tensor, indices), Fraction(1)),))

    def slot(self, index: sp.Expr, axis: Axis, tensor: str) -> Slot:
        found: Slot = self.gather(index, axis) if isinstance(index, sp.Indexed) else self.index(index)
        if found.axis != axis:
            self.fail(
                f"axes clash: {tensor} has axis {axis.name} where index {index} runs over {found.axis.name}",
                "two axes never contract, even where their sizes are equal: index with the tensor's own axis",
            )
        return found

    def gather(self, index: sp.Indexed, axis: Axis) -> Gather:
        """A label, or the place of a maximum, inside brackets."""
        name = str(index.base)
        if name in self.places:
            plane = self.places[name]
            along = axis if axis in plane else plane[0]
            return Gather(name, self.lookup(index), along, plane if len(plane) > 1 else ())
        if name not in self.labels:
            remedy = "only inputs in the domain labels(...), and what is bound to an argmax, can be"
            self.fail(f"{index} is used as an index", remedy)
        below = next((a for a in self.axes.values() if a.name == self.labels[name]), None)
        if below is None:
            self.fail(f"{name} holds labels below {self.labels[name]!r}, which is no axis", "name an axis")
        return Gather(name, self.lookup(index), below)

    def lookup(self, expression: sp.Indexed) -> tuple[Index, ...]:
        """The indices of a label inside brackets; each is a plain index."""
        nested = next((index for index in expression.indices if isinstance(index, sp.Indexed)), None)
        if nested is not None:
            self.fail(f"{expression} is indexed by {nested}", "bind the inner lookup to a name first")
        ((atom, _),) = self.reference(expression, as_index=True).factors
        assert isinstance(atom, Ref)
        return tuple(slot for slot in atom.slots if isinstance(slot, Index))
