"""Sums of products written with nested brackets, so that fewer products are formed and none cancels another.

x + a c - a c s is x + a c (1 - s): the bracket is exact where s is near 1, the difference of the two products is not.
Only what has all axes of the result is worth a bracket, and sums over an index are left alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from fractions import Fraction

from gradlab.symbolic.factor import factor
from gradlab.symbolic.indices import Index
from gradlab.symbolic.terms import Atom, Constant, Delta, Expr, Factor, Ref, Term, atom_indices

Name = Callable[[Expr], Ref]
"""Computes an expression under a name of its own."""


def nested(expression: Expr, layout: tuple[Index, ...], name: Name) -> Expr:
    """The expression with its brackets computed beforehand, each by `name`."""
    if not layout or len(expression.terms) < 3 or any(_special(term) for term in expression):
        return expression
    front = factor(expression)
    inner = front.inner
    if len(_collected(inner, layout)) < len(inner.terms):
        return expression  # terms that differ by numbers only are added up as numbers
    inner = _complements(inner, layout, name)
    inner = _shared(inner, layout, name)
    return Expr.of(front.prefactor.times(term) for term in inner)


def _special(term: Term) -> bool:
    return bool(term.bound) or any(isinstance(atom, Delta) for atom, _ in term.factors)


def _full(factors: tuple[Factor, ...], layout: tuple[Index, ...]) -> tuple[Factor, ...]:
    """The factors that have all axes of the result."""
    return tuple((atom, e) for atom, e in factors if set(atom_indices(atom)) == set(layout))


def _collected(expression: Expr, layout: tuple[Index, ...]) -> set[frozenset[Factor]]:
    return {frozenset(_full(term.factors, layout)) for term in expression}


def _complements(expression: Expr, layout: tuple[Index, ...], name: Name) -> Expr:
    """T - T f as T (1 - f), for the power f that has most such pairs."""
    powers = dict.fromkeys(found for term in expression for found in _full(term.factors, layout) if found[1] > 0)
    best: tuple[Factor, list[Term]] | None = None
    for atom, exponent in powers:
        minus = Term(Fraction(-1), ((atom, exponent),))
        pairs = [term for term in expression if term.times(minus) in expression.terms]
        if pairs and (best is None or len(pairs) > len(best[1])):
            best = (atom, exponent), pairs
    if best is None or len(expression.terms) == 2:
        return expression
    (atom, exponent), pairs = best
    minus = Term(Fraction(-1), ((atom, exponent),))
    gone = {term.body for term in pairs} | {term.times(minus).body for term in pairs}
    bracket = name(Expr.of([Term(Fraction(1)), minus]))
    kept = [term for term in expression if term.body not in gone]
    return Expr.of([*kept, *(Term.make(t.coefficient, [*t.factors, (bracket, Fraction(1))]) for t in pairs)])


def _shared(expression: Expr, layout: tuple[Index, ...], name: Name) -> Expr:
    """The terms that share most in one bracket behind what they share: 1 + a x + b x**3 has x (a + b x**2)."""
    counts = Counter(atom for term in expression for atom, e in _full(term.factors, layout) if e > 0)
    if len(expression.terms) < 3 or not counts:
        return expression
    atom, count = max(counts.items(), key=lambda item: (item[1], -_position(item[0], expression)))
    if count < 2:
        return expression
    group = Expr.of(term for term in expression if _power(term, atom) > 0)
    rest = [term for term in expression if _power(term, atom) <= 0]
    front = factor(group)
    if len(front.inner.terms) < 2:
        return expression
    outside, inside = front.prefactor, front.inner
    if not any(_full(term.factors, layout) and term.coefficient == 1 for term in inside):
        # Its terms are multiplied by numbers anyway, so another number costs nothing inside.
        shared = {abs(term.coefficient) for term in rest}
        kept = shared.pop() if len(shared) == 1 else Fraction(1)  # what all terms have in front is pulled out later
        constants = tuple(f for f in outside.factors if isinstance(f[0], Constant))
        number = Term(outside.coefficient / kept, constants)
        outside = outside.times(number.power(Fraction(-1)))
        inside = Expr.of(number.times(term) for term in inside)
    return Expr.of([*rest, outside.times(Term(Fraction(1), ((name(inside), Fraction(1)),)))])


def _position(atom: Atom, expression: Expr) -> int:
    return next(i for i, (own, _) in enumerate(f for term in expression for f in term.factors) if own == atom)


def _power(term: Term, atom: Atom) -> Fraction:
    return dict(term.factors).get(atom, Fraction(0))
