"""Lowering passes: index expressions -> array statements.

Terms are split into independent sums, each computed once and shared between outputs; factors are multiplied at the
size of their own axes before they meet a large array; additions run in place on one fresh buffer.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction

from gradlab.codegen.chain import Chain
from gradlab.codegen.nest import nested
from gradlab.codegen.pieces import NOTHING, Piece, absolute, merge, normalise, scale
from gradlab.codegen.statements import (
    Apply,
    Assign,
    Coefficient,
    Combine,
    Locate,
    Note,
    Operator,
    Pick,
    Product,
    Reduce,
    Scatter,
    Statement,
    Test,
    Value,
    Zeros,
)
from gradlab.errors import DefinitionError
from gradlab.symbolic.components import components
from gradlab.symbolic.factor import factor
from gradlab.symbolic.naming import contracts
from gradlab.symbolic.program import Program
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Factor,
    Function,
    Gather,
    Index,
    Indicator,
    Ref,
    Size,
    Term,
)

_SHORT = {"grad_output": "g"}


class Lowering:
    """Builds the statements of one routine. `reusable` says whether a value's buffer may be overwritten."""

    def __init__(self, program: Program, values: Iterable[Value], reusable: Callable[[Value], bool]) -> None:
        self.program = program
        self.values = {value.name: value for value in values}
        self.reusable = reusable
        self.statements: list[Statement] = []
        self.chain = Chain(self.statements.append, self._name, reusable)
        self.shared: dict[str, Value] = {}
        self.products: list[tuple[Value, Value, Value]] = []

    def note(self, text: str) -> None:
        """Add a comment line."""
        self.statements.append(Note(text))

    def define(self, name: str, free: tuple[Index, ...], expression: Expr) -> Value:
        """Statements that compute an expression under a name."""
        known = [self.values[tensor] for tensor in expression.tensors if tensor in self.values]
        target = Value(name, free, constant=not free and all(value.constant for value in known))
        self.values[name] = self._compute(target, expression)
        return self.values[name]

    def zeros(self, name: str, like: Value) -> Value:
        """Zeros of a value's shape and dtype."""
        target = Value(name, like.layout)
        self.statements.append(Zeros(target, like))
        self.values[name] = target
        return target

    def _compute(self, target: Value, expression: Expr) -> Value:
        if not expression.terms:
            self.statements.append(Assign(target, Product(coefficient=Coefficient(Fraction(0)))))
            return target
        whole = self._alone(target, expression) or self._scaled_product(target, expression)
        if whole is not None:
            return whole
        display = factor(nested(expression, target.layout, self._bracket(target.layout)))
        front = self._piece(display.prefactor, target.layout)
        pieces = [self._piece(term, target.layout) for term in display.inner]
        pieces = [self._known(piece) for piece in pieces]  # only now: a later term may have made the product
        pieces = self._collected(pieces, target.layout)
        if front.at is not None:  # a label in front is one in each term
            front, pieces = NOTHING, [merge(front, piece) for piece in pieces]
        dense, unit = [piece for piece in pieces if piece.at is None], Coefficient()
        if len(dense) > 1:
            front, dense, unit = normalise(front, dense)
        if len(dense) == 1:
            self.chain.dense(target, NOTHING, [merge(front, dense[0])])
        elif dense:
            self.chain.dense(target, front, dense)
        else:
            self.statements.append(Assign(target, Product(coefficient=Coefficient(Fraction(0)))))
        for piece in pieces:
            if piece.at is not None:
                self._scatter(target, merge(front, scale(piece, unit)), piece.at)
        return target

    def _alone(self, target: Value, expression: Expr) -> Value | None:
        """An expression that is a single sum, a function or an entry needs no arithmetic around it."""
        if len(expression.terms) != 1 or expression.terms[0].coefficient != 1:
            return None
        (term,) = expression.terms
        outer, parts = components(term)
        if len(parts) == 1 and not outer.factors:
            return self._sum(parts[0], target.layout, target.name)
        if not parts and len(outer.factors) == 1:
            ((atom, exponent),) = outer.factors
            if not isinstance(atom, Ref | Size | Constant | Delta) or exponent.denominator != 1 or _gathered(atom):
                value = self._atom(atom, exponent, target.name)
                return value if set(value.layout) == set(target.layout) else None
        return None

    def _bracket(self, layout: tuple[Index, ...]) -> Callable[[Expr], Ref]:
        """Computes a bracket beforehand; gives the entry of the temporary that holds it."""

        def compute(inner: Expr) -> Ref:
            value = self._compute(Value(self._name("part"), layout), inner)
            self.values[value.name] = value
            return Ref(value.name, value.layout)

        return compute

    def _collected(self, pieces: list[Piece], layout: tuple[Index, ...]) -> list[Piece]:
        """a x - b x as (a - b) x, where a and b are numbers: they are added up before they meet the array."""
        groups: dict[tuple[tuple[Value, ...], tuple[Value, ...]], list[Piece]] = {}
        for piece in pieces:
            above, below, _ = piece.split(layout)
            rest = [value for value in (*piece.values, *piece.divisors) if value.layout and value.layout != layout]
            key = (tuple(above), tuple(below)) if not rest and piece.at is None and above else ((), (), id(piece))
            groups.setdefault(key, []).append(piece)
        return [self._added(group, layout) if len(group) > 1 else group[0] for group in groups.values()]

    def _added(self, group: list[Piece], layout: tuple[Index, ...]) -> Piece:
        above, below, _ = group[0].split(layout)
        products = [Product(*_scalars(piece), piece.coefficient) for piece in group]
        products.sort(key=lambda product: product.coefficient.number < 0)
        constant = all(value.constant for product in products for value in (*product.values, *product.divisors))
        weight = Value(self._name("weight"), (), constant=constant)
        first, second, *rest = products
        self.statements.append(Combine(weight, second.coefficient.sign, first, absolute(second)))
        for product in rest:
            self.statements.append(Combine(weight, product.coefficient.sign, weight, absolute(product)))
        self.values[weight.name] = weight
        return Piece(Coefficient(), (weight, *above), tuple(below))

    def _scaled_product(self, target: Value, expression: Expr) -> Value | None:
        """A product of matrices times a number: scaled in place, because nothing else is as large."""
        if len(expression.terms) != 1 or not contracts(expression):
            return None
        outer, parts = components(expression.terms[0])
        if (
            len(parts) != 1
            or any(not isinstance(atom, Size) for atom, _ in outer.factors)
            or parts[0].body in self.shared
        ):
            return None
        scale = Coefficient(
            outer.coefficient, tuple((atom.axis, e) for atom, e in outer.factors if isinstance(atom, Size))
        )
        self.statements.append(Reduce(target, self._operands(parts[0]), parts[0].bound))
        self.statements.append(Combine(target, "*", target, Product(coefficient=scale), reuse=bool(target.layout)))
        return target

    # Terms -> pieces ---------------------------------------------------------------------------------------------

    def _piece(self, term: Term, free: tuple[Index, ...]) -> Piece:
        outer, parts = components(term)
        coefficient, at = Coefficient(term.coefficient), None
        others: list[Factor] = []
        for atom, exponent in outer.factors:
            if isinstance(atom, Size):
                coefficient = coefficient.times(Coefficient(sizes=((atom.axis, exponent),)))
            elif isinstance(atom, Constant):
                coefficient = coefficient.times(Coefficient(constants=((atom.name, exponent),)))
            elif isinstance(atom, Delta):
                at = self._position(atom)
            else:
                others.append((atom, exponent))
        values, divisors = self._powers(others)
        values += [self._sum(part, free, None) for part in parts]
        return Piece(coefficient, tuple(values), tuple(divisors), at)

    def _known(self, piece: Piece) -> Piece:
        """A piece in which a product that a sum has needed already is not made again."""
        for left, right in itertools.combinations(piece.values, 2):
            product = self._made(left, right)
            if product is not None:
                rest = [value for value in piece.values if value not in (left, right)]
                return replace(piece, values=(*rest, product))
        return piece

    def _made(self, left: Value, right: Value) -> Value | None:
        """The product of two values where there is one, in the indices that they have here."""
        for first, second, product in self.products:
            for one, other in ((left, right), (right, left)):
                if (one.name, other.name) == (first.name, second.name):
                    pairs = {*zip((*first.layout, *second.layout), (*one.layout, *other.layout), strict=True)}
                    renaming = dict(pairs)
                    if len(pairs) == len(renaming) == len({*renaming.values()}):
                        return replace(product, layout=tuple(renaming[index] for index in product.layout))
        return None

    def _powers(self, factors: Iterable[Factor]) -> tuple[list[Value], list[Value]]:
        """Factors and divisors: a whole power as repeated values, a fractional one as a root."""
        above: list[Value] = []
        below: list[Value] = []
        for atom, exponent in factors:
            base = Fraction(1) if exponent.denominator == 1 else abs(exponent)
            value = self._atom(atom, base, None)
            (above if exponent > 0 else below).extend([value] * int(abs(exponent / base)))
        return above, below

    def _atom(self, atom: Atom, exponent: Fraction, name: str | None) -> Value:
        match atom:
            case Ref(tensor, slots):
                gathers = [slot for slot in slots if isinstance(slot, Gather)]
                indices = tuple(slot for slot in slots if isinstance(slot, Index))
                if len(set(indices)) != len(indices):
                    raise DefinitionError(
                        f"{self.program.name}: no code for the repeated index in {tensor}; bind a copy"
                    )
                known = self.values[tensor]
                base = Value(known.name, indices, known.boolean, known.constant)
                if gathers:
                    base = self._pick(base, slots, gathers, name if exponent == 1 else None)
                return base if exponent == 1 else self._apply(_power_name(exponent), base, name)
            case Function(function, argument, others):
                value = self._apply(function, self._monomial(argument), name if exponent == 1 else None, others)
                return value if exponent == 1 else self._apply(_power_name(exponent), value, name)
            case Indicator():
                return self._test(atom, name)
            case _:
                raise DefinitionError(
                    f"{self.program.name}: no code for a delta inside a sum, which a lookup left there"
                )

    def _monomial(self, term: Term) -> Value:
        if len(term.factors) == 1 and term.coefficient == 1 and term.factors[0][1] == 1:
            return self._atom(term.factors[0][0], Fraction(1), None)
        return self._compute(Value(self._name("argument"), term.free), Expr.of([term]))

    def _apply(self, function: str, operand: Value, name: str | None, others: tuple[Term, ...] = ()) -> Value:
        beside = tuple(self._piece(other, ()).product for other in others)
        key = f"{function}:{operand.name}:{operand.layout}:{beside}"
        if key in self.shared:
            return self.shared[key]
        target = Value(name or self._name(f"{function}_{operand.name}"), operand.layout, False, operand.constant)
        self.statements.append(Apply(target, function, operand, self.reusable(operand), beside))
        self.shared[key] = target
        return target

    def _test(self, indicator: Indicator, name: str | None) -> Value:
        operand = self._monomial(indicator.argument)
        bounds = tuple(self._piece(bound, ()).product for bound in indicator.bounds)
        key = f"test:{operand.name}:{operand.layout}:{bounds}:{indicator.closed}"
        if key not in self.shared:
            target = Value(name or self._name(f"mask_{operand.name}"), operand.layout, True, operand.constant)
            self.statements.append(Test(target, operand, bounds, indicator.closed))
            self.shared[key] = target
        return self.shared[key]

    # Sums --------------------------------------------------------------------------------------------------------

    def _sum(self, part: Term, free: tuple[Index, ...], name: str | None) -> Value:
        if part.body in self.shared:
            return self.shared[part.body]
        operands = self._operands(part)
        layout = tuple(index for index in free if index in part.free)
        target = Value(name or self._name(_sum_name(operands)), layout)
        self.statements.append(Reduce(target, operands, part.bound))
        self.shared[part.body] = target
        return target

    def _operands(self, part: Term) -> tuple[Value, ...]:
        """Two operands have fast sums; more are multiplied beforehand where one has all axes of the other."""
        above, below = self._powers(part.factors)
        if not above:
            above = [self._apply("reciprocal", below.pop(), None)]
        for divisor in below:
            host = next((value for value in above if set(divisor.layout) <= set(value.layout)), None)
            if host is None:
                above.append(self._apply("reciprocal", divisor, None))
            else:
                above[above.index(host)] = self._temporary("/", host, divisor)
        above.sort(key=lambda value: len(value.layout))
        while len(above) > 2 and (pair := _nested(above)) is not None:
            small, large = pair
            above.remove(small)
            above[above.index(large)] = self._temporary("*", large, small)
        return tuple(sorted(above, key=lambda value: value.name))

    def _temporary(self, operator: Operator, left: Value, right: Value) -> Value:
        known = self._made(left, right) if operator == "*" else None
        if known is not None:
            return known
        target = Value(self._name("part"), left.layout)
        self.statements.append(Combine(target, operator, left, right))
        if operator == "*":
            self.products.append((left, right, target))
        return target

    # Gathers -----------------------------------------------------------------------------------------------------

    def _pick(self, array: Value, slots: tuple[object, ...], gathers: list[Gather], name: str | None) -> Value:
        (gather,) = gathers
        if slots[-1] != gather or tuple(slots[:-1]) != gather.slots:
            raise DefinitionError(f"{self.program.name}: labels can only pick from the last axis, as in x[n, label[n]]")
        over = Index(gather.axis.name, gather.axis)
        whole = Value(array.name, (*array.layout, over), array.boolean)
        positions = self._locate(gather, whole)
        key = f"pick:{array.name}:{gather}"
        if key not in self.shared:
            target = Value(name or self._name(f"{array.name}_at_{gather.tensor}"), gather.slots)
            self.statements.append(Pick(target, whole, positions, over))
            self.shared[key] = target
        return self.shared[key]

    def _locate(self, gather: Gather, array: Value | None) -> Value:
        name = f"{gather.tensor}_at"
        if name not in self.values:
            if array is None:
                raise DefinitionError(f"{self.program.name}: {gather.tensor} is not used in the forward")
            self.values[name] = Value(name, gather.slots)
            self.statements.append(Locate(self.values[name], gather, array))
        return self.values[name]

    def _position(self, delta: Delta) -> tuple[Value, Index]:
        gather, index = (delta.left, delta.right) if isinstance(delta.left, Gather) else (delta.right, delta.left)
        if not isinstance(gather, Gather) or not isinstance(index, Index):
            raise DefinitionError(f"{self.program.name}: no code for a delta between two free indices")
        return self._locate(gather, None), index

    def _scatter(self, target: Value, piece: Piece, at: tuple[Value, Index]) -> None:
        positions, over = at
        if any(over in value.layout for value in (*piece.values, *piece.divisors)):
            raise DefinitionError(f"{self.program.name}: no code for a label times a tensor of the full size")
        self.statements.append(Scatter(target, positions, piece.product, over))

    def _name(self, wanted: str) -> str:
        taken = {value.name for value in (*self.values.values(), *self.shared.values())}
        taken |= {s.target.name for s in self.statements if not isinstance(s, Note | Scatter)}
        return next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if n not in taken)


def _scalars(piece: Piece) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
    above, below = (tuple(v for v in values if not v.layout) for values in (piece.values, piece.divisors))
    return above, below


def _nested(values: list[Value]) -> tuple[Value, Value] | None:
    """Two values of which the second has all axes of the first."""
    pairs = ((a, b) for i, a in enumerate(values) for b in values[i + 1 :] if not (a.boolean and b.boolean))
    return next(((a, b) for a, b in pairs if set(a.layout) <= set(b.layout)), None)


def _gathered(atom: Atom) -> bool:
    return isinstance(atom, Ref) and any(isinstance(slot, Gather) for slot in atom.slots)


def _power_name(exponent: Fraction) -> str:
    return {Fraction(1, 2): "sqrt", Fraction(-1, 2): "rsqrt", Fraction(-1): "reciprocal", Fraction(2): "square"}.get(
        exponent, f"power {exponent}"
    )


def _sum_name(operands: tuple[Value, ...]) -> str:
    names = [_SHORT.get(value.name, value.name) for value in operands]
    return f"sum_{names[0]}" if len(names) == 1 else f"dot_{'_'.join(dict.fromkeys(names))}"
