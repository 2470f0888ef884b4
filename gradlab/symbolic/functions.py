"""The elementary functions: one row each, with the derivative as an expression. A new function is a new row.

Beside it stand one row in `rings/digits.py` (its value) and one in `rings/dual.py` (its slope, written a second time to
check the one here); `rings/prime_field.py` needs one only where the function has a law, as exp(a + b) = exp(a) exp(b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from gradlab.symbolic.terms import Expr, Function, Indicator, Term


@dataclass(frozen=True, slots=True)
class Elementary:
    """A function of one variable: its SymPy form and back, its derivative at a monomial u, and what is known of it."""

    name: str
    to_sympy: Callable[[sp.Expr], sp.Expr]
    argument: Callable[[sp.Expr], sp.Expr | None]
    """The argument of a call of this function; None for any other expression."""
    derivative: Callable[[Term], Expr]
    non_negative: bool = False


def calls(function: type[sp.Expr]) -> Callable[[sp.Expr], sp.Expr | None]:
    """Recognise a call of a SymPy function of one variable."""
    return lambda expression: (
        expression.args[0] if isinstance(expression, function) and len(expression.args) == 1 else None
    )


def _maximum_with_zero(expression: sp.Expr) -> sp.Expr | None:
    if isinstance(expression, sp.Max) and len(expression.args) == 2 and sp.S.Zero in expression.args:
        return next(argument for argument in expression.args if argument is not sp.S.Zero)
    return None


ELEMENTARY: dict[str, Elementary] = {
    row.name: row
    for row in (
        Elementary("exp", sp.exp, calls(sp.exp), lambda u: Expr.atom(Function("exp", u)), non_negative=True),
        Elementary("log", sp.log, calls(sp.log), lambda u: Expr.of([u.power(Fraction(-1))])),
        # max(u, 0) has a kink at 0; the slope declared there is 0, as in torch (SymPy's own would be 1/2).
        Elementary(
            "positive_part",
            lambda u: sp.Max(u, 0),
            _maximum_with_zero,
            lambda u: Expr.atom(Indicator(u)),
            non_negative=True,
        ),
    )
}


def recognise(expression: sp.Expr) -> tuple[str, sp.Expr] | None:
    """The row and the argument of a SymPy function call; None where no row matches."""
    for row in ELEMENTARY.values():
        argument = row.argument(expression)
        if argument is not None:
            return row.name, argument
    return None
