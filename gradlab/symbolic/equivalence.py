"""When two expressions are the same for a reason other than their form: used to sort out mutants that change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from gradlab.symbolic.calculus import contract
from gradlab.symbolic.lemmas import simplify
from gradlab.symbolic.program import Program
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.terms import Delta, Expr, Index, Indicator, Ref, Term, rename_atom


def equivalent(left: Expr, right: Expr, program: Program, rules: Iterable[Rule], free: tuple[Index, ...]) -> bool:
    """True where the derivation's own rules, deltas and 0-1 masks bring both to one normal form."""
    rules = tuple(rules)
    try:
        return _normal(left, program, rules, free) == _normal(right, program, rules, free)
    except RecursionError:
        return False


def _normal(expression: Expr, program: Program, rules: tuple[Rule, ...], free: tuple[Index, ...]) -> Expr:
    simple, _ = simplify(contract(expression), rules, "normal form", free)
    masks = {b.name for b in program.bindings if (m := b.monomial) and any(isinstance(a, Indicator) for a, _ in m.factors)}
    return Expr.of(_idempotent(_one_name(term), masks) for term in simple)


def _one_name(term: Term) -> Term:
    """Under delta[d,d'] the two indices are one: write the first everywhere else."""
    for atom, _ in term.factors:
        if isinstance(atom, Delta) and isinstance(atom.left, Index) and isinstance(atom.right, Index):
            first, second = sorted((atom.left, atom.right))
            others = [(a if a == atom else rename_atom(a, {second: first}), e) for a, e in term.factors]
            term = Term.make(term.coefficient, others, term.bound)
    return term


def _idempotent(term: Term, masks: set[str]) -> Term:
    factors = [
        (atom, Fraction(1) if isinstance(atom, Ref) and atom.tensor in masks and exponent > 0 else exponent)
        for atom, exponent in term.factors
    ]
    return Term.make(term.coefficient, factors, term.bound)
