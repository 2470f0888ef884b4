"""Formulas as they are typed overflow where stable ones do not: they are rewritten, and exponentials are shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import sympy as sp

from gradlab.errors import DefinitionError, ProofError
from gradlab.symbolic import special
from gradlab.symbolic.definition import Definition, Let, let, shift
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.prove import Proof, prove
from gradlab.symbolic.read import read


def stable(value: sp.Expr) -> sp.Expr:
    """The same value through functions that neither overflow nor cancel.

    log(1 + exp(u)) is softplus(u), 1 / (1 + exp(u)) is sigmoid(-u), exp(u) - 1 is expm1(u), log(1 + u) is log1p(u).
    """
    result: sp.Expr = value.replace(_rewrites, _rewritten)
    return result


def _rewrites(expression: sp.Expr) -> bool:
    return _rewritten(expression) is not expression


def _rewritten(expression: sp.Expr) -> sp.Expr:
    if isinstance(expression, sp.log) and (rest := _beside(expression.args[0], 1)) is not None:
        return special.softplus(rest.args[0]) if isinstance(rest, sp.exp) else special.log1p(rest)
    if isinstance(expression, sp.Pow) and expression.exp.is_Integer and expression.exp < 0:
        rest = _beside(expression.base, 1)
        if isinstance(rest, sp.exp):
            return special.sigmoid(-rest.args[0]) ** -expression.exp
    rest = _beside(expression, -1)
    if isinstance(rest, sp.exp):
        return special.expm1(rest.args[0])
    return expression


def _beside(expression: sp.Expr, number: int) -> sp.Expr | None:
    """What stands beside a number in a sum of two."""
    if isinstance(expression, sp.Add) and len(expression.args) == 2 and number in expression.args:
        return expression - number
    return None


def proved(definition: Definition) -> tuple[Derivation, Proof]:
    """The derivation of a definition and its proof; in a reader's formula, exponentials that are summed are shifted.

    A shift leaves out what could overflow; whether no result can tell is decided by the proof, not by the form.
    """
    if not definition.formula:
        derivation = derive(read(definition))
        return derivation, prove(derivation)
    for shifted in chain(_shifts(_with_softmax(definition)), _shifts(definition), [definition]):
        try:
            derivation = derive(read(shifted))
            return derivation, prove(derivation)
        except (ProofError, DefinitionError):
            if shifted is definition:
                raise
    raise AssertionError("the definition itself came last")


def _shifts(definition: Definition) -> Iterator[Definition]:
    """Shifts that may hold: of an entry whose exponentials are summed, with and without what moves along."""
    entries = {str(item.entry.base): item.entry for item in definition.inputs if isinstance(item.entry, sp.Indexed)}
    entries |= {str(item.entry.base): item.entry for item in definition.lets if isinstance(item.entry, sp.Indexed)}
    summed = {
        limit[0].upper for item in definition.lets for total in item.value.atoms(sp.Sum) for limit in total.limits
    }
    exponents = {e.args[0] for item in definition.lets for e in item.value.atoms(sp.exp)}
    bases = sorted({str(exponent.base) for exponent in exponents if isinstance(exponent, sp.Indexed)})
    for entry in (entries[base] for base in bases):
        for index in entry.indices:
            if not isinstance(index, sp.Idx) or index.upper not in summed:
                continue
            kept = [other for other in entry.indices if other != index]
            rows = [item.entry for item in definition.lets if list(getattr(item.entry, "indices", ())) == kept]
            yield replace(definition, shift=shift(entry, index))
            for row in reversed(rows):
                yield replace(definition, shift=shift(entry, index, restored=[row]))


def _with_softmax(definition: Definition) -> Definition:
    """Names for the parts of log(sum(exp(u))), and for their quotient, which its gradient is and which is saved.

    The exponentials themselves move with a shift, their quotient does not.
    """
    entries = [item.entry for item in definition.inputs] + [item.entry for item in definition.lets]
    taken = {str(getattr(entry, "base", entry)) for entry in entries}
    lets: list[Let] = []
    for item in definition.lets:
        value = item.value
        for logarithm in value.atoms(sp.log):
            total = logarithm.args[0]
            if not isinstance(total, sp.Sum) or not isinstance(total.function, sp.exp):
                continue
            exponentials, row, softmax = _names(taken)
            free = [index for index in getattr(item.entry, "indices", ()) if total.has(index)]
            inside = [*free, *(limit[0] for limit in total.limits)]
            e, p = sp.IndexedBase(exponentials)[tuple(inside)], sp.IndexedBase(softmax)[tuple(inside)]
            s = sp.IndexedBase(row)[tuple(free)] if free else sp.Symbol(row)
            lets += [let(e, total.function), let(s, sp.Sum(e, *(limit[0] for limit in total.limits))), let(p, e / s)]
            value = value.subs(logarithm, sp.log(s))
        lets.append(let(item.entry, value))
    return replace(definition, lets=lets)


def _names(taken: set[str]) -> tuple[str, ...]:
    """Unused names for exponentials, their sum and their quotient."""
    found = []
    for wanted in ("e", "s", "p"):
        name = next(name for name in (wanted, *(f"{wanted}{k}" for k in range(1, 99))) if name not in taken)
        taken.add(name)
        found.append(name)
    return tuple(found)
