"""When two expressions are the same for a reason other than their form: sorts out mutants that change nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from gradlab.symbolic.calculus import contract
from gradlab.symbolic.indices import Index, Slot
from gradlab.symbolic.lemmas import simplify
from gradlab.symbolic.program import Program
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.terms import Atom, Delta, Expr, Function, Indicator, Ref, Term, rename_atom, replace_slot


def equivalent(left: Expr, right: Expr, program: Program, rules: Iterable[Rule], free: tuple[Index, ...]) -> bool:
    """True where the derivation's own rules, deltas, masks and signs bring both to one normal form."""
    rules = tuple(rules)
    try:
        return _normal(left, program, rules, free) == _normal(right, program, rules, free)
    except RecursionError:
        return False


def _normal(expression: Expr, program: Program, rules: tuple[Rule, ...], free: tuple[Index, ...]) -> Expr:
    kinds = {given.tensor.name: given.domain.kind for given in program.inputs}
    kinds |= dict.fromkeys(_binary(program, kinds), "mask")
    # Before the rules too: one that replaces a product finds each factor at its own power only.
    powers = Expr.of(_reduced(term, kinds) for term in contract(expression))
    simple, _ = simplify(powers, rules, "normal form", free)
    unfolded, _ = simplify(simple, _kinks(program), "normal form", free)
    return Expr.of(_reduced(_one_name(term), kinds) for term in unfolded)


def _binary(program: Program, kinds: Mapping[str, str]) -> list[str]:
    """Bindings that are 0 or 1: indicators, products of them, and one less any of these, as comparisons with <= are."""
    found: list[str] = []

    def binary(atom: Atom, power: Fraction) -> bool:
        mask = isinstance(atom, Ref) and (atom.tensor in found or kinds.get(atom.tensor) in ("mask", "one_hot"))
        return (mask or isinstance(atom, Indicator)) and power > 0

    for binding in program.bindings:
        numbers = [term.coefficient for term in binding.value.terms if not term.factors]
        others = [term for term in binding.value.terms if term.factors]
        opposite = numbers == [1]
        if len(others) != 1 or others[0].bound or (numbers and not opposite):
            continue
        if others[0].coefficient == (-1 if opposite else 1) and all(binary(*factor) for factor in others[0].factors):
            found.append(binding.tensor.name)
    return found


def _kinks(program: Program) -> list[Rule]:
    """Names of indicators and of max(u, 0), written out."""
    return [
        Rule("unfold", Term(Fraction(1), ((binding.tensor.ref, Fraction(1)),)), binding.value, "by definition")
        for binding in program.bindings
        if (value := binding.monomial) is not None
        and value.coefficient == 1
        and len(value.factors) == 1
        and (isinstance(value.factors[0][0], Indicator) or _positive_part(*value.factors[0]))
    ]


def _one_name(term: Term) -> Term:
    """Under delta[d,d'] the two indices are one: write the first everywhere else, and d under delta[label[n],d]."""
    done: set[Delta] = set()
    # Deltas of two indices first: only then is what looks a label up by either of them one slot.
    while left := sorted(
        (atom for atom, _ in term.factors if isinstance(atom, Delta) and atom not in done),
        key=lambda atom: -_plain(atom),
    ):
        delta = left[0]
        done.add(delta)
        plain = sorted(slot for slot in (delta.left, delta.right) if isinstance(slot, Index))
        if not plain:
            continue
        other = next((slot for slot in (delta.left, delta.right) if slot != plain[0]), plain[0])
        others = [(a if a == delta else _with_slot(a, other, plain[0]), e) for a, e in term.factors]
        term = Term.make(term.coefficient, others, term.bound)
    return term


def _plain(delta: Delta) -> int:
    return sum(isinstance(slot, Index) for slot in (delta.left, delta.right))


def _with_slot(atom: Atom, old: Slot, new: Index) -> Atom:
    return rename_atom(atom, {old: new}) if isinstance(old, Index) else replace_slot(atom, old, new)


def _reduced(term: Term, kinds: Mapping[str, str]) -> Term:
    """With the powers of 0-1 and of signed inputs reduced, and without [u > 0] beside max(u, 0)."""
    positive = [atom.argument for atom, e in term.factors if isinstance(atom, Function) and _positive_part(atom, e)]
    factors = [
        (atom, _power(atom, exponent, kinds))
        for atom, exponent in term.factors
        if not (isinstance(atom, Indicator) and atom.argument in positive)
    ]
    return Term.make(term.coefficient, factors, term.bound)


def _positive_part(atom: Atom, exponent: Fraction) -> bool:
    return isinstance(atom, Function) and atom.name == "positive_part" and exponent > 0


def _power(atom: Atom, exponent: Fraction, kinds: Mapping[str, str]) -> Fraction:
    kind = kinds.get(atom.tensor) if isinstance(atom, Ref) else None
    if kind in ("mask", "one_hot") and exponent > 0:
        return Fraction(1)
    return exponent % 2 if kind == "signs" and exponent.denominator == 1 else exponent
