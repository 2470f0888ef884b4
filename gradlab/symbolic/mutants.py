"""Small faults planted in a step: each must be rejected by the proof, or the proof is worth nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from gradlab.symbolic.indices import Affine, Index, Scale
from gradlab.symbolic.sample import reduced_size
from gradlab.symbolic.terms import (
    Atom,
    Delta,
    Expr,
    Order,
    Prod,
    Ref,
    Size,
    Term,
    atom_slots,
    rename_atom,
    replace_slot,
)


@dataclass(frozen=True)
class Mutant:
    """A wrong right-hand side and what was done to it."""

    kind: str
    expression: Expr


def mutants(expression: Expr, rng: random.Random, free: tuple[Index, ...]) -> Iterator[Mutant]:
    """One mutant of each kind that applies: sign, term, factor, index, size, delta, stride, power, missing atom."""
    if not expression.terms:
        yield Mutant("zero becomes one", Expr.number(1))
        return
    whole = expression.terms
    for kind, rewrite in _KINDS.items():
        choices = list(range(len(whole)))
        rng.shuffle(choices)
        for position in choices:
            rewritten = rewrite(whole[position], rng, free)
            if rewritten is None:
                continue
            mutant = Expr.of((*whole[:position], *rewritten, *whole[position + 1 :]))
            if mutant != expression:
                yield Mutant(kind, mutant)
                break


Rewritten = list[Term] | None


def _sign(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    return [term.scaled(Fraction(-1))]


def _drop(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    return []


def _factor(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    return [term.scaled(Fraction(2))]


def _index(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """Another index of the same axis in one atom: x[n,k] for x[n,d]."""
    pool = dict.fromkeys((*term.indices, *free))
    options = [
        (atom, exponent, old, new)
        for atom, exponent in term.factors
        if isinstance(atom, Ref)
        for old in dict.fromkeys(slot for slot in atom.slots if isinstance(slot, Index))
        for new in pool
        if new != old and new.axis == old.axis
    ]
    if not options:
        return None
    atom, exponent, old, new = rng.choice(options)
    rest = [f for f in term.factors if f[0] != atom]
    return [Term.make(term.coefficient, [*rest, (rename_atom(atom, {old: new}), exponent)], term.bound)]


def _size(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """N - 1 in place of N."""
    options = [(atom, exponent) for atom, exponent in term.factors if isinstance(atom, Size)]
    if not options:
        return None
    atom, exponent = rng.choice(options)
    rest = [f for f in term.factors if f[0] != atom]
    return [Term.make(term.coefficient, [*rest, (Ref(reduced_size(atom.axis), ()), exponent)], term.bound)]


def _delta(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """1 in place of a delta."""
    options = [atom for atom, _ in term.factors if isinstance(atom, Delta)]
    return [_without(term, rng.choice(options))] if options else None


def _computed(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """Another multiple of one index, or another offset, in a computed index: x[2*o + a] for x[stride*o + a]."""
    slots = dict.fromkeys(slot for atom, _ in term.factors for slot in atom_slots(atom) if isinstance(slot, Affine))
    if not slots:
        return None
    slot = rng.choice(list(slots))
    place = rng.randrange(len(slot.parts) + 1)
    if place == len(slot.parts):
        changed = replace(slot, offset=(*slot.offset, Scale(1)))
    else:
        scale, index = slot.parts[place]
        wrong = replace(scale, number=scale.number + 1)
        changed = replace(slot, parts=(*slot.parts[:place], (wrong, index), *slot.parts[place + 1 :]))
    factors = ((replace_slot(atom, slot, changed), exponent) for atom, exponent in term.factors)
    return [Term.make(term.coefficient, factors, term.bound)]


def _power(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    options = [atom for atom, _ in term.factors if isinstance(atom, Ref)]
    if not options:
        return None
    atom = rng.choice(options)
    return [Term.make(term.coefficient, [*term.factors, (atom, Fraction(1))], term.bound)]


def _missing(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    options = [atom for atom, _ in term.factors if isinstance(atom, Ref)]
    return [_without(term, rng.choice(options))] if options else None


def _order(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """[d <= k] in place of [k <= d]."""
    options = [atom for atom, _ in term.factors if isinstance(atom, Order)]
    if not options:
        return None
    atom = rng.choice(options)
    rest = [f for f in term.factors if f[0] != atom]
    return [Term.make(term.coefficient, [*rest, (Order(atom.right, atom.left), Fraction(1))], term.bound)]


def _whole(term: Term, rng: random.Random, free: tuple[Index, ...]) -> Rewritten:
    """The product of all entries in place of that without one."""
    options = [(atom, exponent) for atom, exponent in term.factors if isinstance(atom, Prod) and atom.without]
    if not options:
        return None
    atom, exponent = rng.choice(options)
    rest = [f for f in term.factors if f[0] != atom]
    return [Term.make(term.coefficient, [*rest, (Prod(atom.argument), exponent)], term.bound)]


def _without(term: Term, atom: Atom) -> Term:
    return Term.make(term.coefficient, [f for f in term.factors if f[0] != atom], term.bound)


_KINDS = {
    "sign": _sign,
    "dropped term": _drop,
    "factor 2": _factor,
    "other index": _index,
    "N - 1 for N": _size,
    "1 for a delta": _delta,
    "other stride or offset": _computed,
    "higher power": _power,
    "missing factor": _missing,
    "other order": _order,
    "no entry left out": _whole,
}
