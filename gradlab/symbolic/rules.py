"""Rewrite rules and how they apply: names folded into terms, sums that have a name, lemmas, declared facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from gradlab.symbolic.indices import Affine, Gather, Index, Slot, slot_indices
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Expr,
    Factor,
    Function,
    Indicator,
    Order,
    Ref,
    Term,
    atom_indices,
    nests,
    operands,
    with_operand,
)

Kind = Literal["fold", "unfold", "sum", "lemma", "fact", "region"]


@dataclass(frozen=True)
class Rule:
    """`pattern` becomes `replacement`. The free indices of the pattern are its variables.

    A pattern of one atom is replaced at any integer power, and at roots too where that is `rooted`: sqrt(a b) is
    sqrt(a) sqrt(b) only where neither is below 0. Of a product, each factor is there at its own power. A pattern with
    sums is the whole of a sum: it applies
    where the summed indices occur nowhere else in the term.
    """

    kind: Kind
    pattern: Term
    replacement: Expr
    reason: str
    rooted: bool = False

    def apply(self, term: Term) -> Expr | None:
        """The term rewritten at the first place that matches, or None."""
        if self.pattern.bound:
            return self._apply_sum(term)
        if len(self.pattern.factors) > 1:
            return self._apply_product(term)
        return self._apply_atom(term)

    def _apply_atom(self, term: Term) -> Expr | None:
        ((pattern, _),) = self.pattern.factors
        for atom, exponent in term.factors:
            variables = unify(pattern, atom, {})
            if variables is None or self._nests(variables):
                continue
            if exponent.denominator != 1 and not self.rooted:
                continue
            rest = Term(term.coefficient, tuple(f for f in term.factors if f[0] != atom), term.bound)
            replacement = self.replacement.rename(variables)
            if exponent == 1:
                return Expr.of(_product(rest, value.fresh()) for value in replacement)
            (value,) = replacement.terms
            powered = value.power(exponent)
            factors = (*rest.factors, *powered.factors)
            return Expr.of([Term.make(rest.coefficient * powered.coefficient, factors, rest.bound)])
        return self._apply_inside(term)

    def _apply_inside(self, term: Term) -> Expr | None:
        """In the argument of a function or an indicator, where the result is one term again."""
        for atom, exponent in term.factors:
            for position, operand in enumerate(operands(atom)):
                found = self._apply_atom(operand)
                if found is None or len(found.terms) != 1:
                    continue
                new = with_operand(atom, position, found.terms[0])
                others = [f for f in term.factors if f[0] != atom]
                return Expr.of([Term.make(term.coefficient, [*others, (new, exponent)], term.bound)])
        return None

    def _apply_product(self, term: Term) -> Expr | None:
        for matched, variables in _matches(self.pattern.factors, term.factors, {}):
            if not self._nests(variables):
                rest = Term(term.coefficient, tuple(f for f in term.factors if f not in matched), term.bound)
                return Expr.of(_product(rest, value) for value in self.replacement.rename(variables))
        return None

    def _apply_sum(self, term: Term) -> Expr | None:
        for matched, variables in _matches(self.pattern.factors, term.factors, {}):
            bound = [variables[index] for index in self.pattern.bound]
            others = [f for f in term.factors if f not in matched]
            if len(set(bound)) != len(bound) or not all(index in term.bound for index in bound):
                continue
            inside = {
                i
                for slot in (s for v, s in variables.items() if v not in self.pattern.bound)
                for i in slot_indices(slot)
            }
            outside = {i for atom, _ in others for i in atom_indices(atom)} | inside
            if any(index in outside for index in bound):
                continue
            free = {v: s for v, s in variables.items() if v not in self.pattern.bound}
            if self._nests(free):
                continue
            kept = [index for index in term.bound if index not in bound]
            return Expr.of(
                Term.make(
                    term.coefficient * value.coefficient / self.pattern.coefficient,
                    (*others, *value.factors),
                    (*kept, *value.bound),
                )
                for value in (t.fresh() for t in self.replacement.rename(free).terms)
            )
        return None

    def _nests(self, variables: dict[Index, Slot]) -> bool:
        # Outside the axis, where a computed index may point, every entry is 0: there y = exp(x) does not hold.
        if any(isinstance(slot, Affine) for slot in variables.values()):
            return True
        return nests((atom for term in self.replacement for atom, _ in term.factors), variables)


def _product(rest: Term, value: Term) -> Term:
    return Term.make(rest.coefficient * value.coefficient, (*rest.factors, *value.factors), (*rest.bound, *value.bound))


def _matches(
    wanted: tuple[Factor, ...], available: tuple[Factor, ...], variables: dict[Index, Slot]
) -> Iterator[tuple[list[Factor], dict[Index, Slot]]]:
    """Every way to find the wanted factors, powers included, among the available ones."""
    if not wanted:
        yield [], variables
        return
    (atom, exponent), *rest = wanted
    for candidate in available:
        if candidate[1] != exponent:
            continue
        extended = unify(atom, candidate[0], variables)
        if extended is not None:
            remaining = tuple(f for f in available if f is not candidate)
            for matched, final in _matches(tuple(rest), remaining, extended):
                yield [candidate, *matched], final


def unify(pattern: Atom, atom: Atom, variables: dict[Index, Slot]) -> dict[Index, Slot] | None:
    """Values of the pattern's indices that make it the atom, or None."""
    match pattern, atom:
        case Ref(wanted, ours), Ref(found, theirs) if wanted == found:
            return _unify_slots(ours, theirs, variables)
        case Function(), Function() if pattern.name == atom.name:
            return _unify_all(operands(pattern), operands(atom), variables)
        case Indicator(), Indicator() if pattern.closed == atom.closed:
            return _unify_all(operands(pattern), operands(atom), variables)
        case Constant(), Constant() if pattern == atom:
            return variables
        case Order(), Order():
            return _unify_slots((pattern.left, pattern.right), (atom.left, atom.right), variables)
    return None


