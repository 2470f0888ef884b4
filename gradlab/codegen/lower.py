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
from typing import NoReturn

from gradlab.codegen.chain import Chain
from gradlab.codegen.computed import computed, first_parts, other_parts, split, spread, whole
from gradlab.codegen.gathers import Gathers, gathered, placed
from gradlab.codegen.nest import nested
from gradlab.codegen.pieces import NOTHING, Piece, absolute, grouped, merge, normalise, scale
from gradlab.codegen.statements import (
    Accumulate,
    Apply,
    Assign,
    Check,
    Coefficient,
    Combine,
    Convolved,
    Multiply,
    Note,
    Operator,
    Product,
    Reduce,
    Scatter,
    Slide,
    Spread,
    Statement,
    Test,
    Value,
    Vary,
    Zeros,
)
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
    Order,
    Prod,
    Ref,
    Size,
    Term,
    atom_indices,
)

ZERO = Product(coefficient=Coefficient(Fraction(0)))
_SHORT = {"grad_output": "g"}


class Lowering:
    """Builds the statements of one routine. `reusable` says whether a value's buffer may be overwritten."""

    def __init__(self, program: Program, values: Iterable[Value], reusable: Callable[[Value], bool]) -> None:
        self.program = program
        self.values = {value.name: value for value in values}
        self.reusable = reusable
        self.statements: list[Statement] = []
        self.chain = Chain(self.statements.append, self.name, reusable)
        self.shared: dict[str, Value] = {}
        self.gathers = Gathers(self)
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
            return self.sum(parts[0], target.layout, target.name)
        if not parts and len(outer.factors) == 1:
            ((atom, exponent),) = outer.factors
            if not isinstance(atom, Ref | Size | Constant | Delta) or exponent.denominator != 1 or gathered(atom):
                own = tuple(dict.fromkeys(atom_indices(atom)))
                value = self._atom(atom, exponent, target.name if own == target.layout else None)
                return value if set(value.layout) == set(target.layout) else None
        return None

    def _scaled(self, target: Value, outer: Term, part: Term) -> Value | None:
        """A number times a sum over windows; what is spread over them is scaled before, while it is small."""
        number = _number(outer)
        if number is None or set(part.free) != set(target.layout):
            return None
        read, deltas, rest = split(part)
        if number.one:
            return self.sum(part, target.layout, target.name)
        if deltas and not read and len(rest.factors) == 1 and rest.factors[0][1] == 1:
            array = self._atom(*rest.factors[0], None)
            scaled = Value(self.name(f"scaled_{_SHORT.get(array.name, array.name)}"), array.layout)
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
        value = self.sum(part, target.layout, target.name)
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
        values, divisors = self._powers(others)
        values += [self.sum(part, free, None) for part in parts]
        return Piece(coefficient, tuple(values), tuple(divisors), at)

    def _known(self, piece: Piece) -> Piece:
        """A piece in which a product that a sum has needed already is not made again."""
        for left, right in itertools.combinations(piece.values, 2):
            product = self._made(left, right)
            if product is not None:
                rest = Counter(piece.values) - Counter((left, right))
                return replace(piece, values=(*rest.elements(), product))
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
            value, times = self._atom(atom, base, None), int(abs(exponent / base))
            if exponent < 0 and value.constant:
                # A number may be 0, which only its reciprocal can tell: NaN then, as for the mean of nothing.
                above.extend([self._apply("reciprocal", value, None)] * times)
            else:
                (above if exponent > 0 else below).extend([value] * times)
        return above, below

    def _atom(self, atom: Atom, exponent: Fraction, name: str | None) -> Value:
        match atom:
            case Ref(tensor, slots):
                indices = tuple(slot for slot in slots if isinstance(slot, Index))
                known = self.values[tensor]
                if computed(atom):
                    base = self._windows(whole(known, slots), slots, name if exponent == 1 else None)
                    return base if exponent == 1 else self._apply(_power_name(exponent), base, name)
                base = Value(known.name, indices, known.boolean, known.constant)
                if gathered(atom):
                    base = self.gathers.pick(known, slots, name if exponent == 1 else None)
                return base if exponent == 1 else self._apply(_power_name(exponent), base, name)
            case Function(function, argument, others):
                value = self._apply(function, self.monomial(argument), name if exponent == 1 else None, others)
                return value if exponent == 1 else self._apply(_power_name(exponent), value, name)
            case Indicator():
                return self._test(atom, name)
            case Prod():
                value = self._product(atom, name if exponent == 1 else None)
                return value if exponent == 1 else self._apply(_power_name(exponent), value, name)
            case _:
                raise DefinitionError(
                    f"{self.program.name}: no code for a delta inside a sum, which a lookup left there"
                )

    def monomial(self, term: Term) -> Value:
        if len(term.factors) == 1 and term.coefficient == 1 and term.factors[0][1] == 1:
            return self._atom(term.factors[0][0], Fraction(1), None)
        argument = Expr.of([term])
        return self.compute(self._target(self.reserve("argument"), term.free, argument), argument)

    def _apply(self, function: str, operand: Value, name: str | None, others: tuple[Term, ...] = ()) -> Value:
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

    # Sums --------------------------------------------------------------------------------------------------------

    def sum(self, part: Term, free: tuple[Index, ...], name: str | None) -> Value:
        if part.body in self.shared:
            return self.shared[part.body]
        if set(part.free) != set(free):
            name = None  # that is what the sum becomes part of
        if any(placed(atom) for atom, _ in part.factors):
            self.shared[part.body] = self.gathers.accumulate(part, free, name)
            return self.shared[part.body]
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
        operands = self._operands(part)
        layouts = {operand.layout for operand in operands}
        # What is left of one layout comes in the order that it has there.
        own = layout if len(layouts) > 1 else tuple(i for i in operands[0].layout if i not in part.bound)
        target = Value(name if name and own == layout else self.name(_sum_name(operands)), own)
        self.statements.append(Reduce(target, operands, part.bound))
        self.shared[part.body] = target
        return target

    def _computed(self, part: Term, layout: tuple[Index, ...], name: str | None) -> Value | None:
        """A sum with computed indices that has a form of its own; None where one array is read and then summed."""
        read, deltas, rest = split(part)
        if not deltas and (len(read) != 1 or read[0][1] != 1):
            return None
        above, below = self._powers((*read, *rest.factors) if deltas else rest.factors)
        above.sort(key=lambda value: len(value.layout))
        while deltas and len(above) > 2 and (pair := _nested(above)) is not None:
            small, large = pair
            above.remove(small)
            above[above.index(large)] = self._temporary("*", large, small)
        values = tuple(sorted(above, key=lambda value: value.name))
        statement: Slide | Spread | None = None
        if deltas and values and not below:
            target = Value(name or self.name(f"spread_{_sum_name(values)}"), layout)
            statement = spread(deltas, values, part.bound, target)
        elif not deltas and not below and len(values) <= 1:
            ((atom, _),) = read
            assert isinstance(atom, Ref)  # only deltas and entries have slots
            array = whole(self.values[atom.tensor], atom.slots)
            target = Value(name or self.name(_sum_name((array, *values))), layout)
            statement = Slide(target, array, atom.slots, next(iter(values), None), part.bound)
        if statement is None:
            return None if not deltas else self._fail()
        self.statements.append(statement)
        self.shared[part.body] = target
        return target

    def _fail(self) -> NoReturn:
        raise DefinitionError(
            f"{self.program.name}: no code for this sum over computed indices; bind the product of all that is not "
            "computed to a name, so that one array at computed indices meets one other"
        )

    def _running_sum(self, part: Term, order: Order, free: tuple[Index, ...], name: str | None) -> Value:
        """Sum_k f[k] [k <= d]: the sums up to each place, and from each place on for [d <= k]; no matrix of places."""
        reverse = order.left not in part.bound
        summed, place = (order.right, order.left) if reverse else (order.left, order.right)
        rest = part.without([order])
        if not isinstance(summed, Index) or part.bound != (summed,) or place in rest.indices:
            raise DefinitionError(f"{self.program.name}: no code for at_most beside another sum or another order")
        if not isinstance(place, Index):
            raise DefinitionError(f"{self.program.name}: no code for at_most with a looked-up index")
        layout = tuple(summed if index == place else index for index in free)
        term = Term(rest.coefficient, rest.factors)
        inside = tuple(index for index in layout if index in term.indices)
        plain = len(term.factors) == 1 and term.factors[0][1] == 1
        operand = self._atom(*term.factors[0], None) if plain else None
        if operand is None:
            operand = self.compute(Value(self.reserve("part"), inside), Expr.of([term]))
        target = Value(
            name or self.name(f"running_{_SHORT.get(operand.name, operand.name)}"),
            tuple(place if index == summed else index for index in operand.layout),
        )
        self.statements.append(Accumulate(target, operand, summed, reverse))
        self.shared[part.body] = target
        return target

    def _product(self, atom: Prod, name: str | None) -> Value:
        """The product over an axis, or of all entries but one; with an index of its own for the place left out."""
        (running,) = atom.argument.bound
        operand = self.monomial(Term(atom.argument.coefficient, atom.argument.factors))
        places = [slot for slot in atom.without if isinstance(slot, Index)]
        if len(places) != len(atom.without) or len(places) > 1 or set(places) & set(operand.layout):
            raise DefinitionError(f"{self.program.name}: no code for this product without {len(atom.without)} entries")
        layout = tuple(index for item in operand.layout for index in (places if item == running else (item,)))
        key = f"product:{operand.name}:{operand.layout}:{places}"
        if key not in self.shared:
            wanted = f"{'others' if places else 'product'}_{operand.name}"
            self.shared[key] = Value(name or self.name(wanted), layout)
            self.statements.append(Multiply(self.shared[key], operand, running, others=bool(places)))
        return self.shared[key]

    def _varied_product(self, part: Term, pair: Prod, name: str | None) -> Value:
        """Sum_j t[j] prod[k != d, j](x[k]), which is how prod[k != d](x[k]) moves when x moves along t."""
        others, (running,) = part.without([pair]).factors, pair.argument.bound
        operand = self.monomial(Term(pair.argument.coefficient, pair.argument.factors))
        moving = [slot for slot in pair.without if slot in part.bound]
        fixed = [slot for slot in pair.without if isinstance(slot, Index) and slot not in part.bound]
        tangent = self._atom(others[0][0], Fraction(1), None) if len(others) == 1 and others[0][1] == 1 else None
        last = operand.layout[-1] == running
        if tangent is None or len(fixed) != 1 or part.bound != tuple(moving) or not last:
            raise DefinitionError(f"{self.program.name}: no code for this sum of products without two entries")
        if tangent.layout != (*operand.layout[:-1], *moving):
            raise DefinitionError(f"{self.program.name}: no code for a product that moves along another layout")
        target = Value(name or self.name(f"moved_{operand.name}"), (*operand.layout[:-1], fixed[0]))
        self.statements.append(Vary(target, operand, tangent))
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
        target = Value(self.name("part"), left.layout)
        self.statements.append(Combine(target, operator, left, right))
        if operator == "*":
            self.products.append((left, right, target))
        return target

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


def _nested(values: list[Value]) -> tuple[Value, Value] | None:
    """Two values of which the second has all axes of the first."""
    pairs = ((a, b) for i, a in enumerate(values) for b in values[i + 1 :] if not (a.boolean and b.boolean))
    return next(((a, b) for a, b in pairs if set(a.layout) <= set(b.layout)), None)


def _power_name(exponent: Fraction) -> str:
    return {Fraction(1, 2): "sqrt", Fraction(-1, 2): "rsqrt", Fraction(-1): "reciprocal", Fraction(2): "square"}.get(
        exponent, f"power {exponent}"
    )


def _sum_name(operands: tuple[Value, ...]) -> str:
    names = [_SHORT.get(value.name, value.name) for value in operands]
    return f"sum_{names[0]}" if len(names) == 1 else f"dot_{'_'.join(dict.fromkeys(names))}"
