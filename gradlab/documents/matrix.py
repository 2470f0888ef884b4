"""The matrix form of a result, where it has one: diag(y) - y y^T, g W, g^T x, y * (g - g^T y).

An expression is read against two groups of free indices, rows and columns. A tensor is then a scalar, a vector along
the rows, a vector along the columns, or a matrix; the axes that all of them share are fixed: the form holds "per" them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from gradlab.documents.dialect import Dialect, Operand
from gradlab.symbolic.components import components
from gradlab.symbolic.derive import Result
from gradlab.symbolic.indices import Axis, Gather, Index
from gradlab.symbolic.layout import term_order
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Factored
from gradlab.symbolic.terms import Atom, Delta, Factor, Ref, Size, Term, atom_indices

Indices = tuple[Index, ...]


@dataclass(frozen=True)
class MatrixForm:
    """A form in matrix notation, and the axes that it holds for one index of (none where it is for the whole)."""

    per: tuple[Axis, ...]
    form: str


class NoMatrixFormError(Exception):
    """The expression is no product of matrices and vectors that this module knows."""


def matrix_form(result: Result, program: Program, dialect: Dialect) -> MatrixForm | None:
    """A gradient or tangent in matrix notation; None where no form is known."""
    for fixed in _choices(result):
        try:
            form = Reader(program, dialect, result.free, fixed).factored(result.display)
        except NoMatrixFormError:
            continue
        return MatrixForm(tuple(index.axis for index in fixed), form)
    return None


def _choices(result: Result) -> Iterator[Indices]:
    """Which free indices to hold fixed: none, those that all tensors share, then any one."""
    free, shapes = result.free, _shapes(result.display)
    summed = any(term.bound for term in result.display.inner)
    if len(free) == 2 or (not summed and all(tuple(indices) == free for indices in shapes)):
        yield ()
    shared = tuple(index for index in free if all(index in indices for indices in shapes))
    # Where nothing is summed and every index is fixed, no matrix would be left.
    yield from (fixed for fixed in (shared, *((index,) for index in free)) if summed or len(fixed) < len(free))


def _terms(side: Factored) -> Iterable[Term]:
    return (side.prefactor, *side.inner)


def _shapes(side: Factored) -> list[list[Index]]:
    """The indices of every tensor that has any."""
    atoms = (atom for term in _terms(side) for atom, _ in term.factors if not isinstance(atom, Size))
    return [indices for atom in atoms if (indices := list(atom_indices(atom)))]


class Reader:
    """Reads expressions whose free indices are one vector, or the rows and columns of a matrix."""

    def __init__(self, program: Program, dialect: Dialect, free: Indices, fixed: Sequence[Index] = ()) -> None:
        self.program, self.dialect, self.fixed = program, dialect, set(fixed)
        self.free = tuple(index for index in free if index not in self.fixed)
        self.fixed_axes = {index.axis for index in self.fixed}

    def factored(self, side: Factored) -> str:
        inner = sorted(side.inner.terms, key=term_order)
        if len(inner) == 1 or side.prefactor == Term(Fraction(1)):
            return self.addition([side.prefactor.times(term) for term in inner])
        return self.dialect.scaled(*self.split(side.prefactor), self.addition(inner))

    def addition(self, terms: Sequence[Term]) -> str:
        return self.dialect.addition([(term.coefficient < 0, self.term(term)) for term in terms])

    def term(self, term: Term) -> str:
        outer, parts = components(term)
        if not parts and len(self.free) == 2:
            spread = self.spread(outer)
            if spread is not None:
                return spread
        _, above, below = self.split(outer)
        return self.dialect.fraction([*above, *map(self.summed, parts)], below)

    def spread(self, outer: Term) -> str | None:
        """A vector repeated along the other axis of a matrix: 1 b^T, b 1^T."""
        row, column = self.free
        if len(outer.factors) != 1 or self.shape(outer.factors[0][0]) not in ((row,), (column,)):
            return None
        vector, ones = self.bare(outer.factors[0][0]), self.dialect.ones
        along_rows = self.shape(outer.factors[0][0]) == (row,)
        return self.dialect.product(
            [vector, self.dialect.transposed(ones)] if along_rows else [ones, self.dialect.transposed(vector)]
        )

    def split(self, outer: Term) -> tuple[bool, list[Operand], list[Operand]]:
        """The sign, and the elementwise factors above and below the line."""
        above, below = self.elementwise(outer, self.free)
        if outer.coefficient.numerator not in (1, -1):
            above.insert(0, Operand(str(abs(outer.coefficient.numerator)), scalar=True))
        if outer.coefficient.denominator != 1:
            below.insert(0, Operand(str(outer.coefficient.denominator), scalar=True))
        return outer.coefficient < 0, above, below

    def elementwise(self, term: Term, shape: Indices) -> tuple[list[Operand], list[Operand]]:
        above: list[Operand] = []
        below: list[Operand] = []
        for atom, exponent in sorted(term.factors, key=self.order):
            bare = self.bare(atom)
            if len(shape) == 2 and self.shape(atom) == shape[::-1]:
                bare = self.dialect.transposed(bare)
            elif self.shape(atom) not in ((), shape):
                raise NoMatrixFormError
            shown = self.dialect.power(bare, abs(exponent))
            (above if exponent > 0 else below).append(Operand(shown, scalar=not self.shape(atom)))
        return above, below

    def order(self, factor: Factor) -> tuple[bool, int, str]:
        """Sizes in the order of the axes, then scalars, vectors and matrices by name."""
        atom = factor[0]
        if isinstance(atom, Size):
            return False, self.program.axes.index(atom.axis), ""
        return True, len(self.shape(atom)), self.bare(atom)

    def bare(self, atom: Atom) -> str:
        match atom:
            case Ref(tensor):
                return self.dialect.name(tensor)
            case Size(axis):
                return self.dialect.size(axis)
            case Delta(Gather(tensor), Index()) | Delta(Index(), Gather(tensor)):
                return self.dialect.one_hot(tensor)
        raise NoMatrixFormError

    def shape(self, atom: Atom) -> Indices:
        """The indices of an atom that are not fixed."""
        if isinstance(atom, Ref) and len(set(atom.slots) & set(atom_indices(atom))) < len(atom.slots):
            raise NoMatrixFormError  # x[n,n] and x[n,label[n]] are no whole tensor
        rest = tuple(index for index in atom_indices(atom) if index not in self.fixed)
        if any(index.axis in self.fixed_axes for index in rest):
            raise NoMatrixFormError  # "for each n" would not say which n
        return rest

    def summed(self, part: Term) -> Operand:
        """A sum as a number (dot product, total) or as a product with a matrix."""
        shapes = {self.shape(atom) for atom, _ in part.factors}
        names = [self.bare(atom) for atom, exponent in part.factors if exponent == 1]
        if len(shapes) == 1 and set(next(iter(shapes))) == set(part.bound):
            if len(part.bound) == 1 and len(names) == len(part.factors) == 2:
                return Operand(self.dialect.dot(*sorted(names)), scalar=True, compound=True)
            above, below = self.elementwise(part, next(iter(shapes)))
            return Operand(self.dialect.total(self.dialect.fraction(above, below)), scalar=True)
        if len(part.bound) == 1 and len(names) == len(part.factors) <= 2 and 1 <= len(self.free) <= 2:
            return Operand(self.contraction(part), compound=True)
        raise NoMatrixFormError

    def contraction(self, part: Term) -> str:
        (inner,) = part.bound
        operands: list[str] = []
        for outer in self.free:
            found = [atom for atom, _ in part.factors if set(self.shape(atom)) == {outer, inner}]
            if len(found) != 1:
                raise NoMatrixFormError
            name = self.bare(found[0])
            # The first operand has its free index in front, the second behind.
            forward = self.shape(found[0]) == ((inner, outer) if operands else (outer, inner))
            operands.append(name if forward else self.dialect.transposed(name))
        if len(self.free) == 1:
            vectors = [atom for atom, _ in part.factors if self.shape(atom) == (inner,)]
            operands += [self.bare(atom) for atom in vectors] or [self.dialect.ones]
            if len(vectors) + 1 != len(part.factors) and vectors:
                raise NoMatrixFormError
        return self.dialect.product(operands)