def _unify_all(
    patterns: tuple[Term, ...], terms: tuple[Term, ...], variables: dict[Index, Slot]
) -> dict[Index, Slot] | None:
    if len(patterns) != len(terms):
        return None
    result: dict[Index, Slot] | None = variables
    for pattern, term in zip(patterns, terms, strict=True):
        result = None if result is None else _unify_terms(pattern, term, result)
    return result


def _unify_terms(pattern: Term, term: Term, variables: dict[Index, Slot]) -> dict[Index, Slot] | None:
    if pattern.coefficient != term.coefficient or len(pattern.factors) != len(term.factors):
        return None
    return next((final for _, final in _matches(pattern.factors, term.factors, variables)), None)


def _unify_slots(
    pattern: Iterable[Slot], slots: Iterable[Slot], variables: dict[Index, Slot]
) -> dict[Index, Slot] | None:
    result = dict(variables)
    for wanted, found in zip(pattern, slots, strict=True):
        if not isinstance(wanted, Index):
            if not _alike(wanted, found):
                return None
            inner = _unify_slots(tuple(slot_indices(wanted)), tuple(slot_indices(found)), result)
            if inner is None:
                return None
            result = inner
        elif result.setdefault(wanted, found) != found:
            return None
    return result


def _alike(wanted: Slot, found: Slot) -> bool:
    """Whether two computed indices differ in the indices that they are computed from at most."""
    match wanted, found:
        case Gather(ours), Gather(theirs):
            return (ours, wanted.axis) == (theirs, found.axis)
        case Affine(ours, shift), Affine(theirs, other):
            return shift == other and [scale for scale, _ in ours] == [scale for scale, _ in theirs]
    return False


def apply_everywhere(rule: Rule, expression: Expr) -> tuple[tuple[int, ...], Expr] | None:
    """Rewrite every term that the rule matches, once each; gives their positions and the whole new expression."""
    positions, terms = [], []
    for position, term in enumerate(expression.terms):
        rewritten = rule.apply(term)
        if rewritten is None:
            terms.append(term)
        else:
            positions.append(position)
            terms += rewritten.terms
    return (tuple(positions), Expr.of(terms)) if positions else None


def solve(name: Ref, monomial: Term, unknown: Atom) -> Term | None:
    """Solve name = monomial for one atom in it; None where that would need an even root or lose an index."""
    exponent = dict(monomial.factors)[unknown]
    inverse = 1 / exponent
    if set(atom_indices(unknown)) != set(name.slots) or inverse.denominator != 1:
        return None
    rest = monomial.without([unknown])
    left = Term(Fraction(1), ((name, Fraction(1)),))
    return left.times(rest.power(Fraction(-1))).power(inverse)
