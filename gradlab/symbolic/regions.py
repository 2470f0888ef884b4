"""What a function is in a region: beside the indicator of x > 0, min(x, 0) is 0 and exp(min(x, 0)) is 1."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.indices import Index, Slot
from gradlab.symbolic.program import Binding, Program
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.terms import Atom, Expr, Function, Indicator, Ref, Term, operands


def region_rules(program: Program) -> list[Rule]:
    """One rule for each indicator that a binding names and at which some function of the program is simple."""
    functions = {atom for binding in program.bindings for term in binding.value for atom, _ in term.factors}
    gain = any(isinstance(atom, Function) and ELEMENTARY[atom.name].where_mask for atom in functions)
    if not gain:
        return []
    return [
        Region(
            "region",
            _single(binding.tensor.ref),
            binding.value,
            f"where {binding.name} is 1",
            bindings=program.bindings,
        )
        for binding in program.bindings
        if _indicator(binding) is not None
    ]


@dataclass(frozen=True)
class Region(Rule):
    """Beside a mask, or the indicator that it names, replace one function by what it is there."""

    bindings: tuple[Binding, ...] = ()

    def apply(self, term: Term) -> Expr | None:
        """The term rewritten at the first place that matches, or None."""
        ((name, _),) = self.pattern.factors
        wanted = next(binding for binding in self.bindings if binding.tensor.ref == name)
        for mask, _ in term.factors:
            indicator = self._meaning(mask) if isinstance(mask, Ref) else mask
            if not isinstance(indicator, Indicator) or not _alike(indicator, _indicator(wanted)):
                continue
            for atom, exponent in term.factors:
                value = None if atom == mask else self._inside(atom, indicator)
                if value is not None and (value.coefficient or exponent > 0):
                    rest = Term(term.coefficient, tuple(f for f in term.factors if f[0] != atom), term.bound)
                    powered = value.power(exponent)
                    factors = (*rest.factors, *powered.factors)
                    return Expr.of([Term.make(rest.coefficient * powered.coefficient, factors, rest.bound)])
        return None

    def _inside(self, atom: Atom, indicator: Indicator) -> Term | None:
        """What an atom is where the indicator is 1; None where that is not simpler."""
        function = self._meaning(atom)
        if not isinstance(function, Function):
            return None
        row = ELEMENTARY[function.name]
        if row.mask is not None and row.where_mask is not None and row.mask(*operands(function)) == indicator:
            return row.where_mask(*operands(function))
        argument = function.argument
        if row.at_zero is None or argument.coefficient != 1 or [e for _, e in argument.factors] != [1]:
            return None
        value = self._inside(argument.factors[0][0], indicator)
        return Term(row.at_zero) if value is not None and not value.coefficient else None

    def _meaning(self, atom: Atom) -> Atom:
        """The function or indicator that a name stands for; the atom itself where it stands for none."""
        if not isinstance(atom, Ref):
            return atom
        for binding in self.bindings:
            if binding.name == atom.tensor and binding.monomial is not None:
                renaming: dict[Index, Slot] = dict(zip(binding.tensor.indices, atom.slots, strict=True))
                (value,) = binding.value.rename(renaming).terms
                if value.coefficient == 1 and [exponent for _, exponent in value.factors] == [1]:
                    return value.factors[0][0]
        return atom


def _indicator(binding: Binding) -> Indicator | None:
    value = binding.monomial
    atom = value.factors[0][0] if value is not None and len(value.factors) == 1 and value.coefficient == 1 else None
    return atom if isinstance(atom, Indicator) else None


def _alike(left: Indicator, right: Indicator | None) -> bool:
    """Of one kind, whatever entries they are about."""
    return right is not None and (len(left.bounds), left.closed) == (len(right.bounds), right.closed)


def _single(atom: Atom) -> Term:
    return Term(Fraction(1), ((atom, Fraction(1)),))
