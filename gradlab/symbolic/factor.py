"""A sum of terms with its common factor in front, for display and for code."""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm

from gradlab.symbolic.components import components
from gradlab.symbolic.steps import Factored
from gradlab.symbolic.terms import Atom, Constant, Expr, Size, Term

LONG = 1000
"""Above it, a denominator is that of a decimal, which is clearer as it was written than in a common factor."""


def factor(expression: Expr) -> Factored:
    """Pull out the atoms common to all terms, the least power of every size and the common number."""
    if not expression.terms:
        return Factored(Term(Fraction(1)), expression)
    outers = [dict(components(term)[0].factors) for term in expression]
    common = [
        (atom, exponent)
        for atom in dict.fromkeys(atom for outer in outers for atom in outer)
        # pi is a number like the coefficients beside it: there it costs nothing.
        if (not isinstance(atom, Constant) or len(outers) == 1)
        and (exponent := _shared_power(atom, [outer.get(atom, Fraction(0)) for outer in outers]))
    ]
    if all(isinstance(atom, Size) for atom, _ in common):
        # A size alone is worth pulling out only where that multiplies no term: (a + b) / N, but not (N a + b) / N.
        common = [(a, e) for a, e in common if all(outer.get(a, Fraction(0)) == e for outer in outers)]
    prefactor = Term(_shared_number(expression), tuple(common))
    inverse = prefactor.power(Fraction(-1))
    return Factored(prefactor, Expr.of(term.times(inverse) for term in expression))


def _shared_power(atom: Atom, powers: list[Fraction]) -> Fraction:
    least = min(powers)
    if isinstance(atom, Size):
        return least
    # An atom that some terms lack would end up in a denominator, so only what all share comes out.
    if least > 0:
        return least
    return max(powers) if max(powers) < 0 else Fraction(0)


def _shared_number(expression: Expr) -> Fraction:
    numbers = [term.coefficient for term in expression]
    if any(n.denominator > LONG for n in numbers):
        return numbers[0] if len(set(numbers)) == 1 else Fraction(1)
    shared = Fraction(gcd(*(n.numerator for n in numbers)), lcm(*(n.denominator for n in numbers)))
    return -shared if all(n < 0 for n in numbers) else shared
