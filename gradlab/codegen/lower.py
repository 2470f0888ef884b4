"""Lowering passes: index expressions -> array statements.

Terms are split into independent sums, each computed once and shared between outputs; factors are multiplied at the
size of their own axes before they meet a large array; additions run in place on one fresh buffer.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction

from gradlab.codegen.alike import renamed, renaming
from gradlab.codegen.chain import Chain
from gradlab.codegen.computed import computed, first_parts, other_parts, split, spread, whole
from gradlab.codegen.gathers import Gathers, gathered
from gradlab.codegen.nest import nested
from gradlab.codegen.pieces import NOTHING, Piece, absolute, grouped, merge, normalise, scale
from gradlab.codegen.statements import (
    Apply,
    Assign,
    Check,
    Coefficient,
    Combine,
    Convolved,
    Note,
    Product,
    Scatter,
    Slide,
    Statement,
    Test,
    Value,
    Zeros,
)
from gradlab.codegen.sums import Sums, short
from gradlab.errors import DefinitionError
from gradlab.symbolic.components import components
from gradlab.symbolic.factor import factor
from gradlab.symbolic.indices import Index, Slot
from gradlab.symbolic.naming import contracts
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Factored
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Factor,
    Function,
    Indicator,
    Prod,
    Ref,
    Size,
    Term,
    atom_indices,
)

ZERO = Product(coefficient=Coefficient(Fraction(0)))


class Lowering:
    """Builds the statements of one routine. `reusable` says whether a value's buffer may be overwritten."""

    def __init__(self, program: Program, values: Iterable[Value], reusable: Callable[[Value], bool]) -> None:
        self.program = program
        self.values = {value.name: value for value in values}
        self.reusable = reusable
        self.statements: list[Statement] = []
        self.chain = Chain(self.statements.append, self.name, reusable)
        self.shared: dict[str, Value] = {}
        self.gathers, self.sums = Gathers(self), Sums(self)
        self.products: list[tuple[Value, Value, Value]] = []
        self.reserved: set[str] = set()

    def note(self, text: str) -> None:
        """Add a comment line."""
        self.statements.append(Note(text))

    def define(self, name: str, free: tuple[Index, ...], expression: Expr) -> Value:
        """Statements that compute an expression under a name."""
        target = self._target(name, free, expression)
        value = self.compute(target, expression)
        if value.layout != free:  # t[m,n] = exp(x[n,m]): under its name, a tensor has the axes that it is declared with
            target = replace(target, boolean=value.boolean)
            self.statements.append(Assign(target, Product((value,))))
            value = target
        self.values[name] = value
        return value

    def _target(self, name: str, free: tuple[Index, ...], expression: Expr) -> Value:
        """What an expression is computed into: a Python number where it is made of such."""
        known = [self.values[tensor] for tensor in expression.tensors if tensor in self.values]
        return Value(name, free, constant=not free and all(value.constant for value in known))

    def zeros(self, name: str, like: Value) -> Value:
        """Zeros of a value's shape and dtype."""
        target = Value(name, like.layout)
        self.statements.append(Zeros(target, like))
        self.values[name] = target
        return target

    def compute(self, target: Value, expression: Expr) -> Value:
        if not expression.terms:
            self.statements.append(Assign(target, ZERO))
            return target
        if expression.position is not None:
            return self.gathers.find(target, expression.position)
        whole = self._alone(target, expression) or self._scaled_product(target, expression)
        if whole is not None:
            return whole
        display = factor(nested(expression, target.layout, self._bracket(target.layout)))
        fixed = {index for term in display.inner for index in self.gathers.placing(term, target.layout)}
        common = display.prefactor
        if any(isinstance(atom, Delta) for atom, _ in common.factors) or not fixed.isdisjoint(common.free):
            display = Factored(Term(Fraction(1)), expression)  # a label in front is one in each term
        front = self.piece(display.prefactor, target.layout)
        pieces = [self.piece(term, target.layout) for term in display.inner]
        pieces = [self._known(piece) for piece in pieces]  # only now: a later term may have made the product
        pieces = self._collected(pieces, target.layout)
        dense, unit = [piece for piece in pieces if not piece.at], Coefficient()
        if len(dense) > 1:
            front, dense, unit = normalise(front, dense)
        if len(dense) == 1:
            self.chain.dense(target, NOTHING, [merge(front, dense[0])])
        elif dense:
            self._sum_of_groups(target, front, dense)
        else:
            self.statements.append(Assign(target, ZERO))
        for number, piece in enumerate(piece for piece in pieces if piece.at):
            whole_piece = merge(front, scale(piece, unit))
            self.statements.append(Scatter(target, piece.at, whole_piece.product, fresh=not dense and not number))
        return target

    def _alone(self, target: Value, expression: Expr) -> Value | None:
        """An expression that is a single sum, a function or an entry needs no arithmetic around it."""
        if len(expression.terms) != 1:
            return None
        (term,) = expression.terms
        outer, parts = components(term)
        if len(parts) == 1 and any(computed(atom) for atom, _ in parts[0].factors):
            return self._scaled(target, outer, parts[0])
        if term.coefficient != 1:
            return None
        if len(parts) == 1 and not outer.factors:
            return self.sums.sum(parts[0], target.layout, target.name)
        if not parts and len(outer.factors) == 1:
            ((atom, exponent),) = outer.factors
            if not isinstance(atom, Ref | Size | Constant | Delta) or exponent.denominator != 1 or gathered(atom):
                own = tuple(dict.fromkeys(atom_indices(atom)))
                value = self.atom(atom, exponent, target.name if own == target.layout else None)
                return value if set(value.layout) == set(target.layout) else None
        return None

    def _scaled(self, target: Value, outer: Term, part: Term) -> Value | None:
        """A number times a sum over windows; what is spread over them is scaled before, while it is small."""
        number = _number(outer)
        if number is None or set(part.free) != set(target.layout):
            return None
        read, deltas, rest = split(part)
        if number.one:
            return self.sums.sum(part, target.layout, target.name)
        if deltas and not read and len(rest.factors) == 1 and rest.factors[0][1] == 1:
            array = self.atom(*rest.factors[0], None)
            scaled = Value(self.name(f"scaled_{short(array)}"), array.layout)
            statement = spread(deltas, (scaled,), part.bound, target)
            if statement is not None:
                self.statements += [Combine(scaled, "*", array, Product(coefficient=number)), statement]
                return target
        return None if deltas else self._scaled_sum(target, part, number)

    def _scaled_product(self, target: Value, expression: Expr) -> Value | None:
        """A product of matrices times a number."""
        if len(expression.terms) != 1 or not contracts(expression):
            return None
        outer, parts = components(expression.terms[0])
        number = _number(outer)
        if number is None or len(parts) != 1 or set(parts[0].free) != set(target.layout):
            return None
        return self._scaled_sum(target, parts[0], number)

    def _scaled_sum(self, target: Value, part: Term, number: Coefficient) -> Value | None:
        """A sum scaled in place, because nothing else is as large; None where others share it."""
        if part.body in self.shared:
            return None
        value = self.sums.sum(part, target.layout, target.name)
        del self.shared[part.body]  # overwritten here
        self.statements.append(Combine(value, "*", value, Product(coefficient=number), reuse=bool(target.layout)))
        return value

    def _bracket(self, layout: tuple[Index, ...]) -> Callable[[Expr], Ref]:
        """Computes a bracket beforehand; gives the entry of the temporary that holds it."""

        def compute(inner: Expr) -> Ref:
            value = self.compute(Value(self.reserve("part"), layout), inner)
            self.values[value.name] = value
            return Ref(value.name, value.layout)

        return compute

    def _collected(self, pieces: list[Piece], layout: tuple[Index, ...]) -> list[Piece]:
        """a x - b x as (a - b) x, where a and b are numbers: they are added up before they meet the array."""
        groups: dict[object, list[Piece]] = {}
        for piece in pieces:
            above, below, _ = piece.split(layout)
            rest = [value for value in (*piece.values, *piece.divisors) if value.layout and value.layout != layout]
            alike = not rest and not piece.at and above
            groups.setdefault((tuple(above), tuple(below)) if alike else id(piece), []).append(piece)
        return [self._added(group, layout) if len(group) > 1 else group[0] for group in groups.values()]

    def _added(self, group: list[Piece], layout: tuple[Index, ...]) -> Piece:
        above, below, _ = group[0].split(layout)
        products = [Product(*_scalars(piece), piece.coefficient) for piece in group]
        products.sort(key=lambda product: product.coefficient.number < 0)
        constant = all(value.constant for product in products for value in (*product.values, *product.divisors))
        weight = Value(self.name("weight"), (), constant=constant)
        first, second, *rest = products
        self.statements.append(Combine(weight, second.coefficient.sign, first, absolute(second)))
        for product in rest:
            self.statements.append(Combine(weight, product.coefficient.sign, weight, absolute(product)))
        self.values[weight.name] = weight
        return Piece(Coefficient(), (weight, *above), tuple(below))

    def _sum_of_groups(self, target: Value, front: Piece, pieces: list[Piece]) -> None:
        """Terms that share factors meet before they are multiplied by these: fewer passes, and differences stay exact.

        w (x - mean) is 0 where x is its own mean; w x - w mean is what rounding leaves of it.
        """
        singles: list[Piece] = []
        large: list[tuple[Piece, list[Piece]]] = []
        for shared, members in grouped(pieces):
            if len(members) == 1:
                singles.append(merge(shared, members[0]))
            elif any(piece.full(target.layout) for piece in members):
                large.append((shared, members))
            else:
                singles.append(merge(shared, self._part(target, NOTHING, members)))
        if not large:
            self.chain.dense(target, front, singles)
            return
        (shared, members), *others = large
        self.chain.dense(target, shared, members)
        for piece in (*(self._part(target, *group) for group in others), *singles):
            self.chain.accumulate(target, piece)
        self.chain.multiply(target, front)

    def _part(self, target: Value, front: Piece, pieces: list[Piece]) -> Piece:
        """A sum of its own, at the size of its terms."""
        present = {index for piece in (front, *pieces) for index in piece.product.layout}
        part = Value(self.reserve("part"), tuple(index for index in target.layout if index in present))
        self.chain.dense(part, front, pieces)
        return replace(NOTHING, values=(part,))

    # Terms -> pieces ---------------------------------------------------------------------------------------------

    def piece(self, term: Term, free: tuple[Index, ...]) -> Piece:
        term, at = self.gathers.placed(term, free)
        outer, parts = components(term)
        coefficient = Coefficient(term.coefficient)
        others: list[Factor] = []
        for atom, exponent in outer.factors:
            if isinstance(atom, Size):
                coefficient = coefficient.times(Coefficient(sizes=((atom.axis, exponent),)))
            elif isinstance(atom, Constant):
                coefficient = coefficient.times(Coefficient(constants=((atom.name, exponent),)))
            else:
                others.append((atom, exponent))
        values, divisors = self.powers(others)
        values += [self.sums.sum(part, free, None) for part in parts]
        return Piece(coefficient, tuple(values), tuple(divisors), at)

    def _known(self, piece: Piece) -> Piece:
        """A piece in which a product that a sum has needed already is not made again."""
        for left, right in itertools.combinations(piece.values, 2):
            product = self.made(left, right)
            if product is not None:
                rest = Counter(piece.values) - Counter((left, right))
                return replace(piece, values=(*rest.elements(), product))
        return piece

    def made(self, left: Value, right: Value) -> Value | None:
        """The product of two values where there is one, in the indices that they have here."""
        for first, second, product in self.products:
            names = renaming((first, second), (left, right))
            if names is not None:
                return renamed(product, names)
        return None

    def powers(self, factors: Iterable[Factor]) -> tuple[list[Value], list[Value]]:
        """Factors and divisors: a whole power as repeated values, a fractional one as a root."""
        above: list[Value] = []
        below: list[Value] = []
        for atom, exponent in factors:
            base = Fraction(1) if exponent.denominator == 1 else abs(exponent)
            value, times = self.atom(atom, base, None), int(abs(exponent / base))
            if exponent < 0 and value.constant:
                # A number may be 0, which only its reciprocal can tell: NaN then, as for the mean of nothing.
                above.extend([self.apply("reciprocal", value, None)] * times)
            else:
                (above if exponent > 0 else below).extend([value] * times)
        return above, below

    def atom(self, atom: Atom, exponent: Fraction, name: str | None) -> Value:
        match atom:
            case Ref(tensor, slots):
                indices = tuple(slot for slot in slots if isinstance(slot, Index))
                known = self.values[tensor]
                if computed(atom):
                    base = self._windows(whole(known, slots), slots, name if exponent == 1 else None)
                    return base if exponent == 1 else self.apply(_power_name(exponent), base, name)
                base = Value(known.name, indices, known.boolean, known.constant)
                if gathered(atom):
                    base = self.gathers.pick(known, slots, name if exponent == 1 else None)
                return base if exponent == 1 else self.apply(_power_name(exponent), base, name)
            case Function(function, argument, others):
                value = self.apply(function, self.monomial(argument), name if exponent == 1 else None, others)
                return value if exponent == 1 else self.apply(_power_name(exponent), value, name)
            case Indicator():
                return self._test(atom, name)
            case Prod():
                value = self.sums.product(atom, name if exponent == 1 else None)
                return value if exponent == 1 else self.apply(_power_name(exponent), value, name)
            case _:
                raise DefinitionError(
                    f"{self.program.name}: no code for a delta inside a sum, which a lookup left there"
                )

    def monomial(self, term: Term) -> Value:
        if len(term.factors) == 1 and term.coefficient == 1 and term.factors[0][1] == 1:
            return self.atom(term.factors[0][0], Fraction(1), None)
        argument = Expr.of([term])
        return self.compute(self._target(self.reserve("argument"), term.free, argument), argument)

    def apply(self, function: str, operand: Value, name: str | None, others: tuple[Term, ...] = ()) -> Value:
        beside = tuple(self.piece(other, ()).product for other in others)
        key = f"{function}:{operand.name}:{operand.layout}:{beside}"
        if key in self.shared:
            return self.shared[key]
        target = Value(
            name or self.name(f"{function.split()[0]}_{operand.name}"), operand.layout, False, operand.constant
        )
        self.statements.append(Apply(target, function, operand, self.reusable(operand), beside))
        self.shared[key] = target
        return target

    def _test(self, indicator: Indicator, name: str | None) -> Value:
        operand = self.monomial(indicator.argument)
        bounds = tuple(self.piece(bound, ()).product for bound in indicator.bounds)
        key = f"test:{operand.name}:{operand.layout}:{bounds}:{indicator.closed}"
        if key not in self.shared:
            target = Value(name or self.name(f"mask_{operand.name}"), operand.layout, True, operand.constant)
            self.statements.append(Test(target, operand, bounds, indicator.closed))
            self.shared[key] = target
        return self.shared[key]

    def _windows(self, array: Value, slots: tuple[Slot, ...], name: str | None) -> Value:
        """The entries at computed indices, as an array over the indices that they are computed from."""
        key = f"windows:{array.name}:{slots}"
        if key not in self.shared:
            target = Value(name or self.name(f"windows_{array.name}"), (*first_parts(slots), *other_parts(slots)))
            self.statements.append(Slide(target, array, slots, None, ()))
            self.shared[key] = target
        return self.shared[key]

    def reserve(self, wanted: str) -> str:
        """A name for what is computed in several statements, which other temporaries in between must not take."""
        name = self.name(wanted)
        self.reserved.add(name)
        return name

    def name(self, wanted: str) -> str:
        taken = self.reserved | {value.name for value in (*self.values.values(), *self.shared.values())}
        taken |= {s.target.name for s in self.statements if not isinstance(s, Note | Scatter | Check | Convolved)}
        numbered = (f"{wanted}_{i}" for i in itertools.count(2))
        return next(n for n in itertools.chain((wanted,), numbered) if n not in taken)


def _number(outer: Term) -> Coefficient | None:
    """A term as a number times sizes; None where anything else is in it."""
    sizes = [(atom.axis, exponent) for atom, exponent in outer.factors if isinstance(atom, Size)]
    return Coefficient(outer.coefficient, tuple(sizes)) if len(sizes) == len(outer.factors) else None


def _scalars(piece: Piece) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    above, below = (tuple(v for v in values if not v.layout) for values in (piece.values, piece.divisors))
    return above, below


def _power_name(exponent: Fraction) -> str:
    return {Fraction(1, 2): "sqrt", Fraction(-1, 2): "rsqrt", Fraction(-1): "reciprocal", Fraction(2): "square"}.get(
        exponent, f"power {exponent}"
    )
