"""The matrix form of a Jacobian: identities, diagonals and outer products over rows (output) and columns (input)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlab.documents.dialect import Dialect, Operand
from gradlab.documents.matrix import Indices, MatrixForm, NoMatrixFormError, Reader, matrix_form
from gradlab.documents.model import Matrix
from gradlab.symbolic.derive import Result
from gradlab.symbolic.indices import Index
from gradlab.symbolic.layout import term_order
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Factored
from gradlab.symbolic.terms import Atom, Delta, Expr, Factor, Ref, Term, atom_indices


def jacobian_form(result: Result, program: Program, dialect: Dialect) -> MatrixForm | None:
    """A Jacobian with one row for each entry of the output and one column for each entry of the input."""
    count = len(program.output.indices)
    rows, columns = result.free[:count], result.free[count:]
    if not rows:
        return matrix_form(result, program, dialect)
    paired = _paired(result.value, rows, columns)
    if len(paired) == len(rows) == len(columns):  # something has to stay a matrix
        tensors = [
            indices
            for term in result.value
            for atom, _ in term.factors
            if isinstance(atom, Ref) and (indices := list(atom_indices(atom)))
        ]
        needed = [pair for pair in paired if all(pair[1] in indices for indices in tensors)]
        paired = needed if len(needed) < len(paired) else paired[:-1]
    expression = Factored(result.display.prefactor, result.display.inner)
    renaming = dict(paired)
    try:
        form = _JacobianReader(
            program,
            dialect,
            tuple(index for index in rows if index not in renaming),
            tuple(index for index in columns if index not in renaming.values()),
            renaming,
        ).factored(expression)
    except NoMatrixFormError:
        return None
    return MatrixForm(tuple(column.axis for _, column in paired), form)


def form_of(item: Matrix, dialect: Dialect) -> str:
    """The form of a result that has one: the builder of a document leaves out those that have none."""
    form = (jacobian_form if item.jacobian else matrix_form)(item.result, item.program, dialect)
    assert form is not None
    return form.form


def _paired(value: Expr, rows: Indices, columns: Indices) -> list[tuple[Index, Index]]:
    """Rows and columns that a delta in every term sets equal."""
    every = [{atom for atom, _ in term.factors if isinstance(atom, Delta)} for term in value]
    return [
        (row, column)
        for row in rows
        for column in columns
        if every and all(Delta(row, column) in deltas or Delta(column, row) in deltas for deltas in every)
    ]


class _JacobianReader(Reader):
    """Reads expressions over rows and columns: identities, diagonals, outer products."""

    def __init__(
        self, program: Program, dialect: Dialect, rows: Indices, columns: Indices, renaming: dict[Index, Index]
    ) -> None:
        super().__init__(program, dialect, (*rows, *columns), tuple(renaming.values()))
        self.rows, self.columns, self.renaming = rows, columns, renaming

    def factored(self, side: Factored) -> str:
        front: list[Factor] = []
        kept: list[Factor] = []
        for atom, exponent in side.prefactor.rename(self.renaming).factors:
            gone = isinstance(atom, Delta) and atom.left == atom.right
            if not gone:
                (kept if self.shape(atom) else front).append((atom, exponent))
        rest = Term(Fraction(1), tuple(kept))
        inner = [rest.times(term.rename(self.renaming)) for term in side.inner]
        terms = [Term.make(t.coefficient, [f for f in t.factors if not self.trivial(f[0])], t.bound) for t in inner]
        prefactor = Term(side.prefactor.coefficient, tuple(front))
        ordered = sorted(terms, key=lambda term: (term.coefficient < 0, not self.identity(term), term_order(term)))
        if len(ordered) == 1:
            return self.addition([prefactor.times(ordered[0])])
        if prefactor == Term(Fraction(1)):
            return self.addition(ordered)
        return self.dialect.scaled(*self.split(prefactor), self.addition(ordered))

    def trivial(self, atom: Atom) -> bool:
        return isinstance(atom, Delta) and atom.left == atom.right

    def identity(self, term: Term) -> bool:
        return any(isinstance(atom, Delta) for atom, _ in term.factors)

    def term(self, term: Term) -> str:
        if term.bound:
            raise NoMatrixFormError
        scalars = tuple(f for f in term.factors if not self.shape(f[0]))
        deltas = [atom for atom, _ in term.factors if isinstance(atom, Delta)]
        others = [f for f in term.factors if self.shape(f[0]) and not isinstance(f[0], Delta)]
        _, above, below = self.split(Term(term.coefficient, scalars))
        if deltas:
            above.append(Operand(self.diagonal(deltas, others)))
        else:
            above.append(self.outer(others))
        return self.dialect.fraction(above, below)

    def diagonal(self, deltas: Sequence[Delta], others: Sequence[Factor]) -> str:
        wanted = {frozenset(pair) for pair in zip(self.rows, self.columns, strict=False)}
        if len(self.rows) != len(self.columns) or {frozenset((d.left, d.right)) for d in deltas} != wanted:
            raise NoMatrixFormError
        if not others:
            return self.dialect.identity
        shapes = {self.shape(atom) for atom, _ in others}
        if not shapes <= {self.rows, self.columns}:
            raise NoMatrixFormError
        return self.dialect.diag(self.vector(others))

    def outer(self, others: Sequence[Factor]) -> Operand:
        """A matrix by itself, a column, a row, or the product of a column and a row; ones where nothing varies."""
        groups: dict[Indices, list[Factor]] = {self.rows: [], self.columns: []}
        for factor in others:
            shape = self.shape(factor[0])
            if len(others) == 1 and self.rows and self.columns and set(shape) == {*self.rows, *self.columns}:
                return Operand(self.whole(factor, shape))
            if shape not in groups:
                raise NoMatrixFormError
            groups[shape].append(factor)
        column, row = (
            self.vector(groups[side]) if groups[side] else self.dialect.ones for side in (self.rows, self.columns)
        )
        if not self.columns:
            return Operand(column)
        if not self.rows:
            return Operand(self.dialect.transposed(row))
        return Operand(self.dialect.product([column, self.dialect.transposed(row)]), compound=True)

    def whole(self, factor: Factor, shape: Indices) -> str:
        if shape == (*self.rows, *self.columns):
            return self.vector([factor])
        if shape == (*self.columns, *self.rows):
            return self.dialect.transposed(self.vector([factor]))
        raise NoMatrixFormError

    def vector(self, factors: Sequence[Factor]) -> str:
        above = [Operand(self.dialect.power(self.bare(atom), e)) for atom, e in factors if e > 0]
        below = [Operand(self.dialect.power(self.bare(atom), -e)) for atom, e in factors if e < 0]
        return self.dialect.fraction(above, below)
