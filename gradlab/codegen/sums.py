"""Lowering of sums and products over axes: plain ones, those over windows, running ones, and those of all others."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from gradlab.codegen.alike import renamed, renaming
from gradlab.codegen.computed import computed, split, spread, whole
from gradlab.codegen.gathers import placed
from gradlab.codegen.statements import Accumulate, Combine, Multiply, Operator, Reduce, Slide, Spread, Value, Vary
from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Index
from gradlab.symbolic.terms import Expr, Factor, Order, Prod, Ref, Term, atom_indices

if TYPE_CHECKING:
    from gradlab.codegen.lower import Lowering

_Statement = Reduce | Slide | Spread | Accumulate | Multiply | Vary

_SHORT = {"grad_output": "g"}


class Sums:
    """Emits the statements of one routine that sum or multiply over axes, into the lowering that it belongs to."""

    def __init__(self, lowering: Lowering) -> None:
        self.lowering = lowering

    def sum(self, part: Term, free: tuple[Index, ...], name: str | None) -> Value:
        """One independent sum, with the indices of the result in the order of `free`."""
        if part.body in self.lowering.shared:
            return self.lowering.shared[part.body]
        if set(part.free) != set(free):
            name = None  # that is what the sum becomes part of
        if any(placed(atom) for atom, _ in part.factors):
            self.lowering.shared[part.body] = self.lowering.gathers.accumulate(part, free, name)
            return self.lowering.shared[part.body]
        order = next((atom for atom, _ in part.factors if isinstance(atom, Order)), None)
        if order is not None:
            return self._running_sum(part, order, free, name)
        pair = next((atom for atom, _ in part.factors if isinstance(atom, Prod) and len(atom.without) == 2), None)
        if pair is not None:
            return self._varied_product(part, pair, name)
        layout = tuple(index for index in free if index in part.free)
        if any(computed(atom) for atom, _ in part.factors):
            found = self._computed(part, layout, name)
            if found is not None:
                return found
        inside, outside = _nested_sum(part)
        inner = [] if inside is None else [self.sum(inside, inside.free, None)]
        operands = self._operands(outside, inner)
        bound = tuple(i for i in part.bound if any(i in operand.layout for operand in operands))
        known = self._known(operands, bound)
        if known is not None:
            return known
        layouts = {operand.layout for operand in operands}
        # What is left of one layout comes in the order that it has there.
        own = layout if len(layouts) > 1 else tuple(i for i in operands[0].layout if i not in bound)
        target = Value(name if name and own == layout else self.lowering.name(_sum_name(operands)), own)
        return self._shared(part.body, Reduce(target, operands, bound))

    def _known(self, operands: Sequence[Value], bound: tuple[Index, ...]) -> Value | None:
        """The same sum in other indices, where there is one."""
        for statement in self.lowering.statements:
            if isinstance(statement, Reduce) and statement.target in self.lowering.shared.values():
                names = renaming(statement.operands, operands)
                if names is not None and {names[index] for index in statement.bound} == {*bound}:
                    return renamed(statement.target, names)
        return None

    def _computed(self, part: Term, layout: tuple[Index, ...], name: str | None) -> Value | None:
        """A sum with computed indices that has a form of its own; None where one array is read and then summed."""
        read, deltas, rest = split(part)
        if not deltas and (len(read) != 1 or read[0][1] != 1):
            return None
        above, below = self.lowering.powers((*read, *rest.factors) if deltas else rest.factors)
        values = self._multiplied(above) if deltas else tuple(above)
        statement: Slide | Spread | None = None
        if deltas and values and not below:
            target = Value(name or self.lowering.name(f"spread_{_sum_name(values)}"), layout)
            statement = spread(deltas, values, part.bound, target)
        elif not deltas and not below and len(values) <= 1:
            ((atom, _),) = read
            assert isinstance(atom, Ref)  # only deltas and entries have slots
            array = whole(self.lowering.values[atom.tensor], atom.slots)
            target = Value(name or self.lowering.name(_sum_name((array, *values))), layout)
            statement = Slide(target, array, atom.slots, next(iter(values), None), part.bound)
        if statement is None:
            if not deltas:
                return None
            self._fail(
                "this sum over computed indices; bind the product of all that is not computed to a name, so that one "
                "array at computed indices meets one other"
            )
        return self._shared(part.body, statement)

    def _running_sum(self, part: Term, order: Order, free: tuple[Index, ...], name: str | None) -> Value:
        """Sum_k f[k] [k <= d]: the sums up to each place, and from each place on for [d <= k]; no matrix of places."""
        reverse = order.left not in part.bound
        summed, place = (order.right, order.left) if reverse else (order.left, order.right)
        rest = part.without([order])
        if not isinstance(summed, Index) or part.bound != (summed,) or place in rest.indices:
            self._fail("at_most beside another sum or another order")
        if not isinstance(place, Index):
            self._fail("at_most with a looked-up index")
        layout = tuple(summed if index == place else index for index in free)
        term = Term(rest.coefficient, rest.factors)
        inside = tuple(index for index in layout if index in term.indices)
        plain = len(term.factors) == 1 and term.factors[0][1] == 1
        operand = self.lowering.atom(*term.factors[0], None) if plain else None
        if operand is None:
            operand = self.lowering.compute(Value(self.lowering.reserve("part"), inside), Expr.of([term]))
        target = Value(
            name or self.lowering.name(f"running_{short(operand)}"),
            tuple(place if index == summed else index for index in operand.layout),
        )
        return self._shared(part.body, Accumulate(target, operand, summed, reverse))

    def product(self, atom: Prod, name: str | None) -> Value:
        """The product over an axis, or of all entries but one; with an index of its own for the place left out."""
        (running,) = atom.argument.bound
        operand = self.lowering.monomial(Term(atom.argument.coefficient, atom.argument.factors))
        places = [slot for slot in atom.without if isinstance(slot, Index)]
        if len(places) != len(atom.without) or len(places) > 1 or set(places) & set(operand.layout):
            self._fail(f"this product without {len(atom.without)} entries")
        layout = tuple(index for item in operand.layout for index in (places if item == running else (item,)))
        key = f"product:{operand.name}:{operand.layout}:{places}"
        if key in self.lowering.shared:
            return self.lowering.shared[key]
        target = Value(name or self.lowering.name(f"{'others' if places else 'product'}_{operand.name}"), layout)
        return self._shared(key, Multiply(target, operand, running, others=bool(places)))

    def _varied_product(self, part: Term, pair: Prod, name: str | None) -> Value:
        """Sum_j t[j] prod[k != d, j](x[k]), which is how prod[k != d](x[k]) moves when x moves along t."""
        others, (running,) = part.without([pair]).factors, pair.argument.bound
        operand = self.lowering.monomial(Term(pair.argument.coefficient, pair.argument.factors))
        moving = [slot for slot in pair.without if slot in part.bound]
        fixed = [slot for slot in pair.without if isinstance(slot, Index) and slot not in part.bound]
        alone = len(others) == 1 and others[0][1] == 1
        tangent = self.lowering.atom(others[0][0], Fraction(1), None) if alone else None
        last = operand.layout[-1] == running
        if tangent is None or len(fixed) != 1 or part.bound != tuple(moving) or not last:
            self._fail("this sum of products without two entries")
        if tangent.layout != (*operand.layout[:-1], *moving):
            self._fail("a product that moves along another layout")
        target = Value(name or self.lowering.name(f"moved_{operand.name}"), (*operand.layout[:-1], fixed[0]))
        return self._shared(part.body, Vary(target, operand, tangent))

    def _operands(self, factors: Sequence[Factor], known: Sequence[Value]) -> tuple[Value, ...]:
        """Two operands have fast sums; more are multiplied beforehand where one has all axes of the other."""
        above, below = self.lowering.powers(factors)
        above += known
        if not above:
            above = [self.lowering.apply("reciprocal", below.pop(), None)]
        for divisor in below:
            host = next((value for value in above if set(divisor.layout) <= set(value.layout)), None)
            if host is None:
                above.append(self.lowering.apply("reciprocal", divisor, None))
            else:
                above[above.index(host)] = self._temporary("/", host, divisor)
        return self._multiplied(above)

    def _multiplied(self, values: list[Value]) -> tuple[Value, ...]:
        """Two of them, or more where none has all axes of another."""
        values = sorted(values, key=lambda value: len(value.layout))
        while len(values) > 2 and (pair := _nested(values)) is not None:
            small, large = pair
            values.remove(small)
            values[values.index(large)] = self._temporary("*", large, small)
        return tuple(sorted(values, key=lambda value: value.name))

    def _temporary(self, operator: Operator, left: Value, right: Value) -> Value:
        known = self.lowering.made(left, right) if operator == "*" else None
        if known is not None:
            return known
        target = Value(self.lowering.name("part"), left.layout)
        self.lowering.statements.append(Combine(target, operator, left, right))
        if operator == "*":
            self.lowering.products.append((left, right, target))
        return target

    def _shared(self, key: str, statement: _Statement) -> Value:
        """The target of a statement, which whatever needs the same finds again."""
        self.lowering.statements.append(statement)
        self.lowering.shared[key] = statement.target
        return statement.target

    def _fail(self, what: str) -> NoReturn:
        raise DefinitionError(f"{self.lowering.program.name}: no code for {what}")


def _nested_sum(part: Term) -> tuple[Term | None, Sequence[Factor]]:
    """The sum that stands inside of another one, and what is multiplied by it: a[k] sum[h](x[k,h]) in sum[k,h](a x).

    The inner one reads the large arrays once, and other sums of a routine are often made of it.
    """
    for atom, _ in part.factors:
        own = {*atom_indices(atom)}
        bound = tuple(index for index in part.bound if index not in own)
        inside = tuple((a, e) for a, e in part.factors if not {*bound}.isdisjoint(atom_indices(a)))
        inner = Term(Fraction(1), inside, bound)
        if bound and (own <= {*inner.free} or len(inside) == 1):
            return inner, tuple(factor for factor in part.factors if factor not in inside)
    return None, part.factors


def _nested(values: list[Value]) -> tuple[Value, Value] | None:
    """Two values of which the second has all axes of the first."""
    pairs = ((a, b) for i, a in enumerate(values) for b in values[i + 1 :] if not (a.boolean and b.boolean))
    return next(((a, b) for a, b in pairs if set(a.layout) <= set(b.layout)), None)


def short(value: Value) -> str:
    """What a value is called inside of other names."""
    return _SHORT.get(value.name, value.name)


def _sum_name(operands: tuple[Value, ...]) -> str:
    names = [short(value).removeprefix("dot_").removeprefix("sum_") for value in operands]
    return f"sum_{names[0]}" if len(names) == 1 else f"dot_{'_'.join(dict.fromkeys(names))}"
