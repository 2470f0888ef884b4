"""Which adjoints and tangents keep a name: those that cross a contraction, so that no matrix product is made twice."""

from __future__ import annotations

from collections.abc import Iterable

from gradlab.symbolic.components import components
from gradlab.symbolic.program import Program, Tensor
from gradlab.symbolic.terms import Expr, Ref, Size, Term, atom_indices


def named_adjoint(program: Program, tensor: Tensor, value: Expr) -> bool:
    """Whether the adjoint of a binding is bound to a name rather than written out where it is used.

    It is where it holds a contraction, or where the binding is one, through which it goes on.
    """
    own = [binding.value for binding in program.bindings if binding.name == tensor.name]
    # The adjoint of an input, which has no value of its own, is a gradient: it is used nowhere.
    return bool(own) and not _short(value) and any(map(contracts, (value, *own)))


def named_tangent(name: str, value: Expr, uses: Iterable[Expr]) -> bool:
    """Whether the tangent of a binding is bound to a name, given the values in which the binding is used.

    It is where it goes on through a contraction, or holds one and is multiplied by something.
    """
    if _short(value):
        return False
    multiplied = contracts(value)
    return any(contracts(use) or (multiplied and not _adds(name, use)) for use in uses)


def _adds(name: str, use: Expr) -> bool:
    """Whether a tensor is only added to others, as in z + bias."""
    return all(_short(Expr.of([term])) for term in use if name in Expr.of([term]).tensors)


def contracts(value: Expr) -> bool:
    """Whether it holds a product of matrices, over one index or several."""
    return any(map(_mixes, value))


def _mixes(term: Term) -> bool:
    """Whether it holds a product of matrices: a sum over factors of which none has all indices."""
    _, parts = components(term)
    return any(not any({*part.indices} <= {*atom_indices(atom)} for atom, _ in part.factors) for part in parts)


def _short(value: Expr) -> bool:
    """Whether it is one entry of a tensor, times a number and sizes."""
    if len(value.terms) != 1 or value.terms[0].bound:
        return not value.terms
    return [type(atom) for atom, _ in value.terms[0].factors if not isinstance(atom, Size)] == [Ref]
