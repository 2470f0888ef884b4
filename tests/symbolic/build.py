"""Short ways to write index expressions by hand."""

from collections.abc import Sequence
from fractions import Fraction

from gradlab.symbolic.indices import Axis, Index, Slot
from gradlab.symbolic.terms import Atom, Delta, Expr, Ref, Size, Term


def index(name: str, axis: str | None = None) -> Index:
    """An index; its axis is its first letter unless another is given."""
    return Index(name, Axis(axis or name[0]))


def ref(tensor: str, *slots: Slot) -> Ref:
    """x[n, d]."""
    return Ref(tensor, slots)


def size(name: str) -> Size:
    """The size of an axis."""
    return Size(Axis(name))


def delta(left: Slot, right: Slot) -> Delta:
    """delta[n, m]."""
    return Delta(left, right)


def term(*atoms: Atom | tuple[Atom, Fraction | int], of: Fraction | int = 1, over: Sequence[Index] = ()) -> Term:
    """A product of atoms, or of atoms with their exponents, times a number, summed over indices."""
    factors = (atom if isinstance(atom, tuple) else (atom, 1) for atom in atoms)
    return Term.make(Fraction(of), ((atom, Fraction(exponent)) for atom, exponent in factors), over)


def total(*terms: Term) -> Expr:
    """A sum of terms."""
    return Expr.of(terms)
