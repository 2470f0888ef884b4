"""Matrix notation in MathML; the interface is `gradlab.documents.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlab.documents import mathml_notation
from gradlab.documents.dialect import Operand
from gradlab.documents.mathml_notation import bracket, factors, identifier, number, operator, row
from gradlab.symbolic.indices import Axis

_TIMES = operator("⊙")
_TOP = "\N{DOWN TACK}"


class MathmlDialect:
    """Like `LatexDialect`: ⊙ acts entry by entry, juxtaposition is the matrix product."""

    identity = identifier("I")
    ones = '<mn style="font-weight: bold">1</mn>'
    legend = (
        "In matrix forms ⊙ and fractions act entry by entry, juxtaposition is the matrix product, and a bold 1 is a "
        "vector of ones."
    )

    def name(self, tensor: str) -> str:
        return mathml_notation.name(tensor)

    def size(self, axis: Axis) -> str:
        return mathml_notation.size(axis)

    def power(self, base: str, exponent: Fraction) -> str:
        return base if exponent == 1 else f"<msup>{base}{number(exponent)}</msup>"

    def one_hot(self, tensor: str) -> str:
        return row([identifier("onehot"), bracket(self.name(tensor))])

    def transposed(self, matrix: str) -> str:
        simple = "<mrow>" not in matrix and "<msup>" not in matrix
        return f"<msup>{matrix if simple else bracket(matrix)}<mo>{_TOP}</mo></msup>"

    def diag(self, vector: str) -> str:
        return row([identifier("diag"), bracket(vector)])

    def dot(self, left: str, right: str) -> str:
        return factors([f"<msup>{left}<mo>{_TOP}</mo></msup>", right])

    def total(self, tensor: str) -> str:
        return row([operator("∑"), bracket(tensor)])

    def product(self, matrices: Sequence[str]) -> str:
        return factors(list(matrices))

    def fraction(self, above: Sequence[Operand], below: Sequence[Operand]) -> str:
        shown = self._factors(above) or number(1)
        return f"<mfrac>{shown}{self._factors(below)}</mfrac>" if below else shown

    def addition(self, terms: Sequence[tuple[bool, str]]) -> str:
        if not terms:
            return number(0)
        (negative, first), *rest = terms
        shown = [operator("−", prefix=True), first] if negative else [first]
        for minus, term in rest:
            shown += [f'<mo form="infix">{"−" if minus else "+"}</mo>', term]
        return row(shown)

    def scaled(self, negative: bool, above: Sequence[Operand], below: Sequence[Operand], bracket: str) -> str:
        sign = [operator("−", prefix=True)] if negative else []
        front = [self.fraction(above, below)] if above or below else []
        dot = [] if all(part.scalar for part in (*above, *below)) else [_TIMES]
        return row([*sign, *front, *dot, mathml_notation.bracket(bracket)])

    def _factors(self, parts: Sequence[Operand]) -> str:
        """Numbers are juxtaposed; only between two arrays does it matter how they are multiplied."""
        shown = [(part.scalar, bracket(part.text) if part.compound and len(parts) > 1 else part.text) for part in parts]
        numbers = [text for scalar, text in shown if scalar]
        arrays = _TIMES.join(text for scalar, text in shown if not scalar)
        every = [*numbers, arrays] if arrays else numbers
        return factors(every) if every else ""
