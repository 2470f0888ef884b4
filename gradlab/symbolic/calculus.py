"""Differentiation of index expressions and contraction of deltas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

from gradlab.errors import DefinitionError
from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Affine, Index, Slot, slot_indices
from gradlab.symbolic.terms import (
    Atom,
    Delta,
    Expr,
    Factor,
    Function,
    Prod,
    Ref,
    Term,
    atom_indices,
    atom_slots,
    nests,
    rename_atom,
)


def differentiate(expression: Expr, target: Ref) -> Expr:
    """The partial derivative with respect to one entry, with every delta still written out.

    The indices of `target` must be fresh: they are other variables than those of the expression.
    """
    return Expr.of(part for term in expression for part in _product_rule(term.fresh(), target))


def _product_rule(term: Term, target: Ref) -> Iterator[Term]:
    for atom, exponent in term.factors:
        for partial in _atom_derivative(atom, target):
            rest = [(a, e) for a, e in term.factors if a != atom]
            lowered = [(atom, exponent - 1)] if exponent != 1 else []
            factors, bound = [*rest, *lowered, *partial.factors], (*term.bound, *partial.bound)
            yield Term.make(term.coefficient * exponent * partial.coefficient, factors, bound)


def _atom_derivative(atom: Atom, target: Ref) -> Iterator[Term]:
    match atom:
        case Ref(tensor, slots) if tensor == target.tensor:
            deltas = (Delta(slot, wanted) for slot, wanted in zip(slots, target.slots, strict=True))
            yield Term.make(Fraction(1), ((delta, Fraction(1)) for delta in deltas))
        case Function(name, argument, others):
            row = ELEMENTARY[name]
            outer = row.derivative(argument, *others)
            yield from (outer * differentiate(Expr.of([argument]), target)).terms
        case Prod(argument, without):
            (running,) = argument.bound
            place = Index.fresh(running.axis)
            entry = Term(argument.coefficient, argument.factors).rename({running: place})
            rest = Expr.atom(Prod(argument, (*without, place)))
            yield from (rest * differentiate(Expr.of([entry]), target)).sum_over([place]).terms
        case _:  # other tensors, sizes, orders, deltas and indicators are constant (an indicator almost everywhere)
            return


def contract(expression: Expr) -> Expr:
    """Remove every delta that a sum runs over: Sum_k delta[i,k] f[k] = f[i]; a delta of equal slots is 1."""
    return Expr.of(contract_term(term) for term in expression)


def contract_term(term: Term) -> Term:
    """Contract the deltas of one term, one at a time, until none can be."""
    while (step := _next_contraction(term)) is not None:
        term = step
    return term


def _next_contraction(term: Term) -> Term | None:
    for atom, _ in term.factors:
        if not isinstance(atom, Delta):
            continue
        check_sorts(atom)
        if atom.left == atom.right:
            return Term.make(term.coefficient, [f for f in term.factors if f[0] != atom], term.bound)
        for old, new in ((atom.left, atom.right), (atom.right, atom.left)):
            if not isinstance(old, Index) or old not in term.bound or old in slot_indices(new):
                continue
            rest = [factor for factor in term.factors if factor[0] != atom]
            if isinstance(new, Affine) and not _vanishes_outside(rest, old):
                continue
            if not nests((a for a, _ in rest), {old: new}):
                return _eliminate(term, atom, old, new)
    return None


def _vanishes_outside(factors: Iterable[Factor], index: Index) -> bool:
    """True where the product is 0, and defined, once `index` points outside its axis, where every entry is 0.

    Only then does the delta of a computed index pick one term: exp(x[i]) and 1/x[i] are not 0 where x[i] is.
    """
    depending = [(atom, exponent) for atom, exponent in factors if index in atom_indices(atom)]
    total = all(isinstance(atom, Ref | Delta) and exponent > 0 for atom, exponent in depending)
    return total and any(index in atom_slots(atom) and not _computed(atom) for atom, _ in depending)


def _computed(atom: Atom) -> bool:
    """A delta between two computed indices is 1 also where both point to the same place outside."""
    return isinstance(atom, Delta) and (isinstance(atom.left, Affine) or isinstance(atom.right, Affine))


def _eliminate(term: Term, delta: Delta, old: Index, new: Slot) -> Term:
    factors = [(rename_atom(atom, {old: new}), e) for atom, e in term.factors if atom != delta]
    # Term.make would turn an index that is nowhere left into the axis's size, so the bound index goes first.
    return Term.make(term.coefficient, factors, [index for index in term.bound if index != old])


def check_sorts(delta: Delta) -> None:
    """A delta between two axes is an error, whatever their sizes are."""
    if delta.left.axis != delta.right.axis:
        raise DefinitionError(
            f"a delta contracts axis {delta.left.axis.name} with axis {delta.right.axis.name}; "
            "two axes are never interchangeable: give both tensors the same axis where they are meant to match"
        )
