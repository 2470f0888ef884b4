"""The elementary functions: one row each, with the derivative as an expression. A new function is a new row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import sympy as sp

from gradlab.symbolic.terms import Expr, Function, Indicator, Term


@dataclass(frozen=True, slots=True)
class Elementary:
    """A function of one variable: how SymPy writes it, and its derivative at a monomial u."""

    name: str
    to_sympy: Callable[[sp.Expr], sp.Expr]
    derivative: Callable[[Term], Expr]


def _exp_derivative(u: Term) -> Expr:
    return Expr.atom(Function("exp", u))


def _log_derivative(u: Term) -> Expr:
    return Expr.of([u.power(Fraction(-1))])


def _positive_part_derivative(u: Term) -> Expr:
    # max(u, 0) has a kink at 0; the slope declared there is 0, as in torch (SymPy's own would be 1/2).
    return Expr.atom(Indicator(u))


ELEMENTARY: dict[str, Elementary] = {
    row.name: row
    for row in (
        Elementary("exp", sp.exp, _exp_derivative),
        Elementary("log", sp.log, _log_derivative),
        Elementary("positive_part", lambda u: sp.Max(u, 0), _positive_part_derivative),
    )
}


def recognise(expression: sp.Expr) -> tuple[str, sp.Expr] | None:
    """The row and the argument of a SymPy function call; None where no row matches."""
    if isinstance(expression, sp.exp):
        return "exp", expression.args[0]
    if isinstance(expression, sp.log) and len(expression.args) == 1:
        return "log", expression.args[0]
    if isinstance(expression, sp.Max) and len(expression.args) == 2 and sp.S.Zero in expression.args:
        (argument,) = (a for a in expression.args if a is not sp.S.Zero)
        return "positive_part", argument
    return None
