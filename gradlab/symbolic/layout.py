"""How an expression is laid out, before any notation: order of terms and factors, fractions, names of summed indices.

Every printer (plain text, LaTeX, SymPy) walks this small tree, so that all of them show the same form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gradlab.symbolic.components import components
from gradlab.symbolic.derive import GRAD_OUTPUT
from gradlab.symbolic.factor import LONG
from gradlab.symbolic.indices import Index
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Factored, Pullback, Pushforward
from gradlab.symbolic.tangents import TANGENT
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Factor,
    Order,
    Position,
    Prod,
    Ref,
    Size,
    Term,
    atom_indices,
    operands,
    show_atom,
)

Names = Mapping[Index, str]


@dataclass(frozen=True)
class Power:
    """An atom to a positive power, with the names of its indices.

    `arguments` are the monomials inside it: those of a function or an indicator, what a product runs over, or what is
    searched for a maximum; `names` then has the indices that these bind too.
    """

    atom: Atom
    exponent: Fraction
    names: Names
    arguments: tuple[Product, ...] = ()


@dataclass(frozen=True)
class Summation:
    """A product summed over indices."""

    indices: tuple[Index, ...]
    inside: Product
    names: Names


Piece = int | float | Power | Summation
"""A float is a decimal that the author wrote, or a product of such."""


@dataclass(frozen=True)
class Product:
    """± above / below, times a bracket with a sum of products where there is one."""

    negative: bool
    above: tuple[Piece, ...]
    below: tuple[Piece, ...]
    bracket: tuple[Product, ...] = ()


Entry = tuple[str, tuple[str, ...]]
"""A tensor's name and the names of its indices."""


@dataclass(frozen=True)
class Link:
    """One use in the chain rule: the sum over `summed` of `weight` times the derivative of `value` by `variable`."""

    summed: tuple[str, ...]
    weight: Entry
    value: Entry
    variable: Entry


def letters(
    program: Program, free: Iterable[Index], bound: Iterable[Index], given: Names | None = None
) -> dict[Index, str]:
    """Readable names: free indices keep theirs or the given one; summed ones take letters of their axis left over."""
    names = {index: (given or {}).get(index, index.name) for index in free}
    for index in bound:
        names[index] = _unused(program.letters.get(index.axis, ()) or (index.axis.name,), set(names.values()))
    return names


def _unused(preferred: tuple[str, ...], taken: set[str]) -> str:
    spare = (letter + "'" * count for count in range(1, 9) for letter in preferred)
    return next(name for name in (*preferred, *spare) if name not in taken)


def arrange(side: Expr | Factored, program: Program, free: Sequence[Index]) -> tuple[Product, ...]:
    """A sum of products, in the order in which it is shown; empty for zero."""
    arranger = _Arranger(program, tuple(free))
    if isinstance(side, Expr):
        return arranger.addition(side)
    if len(side.inner.terms) <= 1:
        return arranger.addition(Expr.of(side.prefactor.times(term) for term in side.inner))
    bracket = arranger.addition(side.inner)
    if side.prefactor == Term(Fraction(1)):
        return bracket
    front = arranger.product(side.prefactor)
    return (Product(front.negative, front.above, front.below, bracket),)


def links(side: Pullback | Pushforward, program: Program, free: Sequence[Index]) -> tuple[Link, ...]:
    """What the chain rule adds up, with a name for every index."""
    own = (side.target.tensor, tuple(index.name for index in free))
    found = []
    for name, _ in side.uses if isinstance(side, Pullback) else side.tangents:
        fresh = [Index.fresh(index.axis) for index in program.tensors[name].indices]
        names = letters(program, free, fresh)
        summed = tuple(names[index] for index in fresh)
        other = (name, summed)
        if isinstance(side, Pullback):
            weight = GRAD_OUTPUT if name == program.output.name else f"grad_{name}"
            found.append(Link(summed, (weight, summed), other, own))
        else:
            found.append(Link(summed, (TANGENT + name, summed), own, other))
    return tuple(found)


def term_order(term: Term) -> tuple[bool, bool, int, str]:
    """Positive terms first, terms without sums before those with; then what varies most, and short corrections."""
    negative = term.coefficient < 0
    return negative, bool(term.bound), len(term.factors) if negative else -len(term.free), term.body


class _Arranger:
    """Lays out expressions with the same free indices."""

    def __init__(self, program: Program, free: tuple[Index, ...]) -> None:
        self.program, self.free = program, free
        self.axes = list(program.axes)

    def addition(self, expression: Expr) -> tuple[Product, ...]:
        return tuple(self.product(term) for term in sorted(expression.terms, key=term_order))

    def product(self, term: Term) -> Product:
        outer, parts = components(term)
        sums = [self.summation(part) for part in parts]
        return self.monomial(outer.coefficient, outer.factors, letters(self.program, self.free, ()), sums)

    def summation(self, part: Term) -> Summation:
        bound = sorted(part.bound, key=lambda index: self.axes.index(index.axis))
        names = letters(self.program, self.free, bound)
        return Summation(tuple(bound), self.monomial(Fraction(1), part.factors, names), names)

    def monomial(
        self, coefficient: Fraction, factors: Iterable[Factor], names: Names, sums: Iterable[Piece] = ()
    ) -> Product:
        above: list[Piece] = []
        below: list[Piece] = []
        for atom, exponent in sorted(factors, key=lambda factor: self.factor_order(factor[0], names)):
            inside = tuple(self.monomial(part.coefficient, part.factors, names) for part in operands(atom))
            own = names
            if isinstance(atom, Prod | Position):
                own = {**names, **letters(self.program, names, atom.argument.bound, names)}
                inside = (self.monomial(atom.argument.coefficient, atom.argument.factors, own),)
            (above if exponent > 0 else below).append(Power(atom, abs(exponent), own, inside))
        above += sums
        if coefficient.denominator > LONG:
            above.insert(0, abs(float(coefficient)))
        else:
            if abs(coefficient.numerator) != 1:
                above.insert(0, abs(coefficient.numerator))
            if coefficient.denominator != 1:
                below.insert(0, coefficient.denominator)
        return Product(coefficient < 0, tuple(above), tuple(below))

    def factor_order(self, atom: Atom, names: Names) -> tuple[int, int, str]:
        """Sizes in the order of the axes, then deltas, then tensors: those with fewer indices first, then by name."""
        shown = show_atom(atom, lambda index: names.get(index, index.name))
        match atom:
            case Constant():
                return 0, -1, shown
            case Size(axis):
                return 0, self.axes.index(axis), shown
            case Delta(left) | Order(left):
                return 1, self.axes.index(left.axis), shown
            case Ref(_, slots):
                return 2, len(slots), shown
        return 2, len(list(atom_indices(atom))), shown
