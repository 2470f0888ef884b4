"""Matrix notation in LaTeX; the interface is `gradlab.documents.dialect.Dialect`."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from gradlab.documents import latex_notation
from gradlab.documents.dialect import Operand
from gradlab.symbolic.indices import Axis


class LatexDialect:
    r"""`y \odot (g - g^\top y)`: a dot in a circle acts entry by entry, juxtaposition is the matrix product."""

    identity = "I"
    ones = r"\mathbf{1}"
    legend = (
        r"In matrix forms $\odot$ and fractions act entry by entry, juxtaposition is the matrix product, and "
        r"$\mathbf{1}$ is a vector of ones."
    )

    def name(self, tensor: str) -> str:
        return latex_notation.name(tensor).tex

    def size(self, axis: Axis) -> str:
        return latex_notation.size(axis).tex

    def power(self, base: str, exponent: Fraction) -> str:
        return base if exponent == 1 else f"{base}^{{{exponent}}}"

    def one_hot(self, tensor: str) -> str:
        return rf"\operatorname{{onehot}}({self.name(tensor)})"

    def transposed(self, matrix: str) -> str:
        return rf"{matrix}^\top" if matrix == self.ones or "^" not in matrix else rf"({matrix})^\top"

    def diag(self, vector: str) -> str:
        return rf"\operatorname{{diag}}({vector})"

    def dot(self, left: str, right: str) -> str:
        return rf"{left}^\top {right}"

    def total(self, tensor: str) -> str:
        return rf"\textstyle\sum({tensor})"

    def product(self, matrices: Sequence[str]) -> str:
        return r"\, ".join(matrices)

    def fraction(self, above: Sequence[Operand], below: Sequence[Operand]) -> str:
        shown = self._factors(above) or "1"
        return rf"\frac{{{shown}}}{{{self._factors(below)}}}" if below else shown

    def addition(self, terms: Sequence[tuple[bool, str]]) -> str:
        if not terms:
            return "0"
        (negative, first), *rest = terms
        return (f"-{first}" if negative else first) + "".join(
            f" {'-' if minus else '+'} {term}" for minus, term in rest
        )

    def scaled(self, negative: bool, above: Sequence[Operand], below: Sequence[Operand], bracket: str) -> str:
        front = self.fraction(above, below) if above or below else ""
        dot = "" if all(part.scalar for part in (*above, *below)) else r" \odot "
        return rf"{'-' if negative else ''}{front}{dot}\bigl( {bracket} \bigr)"

    def _factors(self, parts: Sequence[Operand]) -> str:
        """Numbers are juxtaposed; only between two arrays does it matter how they are multiplied."""
        shown = [(part.scalar, f"({part.text})" if part.compound and len(parts) > 1 else part.text) for part in parts]
        numbers = [text for scalar, text in shown if scalar]
        arrays = [text for scalar, text in shown if not scalar]
        return r"\,".join([*numbers, r" \odot ".join(arrays)] if arrays else numbers)
