"""Lowering passes: index expressions -> array statements.

Terms are split into independent sums, each computed once and shared between outputs; factors are multiplied at the
size of their own axes before they meet a large array; additions run in place on one fresh buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from gradlab.codegen.statements import (
    Apply,
    Assign,
    Coefficient,
    Combine,
    Locate,
    Note,
    Operand,
    Pick,
    Product,
    Reduce,
    Scatter,
    Statement,
    Value,
)
from gradlab.errors import DefinitionError
from gradlab.symbolic.factor import factor
from gradlab.symbolic.program import Program
from gradlab.symbolic.terms import (
    Atom,
    Delta,
    Expr,
    Function,
    Gather,
    Index,
    Indicator,
    Ref,
    Size,
    Term,
    components,
)

_SHORT = {"grad_output": "g"}


@dataclass(frozen=True)
class Piece:
    """One term, lowered: coefficient * values / divisors, at one position of a row where `at` is set."""

    coefficient: Coefficient
    values: tuple[Value, ...]
    divisors: tuple[Value, ...]
    at: tuple[Value, Index] | None = None

    def split(self, free: tuple[Index, ...]) -> tuple[list[Value], list[Value], list[Product]]:
        """Full-size values, full-size divisors, and the rest as one product for each layout."""
        whole = set(free)
        full = [value for value in self.values if set(value.layout) == whole]
        below = [value for value in self.divisors if set(value.layout) == whole]
        return full, below, self.small(whole)

    def small(self, whole: set[Index]) -> list[Product]:
        """The factors with fewer axes than the output, grouped by layout; scalars join the first group."""
        groups: dict[tuple[Index, ...], tuple[list[Value], list[Value]]] = {}
        for kind, values in enumerate((self.values, self.divisors)):
            for value in values:
                if set(value.layout) != whole or not whole:
                    groups.setdefault(value.layout, ([], []))[kind].append(value)
        scalars, scalar_divisors = groups.pop((), ([], []))
        products = [Product(tuple(above), tuple(below)) for above, below in groups.values()]
        first = products[0] if products else Product()
        joined = Product((*scalars, *first.values), (*scalar_divisors, *first.divisors), self.coefficient)
        trivial = not joined.values and not joined.divisors and joined.coefficient.one
        return products[1:] if trivial else [joined, *products[1:]]


_NOTHING = Piece(Coefficient(), (), ())


class Lowering:
    """Builds the statements of one routine. `reusable` says whether a value's buffer may be overwritten."""

    def __init__(self, program: Program, values: Iterable[Value], reusable: Callable[[Value], bool]) -> None:
        self.program = program
        self.values = {value.name: value for value in values}
        self.reusable = reusable
        self.statements: list[Statement] = []
        self.shared: dict[str, Value] = {}

    def note(self, text: str) -> None:
        """Add a comment line."""
        self.statements.append(Note(text))

    def define(self, name: str, free: tuple[Index, ...], expression: Expr) -> Value:
        """Statements that compute an expression under a name."""
        target = Value(name, free)
        self.values[name] = self._compute(target, expression)
        return self.values[name]

    def _compute(self, target: Value, expression: Expr) -> Value:
        if not expression.terms:
            self.statements.append(Assign(target, Product(coefficient=Coefficient(Fraction(0)))))
            return target
        whole = self._alone(target, expression)
        if whole is not None:
            return whole
        display = factor(expression)
        front = self._piece(display.prefactor, target.layout)
        pieces = [self._piece(term, target.layout) for term in display.inner]
        dense, unit = [piece for piece in pieces if piece.at is None], Coefficient()
        if len(dense) > 1:
            front, dense, unit = _normalise(front, dense)
        if len(dense) == 1:
            self._dense(target, _NOTHING, [_merge(front, dense[0])])
        elif dense:
            self._dense(target, front, dense)
        else:
            self.statements.append(Assign(target, Product(coefficient=Coefficient(Fraction(0)))))
        for piece in pieces:
            if piece.at is not None:
                self._scatter(target, _merge(front, _scale(piece, unit)), piece.at)
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
            if not isinstance(atom, Ref | Size | Delta) or exponent.denominator != 1 or _gathered(atom):
                value = self._atom(atom, exponent, target.name)
                return value if set(value.layout) == set(target.layout) else None
        return None

    # Terms -> pieces ---------------------------------------------------------------------------------------------

    def _piece(self, term: Term, free: tuple[Index, ...]) -> Piece:
        outer, parts = components(term)
        coefficient, values, divisors, at = Coefficient(term.coefficient), [], [], None
        for atom, exponent in outer.factors:
            if isinstance(atom, Size):
                coefficient = coefficient.times(Coefficient(sizes=((atom.axis, int(exponent)),)))
            elif isinstance(atom, Delta):
                at = self._position(atom)
            else:
                base = Fraction(1) if exponent.denominator == 1 else abs(exponent)
                value = self._atom(atom, base, None)
                count = int(abs(exponent / base))
                (values if exponent > 0 else divisors).extend([value] * count)
        values += [self._sum(part, free, None) for part in parts]
        return Piece(coefficient, tuple(values), tuple(divisors), at)

    def _atom(self, atom: Atom, exponent: Fraction, name: str | None) -> Value:
        match atom:
            case Ref(tensor, slots):
                gathers = [slot for slot in slots if isinstance(slot, Gather)]
                indices = tuple(slot for slot in slots if isinstance(slot, Index))
                if len(set(indices)) != len(indices):
                    raise DefinitionError(f"{self.program.name}: no code for the repeated index in {tensor}; bind a copy")
                known = self.values[tensor]
                base = Value(known.name, indices, known.boolean)
                if gathers:
                    base = self._pick(base, slots, gathers, name if exponent == 1 else None)
                return base if exponent == 1 else self._apply(_power_name(exponent), base, name)
            case Function(function, argument):
                return self._apply(function, self._monomial(argument), name)
            case Indicator(argument):
                return self._apply("greater_zero", self._monomial(argument), name)
            case _:
                raise DefinitionError(f"{self.program.name}: no code for {atom}")

    def _monomial(self, term: Term) -> Value:
        if len(term.factors) == 1 and term.coefficient == 1 and term.factors[0][1] == 1:
            return self._atom(term.factors[0][0], Fraction(1), None)
        return self._compute(Value(self._name("argument"), term.free), Expr.of([term]))

    def _apply(self, function: str, operand: Value, name: str | None) -> Value:
        key = f"{function}:{operand.name}:{operand.layout}"
        if key in self.shared:
            return self.shared[key]
        boolean = function == "greater_zero"
        target = Value(name or self._name(f"{function}_{operand.name}"), operand.layout, boolean)
        reuse = not boolean and self.reusable(operand)
        self.statements.append(Apply(target, function, operand, reuse))
        self.shared[key] = target
        return target

    # Sums --------------------------------------------------------------------------------------------------------

    def _sum(self, part: Term, free: tuple[Index, ...], name: str | None) -> Value:
        if part.body in self.shared:
            return self._renamed(self.shared[part.body], part)
        operands = self._operands(part)
        layout = tuple(index for index in free if index in part.free)
        target = Value(name or self._name(_sum_name(operands)), layout)
        self.statements.append(Reduce(target, operands, part.bound))
        self.shared[part.body] = target
        return target

    def _renamed(self, value: Value, part: Term) -> Value:
        return value if set(value.layout) == set(part.free) else Value(value.name, part.free, value.boolean)

    def _operands(self, part: Term) -> tuple[Value, ...]:
        above, below = [], []
        for atom, exponent in part.factors:
            base = Fraction(1) if exponent.denominator == 1 else abs(exponent)
            value = self._atom(atom, base, None)
            (above if exponent > 0 else below).extend([value] * int(abs(exponent / base)))
        above.sort(key=lambda value: len(value.layout))
        while len(above) > 2:  # two operands have fast products; more are multiplied beforehand, the smallest first
            above[:2] = [self._temporary("*", above[0], above[1])]
        for divisor in below:
            above[0] = self._temporary("/", above[0], divisor)
        return tuple(sorted(above, key=lambda value: value.name))

    def _temporary(self, operator: str, left: Value, right: Value) -> Value:
        layout = max(left.layout, right.layout, key=len)
        if not {*left.layout, *right.layout} <= set(layout):
            raise DefinitionError(f"{self.program.name}: no code for a sum over {left.name} and {right.name}; bind a part")
        target = Value(self._name("part"), layout)
        self.statements.append(Combine(target, "*" if operator == "*" else "/", left, right))
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
        self.statements.append(Scatter(target, positions, Product(piece.values, piece.divisors, piece.coefficient), over))

    # Sums of pieces ----------------------------------------------------------------------------------------------

    def _dense(self, target: Value, front: Piece, pieces: list[Piece]) -> None:
        if not target.layout or all(not set(target.layout) == set(v.layout) for p in pieces for v in p.values):
            self._small(target, front, pieces)
            return
        first, *rest = sorted(pieces, key=lambda piece: _start_rank(piece, target.layout))
        if rest and _plain(first, target.layout):
            second, rest = rest[0], rest[1:]
            self._pair(target, first, second)
        else:
            self._product(target, first)
        for piece in rest:
            self._accumulate(target, piece)
        above, below, small = front.split(target.layout)
        for operand in (*small, *above):
            self.statements.append(Combine(target, "*", target, operand, reuse=True))
        for value in below:
            self.statements.append(Combine(target, "/", target, value, reuse=True))

    def _small(self, target: Value, front: Piece, pieces: list[Piece]) -> None:
        """No value is as large as the output: products of what there is, added up and broadcast."""
        first, *rest = [_merge(front, piece) for piece in pieces]
        self.statements.append(Assign(target, Product(first.values, first.divisors, first.coefficient)))
        for piece in rest:
            self._add(target, Product(piece.values, piece.divisors, piece.coefficient))

    def _pair(self, target: Value, first: Piece, second: Piece) -> None:
        """A plain array first, so that p - t and g - r are one statement."""
        (left,) = first.values
        right: Operand
        if _plain(second, target.layout):
            right = second.values[0]
        elif not any(set(v.layout) == set(target.layout) for v in (*second.values, *second.divisors)):
            right = _absolute(Product(second.values, second.divisors, second.coefficient))
        else:
            right = self._part(target, second)
        operator = "-" if second.coefficient.number < 0 else "+"
        self.statements.append(Combine(target, operator, left, right, self.reusable(left)))

    def _product(self, target: Value, piece: Piece) -> None:
        above, below, small = piece.split(target.layout)
        operands: list[Operand] = [*above[1:], *small]
        if above[0].boolean and len(above) > 1:
            above, operands = [above[1], above[0]], [above[0], *above[2:], *small]
        current, reuse = above[0], self.reusable(above[0])
        for value in below:
            self.statements.append(Combine(target, "/", current, value, reuse))
            current, reuse = target, True
        for operand in operands:
            self.statements.append(Combine(target, "*", current, operand, reuse))
            current, reuse = target, True
        if current is not target:
            self.statements.append(Assign(target, Product((current,))))

    def _accumulate(self, target: Value, piece: Piece) -> None:
        full = [v for v in (*piece.values, *piece.divisors) if set(v.layout) == set(target.layout)]
        if not full:
            self._add(target, Product(piece.values, piece.divisors, piece.coefficient))
        elif _plain(piece, target.layout):
            operator = "-" if piece.coefficient.number < 0 else "+"
            self.statements.append(Combine(target, operator, target, piece.values[0], reuse=True))
        else:
            operator = "-" if piece.coefficient.number < 0 else "+"
            self.statements.append(Combine(target, operator, target, self._part(target, piece), reuse=True))

    def _part(self, target: Value, piece: Piece) -> Value:
        part = Value(self._name("part"), target.layout)
        positive = Coefficient(abs(piece.coefficient.number), piece.coefficient.sizes)
        self._product(part, Piece(positive, piece.values, piece.divisors))
        return part

    def _add(self, target: Value, product: Product) -> None:
        operator = "-" if product.coefficient.number < 0 else "+"
        self.statements.append(Combine(target, operator, target, _absolute(product), reuse=bool(target.layout)))

    def _name(self, wanted: str) -> str:
        taken = {value.name for value in (*self.values.values(), *self.shared.values())}
        taken |= {s.target.name for s in self.statements if not isinstance(s, Note | Scatter)}
        return next(n for n in (wanted, *(f"{wanted}_{i}" for i in range(2, 99))) if n not in taken)


