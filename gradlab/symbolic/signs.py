"""What is known of the signs of tensors: what may be taken apart under a root, and what may stand in a denominator."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.program import Program
from gradlab.symbolic.terms import (
    Atom,
    Constant,
    Delta,
    Expr,
    Function,
    Indicator,
    Order,
    Position,
    Prod,
    Ref,
    Size,
    Term,
)


@dataclass(frozen=True)
class Signs:
    """Names of the tensors that are never below 0, and of those that are never 0 where the operation is defined."""

    non_negative: AbstractSet[str]
    never_zero: AbstractSet[str]

    def splits(self, value: Term) -> bool:
        """True where a root of the product is the product of the roots of its factors."""
        if value.coefficient != 1 or value.bound:
            return False
        return [exponent for _, exponent in value.factors] == [1] or all(
            _non_negative(atom, self.non_negative) for atom, _ in value.factors
        )

    def divides(self, value: Term) -> bool:
        """True where all that the value divides by is never 0."""
        return all(exponent > 0 or _never_zero(atom, self.never_zero) for atom, exponent in value.factors)


def signs(program: Program) -> Signs:
    """Follow the signs from the domains of the inputs through the bindings."""
    positive = {p.name for p in program.definition.parameters if p.minimum > 0}
    positive |= {given.tensor.name for given in program.inputs if given.domain.kind == "positive"}
    non_negative = positive | {given.tensor.name for given in program.inputs if given.domain.minimum >= 0}
    # What the definition itself divides by is not 0 where the operation is defined.
    never_zero = positive | {
        atom.tensor
        for binding in program.bindings
        for term in binding.value
        for atom, exponent in term.factors
        if isinstance(atom, Ref) and exponent < 0
    }
    for binding in program.bindings:
        if all(_term_non_negative(term, non_negative) for term in binding.value):
            non_negative.add(binding.name)
        if _expression_never_zero(binding.value, non_negative, never_zero):
            never_zero.add(binding.name)
    return Signs(frozenset(non_negative), frozenset(never_zero))


def _non_negative(atom: Atom, known: AbstractSet[str]) -> bool:
    match atom:
        case Ref(tensor, _):
            return tensor in known
        case Function(name):
            return ELEMENTARY[name].non_negative
        case Size() | Constant() | Delta() | Indicator() | Order() | Position():
            return True
        case Prod(argument):
            return _term_non_negative(argument, known)


def _term_non_negative(term: Term, known: AbstractSet[str]) -> bool:
    # Even powers and even roots are never below 0.
    return term.coefficient > 0 and all(
        exponent.numerator % 2 == 0 or exponent.denominator % 2 == 0 or _non_negative(atom, known)
        for atom, exponent in term.factors
    )


def _never_zero(atom: Atom, known: AbstractSet[str]) -> bool:
    # Not exp: in floating point it is 0 from about -745 on.
    return isinstance(atom, Size | Constant) or (isinstance(atom, Ref) and atom.tensor in known)


def _expression_never_zero(value: Expr, non_negative: AbstractSet[str], known: AbstractSet[str]) -> bool:
    """A product of what is never 0 or stands below; or such a product plus what is never below 0 (both positive)."""
    nonzero = [
        not term.bound and all(exponent < 0 or _never_zero(atom, known) for atom, exponent in term.factors)
        for term in value
    ]
    if len(value.terms) == 1:
        return nonzero[0]
    return any(nonzero) and all(_term_non_negative(term, non_negative) for term in value)
