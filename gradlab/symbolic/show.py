"""Index expressions as plain text, for terminals, error messages and the comments of generated code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Factored, Pullback, Pushforward, Side
from gradlab.symbolic.terms import (
    Atom,
    Axis,
    Delta,
    Expr,
    Factor,
    Function,
    Index,
    Indicator,
    Ref,
    Size,
    Term,
    components,
    show_slot,
)

Names = Mapping[Index, str]


def letters(program: Program, free: Iterable[Index], bound: Iterable[Index]) -> dict[Index, str]:
    """Readable names: free indices keep theirs, summed ones take the author's letters of their axis that are left."""
    names = {index: index.name for index in free}
    for index in bound:
        names[index] = _unused(program.letters.get(index.axis, ()), index.axis, set(names.values()))
    return names


def _unused(preferred: tuple[str, ...], axis: Axis, taken: set[str]) -> str:
    spare = (letter + "'" * count for count in range(1, 9) for letter in preferred or (axis.name,))
    return next(name for name in (*preferred, *spare) if name not in taken)


def text(side: Side, program: Program, free: tuple[Index, ...]) -> str:
    """One side of a step, or any expression, in the notation `y[n,d] * (g[n,d] - sum[k](g[n,k] * y[n,k]))`."""
    match side:
        case Expr():
            return _sum(side, program, free)
        case Factored(prefactor, inner):
            return _factored(prefactor, inner, program, free)
        case Pullback(target, uses):
            parts = (f"sum(grad_{name} * d {name} / d {target.tensor})" for name, _ in uses)
            return " + ".join(parts)
        case Pushforward(target, tangents):
            parts = (f"sum(d {target.tensor} / d {name} * tangent_{name})" for name, _ in tangents)
            return " + ".join(parts)


def _factored(prefactor: Term, inner: Expr, program: Program, free: tuple[Index, ...]) -> str:
    front = _monomial(prefactor.coefficient, prefactor.factors, letters(program, free, ()))
    if not inner.terms:
        return "0"
    if inner == Expr.number(1):
        return front
    if len(inner.terms) == 1:
        return _sum(Expr.of(prefactor.times(term) for term in inner), program, free)
    return _sum(inner, program, free) if front == "1" else f"{front} * ({_sum(inner, program, free)})"


def _sum(expression: Expr, program: Program, free: tuple[Index, ...]) -> str:
    if not expression.terms:
        return "0"
    # A positive term comes first, and terms without sums before those with: p - t, g - sum[k](...).
    ordered = sorted(expression.terms, key=lambda term: (len(term.bound) > 0, term.coefficient < 0, term.body))
    ordered.sort(key=lambda term: term.coefficient < 0 and all(t.coefficient < 0 for t in ordered))
    first, *rest = sorted(ordered, key=lambda term: term.coefficient < 0 and not term.bound)
    result = _term(first, program, free)
    for term in rest:
        negative = term.coefficient < 0
        result += f" - {_term(term.scaled(Fraction(-1)), program, free)}" if negative else f" + {_term(term, program, free)}"
    return result


def _term(term: Term, program: Program, free: tuple[Index, ...]) -> str:
    outer, parts = components(term)
    sums = []
    for part in parts:
        names = letters(program, free, part.bound)
        shown = ",".join(names[index] for index in part.bound)
        sums.append(f"sum[{shown}]({_monomial(Fraction(1), part.factors, names)})")
    return _monomial(outer.coefficient, outer.factors, letters(program, free, ()), sums)


def _monomial(coefficient: Fraction, factors: Iterable[Factor], names: Names, extra: Iterable[str] = ()) -> str:
    above, below = [], []
    for atom, exponent in sorted(factors, key=lambda factor: _order(factor[0])):
        (above if exponent > 0 else below).append(_power(_atom(atom, names), abs(exponent)))
    above += extra
    if abs(coefficient.numerator) != 1 or not above:
        above.insert(0, str(abs(coefficient.numerator)))
    if coefficient.denominator != 1:
        below.insert(0, str(coefficient.denominator))
    shown = " * ".join(above)
    if below:
        shown += f" / {below[0]}" if len(below) == 1 else f" / ({' * '.join(below)})"
    return f"-{shown}" if coefficient < 0 else shown


def _order(atom: Atom) -> tuple[int, str]:
    """Sizes first, then deltas, then tensors by name."""
    rank = {Size: 0, Delta: 1}.get(type(atom), 2)
    return rank, repr(atom)


def _power(base: str, exponent: Fraction) -> str:
    if exponent == 1:
        return base
    if exponent == Fraction(1, 2):
        return f"sqrt({base})"
    return f"{base}**{exponent}" if exponent.denominator == 1 else f"{base}**({exponent})"


def _atom(atom: Atom, names: Names) -> str:
    name: Callable[[Index], str] = lambda index: names.get(index, index.name)  # noqa: E731 - a lookup, not a function
    match atom:
        case Ref(tensor, slots):
            return f"{tensor}[{','.join(show_slot(slot, name) for slot in slots)}]" if slots else tensor
        case Delta(left, right):
            return f"delta[{show_slot(left, name)},{show_slot(right, name)}]"
        case Size(axis):
            return axis.name.upper()
        case Function("positive_part", argument):
            return f"max({_monomial(argument.coefficient, argument.factors, names)}, 0)"
        case Function(function, argument):
            return f"{function}({_monomial(argument.coefficient, argument.factors, names)})"
        case Indicator(argument):
            return f"[{_monomial(argument.coefficient, argument.factors, names)} > 0]"


def entry(name: str, indices: Iterable[Index]) -> str:
    """A left side: `grad_x[n,d]`."""
    shown = ",".join(index.name for index in indices)
    return f"{name}[{shown}]" if shown else name