def _gathered(atom: Atom) -> bool:
    return isinstance(atom, Ref) and any(isinstance(slot, Gather) for slot in atom.slots)


def _power_name(exponent: Fraction) -> str:
    return {Fraction(1, 2): "sqrt", Fraction(-1, 2): "rsqrt", Fraction(-1): "reciprocal", Fraction(2): "square"}.get(
        exponent, f"power {exponent}"
    )


def _sum_name(operands: tuple[Value, ...]) -> str:
    names = [_SHORT.get(value.name, value.name) for value in operands]
    return f"sum_{names[0]}" if len(names) == 1 else f"dot_{'_'.join(dict.fromkeys(names))}"


def _merge(front: Piece, piece: Piece) -> Piece:
    return Piece(
        front.coefficient.times(piece.coefficient),
        (*front.values, *piece.values),
        (*front.divisors, *piece.divisors),
        piece.at or front.at,
    )


def _scale(piece: Piece, unit: Coefficient) -> Piece:
    return Piece(piece.coefficient.times(unit), piece.values, piece.divisors, piece.at)


def _normalise(front: Piece, pieces: list[Piece]) -> tuple[Piece, list[Piece], Coefficient]:
    """Divide the inner terms by their largest sizes: gamma/N * (N g - ...) is computed as gamma * (g - .../N)."""
    largest = max(pieces, key=lambda piece: sum(exponent for _, exponent in piece.coefficient.sizes))
    unit = Coefficient(sizes=largest.coefficient.sizes)
    return _scale(front, unit), [_scale(piece, unit.inverse()) for piece in pieces], unit.inverse()


def _plain(piece: Piece, free: tuple[Index, ...]) -> bool:
    """A single full-size array with coefficient 1 or -1."""
    (number, sizes) = (piece.coefficient.number, piece.coefficient.sizes)
    return (
        abs(number) == 1
        and not sizes
        and not piece.divisors
        and len(piece.values) == 1
        and set(piece.values[0].layout) == set(free)
        and not piece.values[0].boolean
    )


def _start_rank(piece: Piece, free: tuple[Index, ...]) -> tuple[int, str]:
    """Which term makes the buffer: a product first (it needs a buffer anyway), then a positive plain array."""
    names = ",".join(value.name for value in piece.values)
    if _plain(piece, free):
        return (1 if piece.coefficient.number > 0 else 3), names
    full = any(set(value.layout) == set(free) for value in piece.values)
    return (0 if full else 2), names


def _absolute(product: Product) -> Product:
    number, sizes = product.coefficient.number, product.coefficient.sizes
    return Product(product.values, product.divisors, Coefficient(abs(number), sizes))
