"""A term as what no sum touches times its independent sums."""

from __future__ import annotations

from fractions import Fraction

from gradlab.symbolic.terms import Term, atom_indices


def components(term: Term) -> tuple[Term, tuple[Term, ...]]:
    """Split a term into what no sum touches and its independent sums: a_i * Sum_k b_ik * Sum_m c_im."""
    outer = [f for f in term.factors if not any(i in term.bound for i in atom_indices(f[0]))]
    remaining = [f for f in term.factors if f not in outer]
    parts = []
    while remaining:
        group, reach = [remaining.pop(0)], set()
        grown = True
        while grown:
            reach = {i for a, _ in group for i in atom_indices(a) if i in term.bound}
            more = [f for f in remaining if any(i in reach for i in atom_indices(f[0]))]
            remaining = [f for f in remaining if f not in more]
            group += more
            grown = bool(more)
        parts.append(Term(Fraction(1), tuple(group), tuple(i for i in term.bound if i in reach)))
    if len(parts) > 1:
        parts.sort(key=lambda part: part.body)
    return Term(term.coefficient, tuple(outer)), tuple(parts)
