"""The two ways to write matrix notation: plain text and LaTeX. Every dialect has the same methods in the same order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from gradlab.symbolic.indices import Axis


@dataclass(frozen=True)
class Operand:
    """A factor as it is written; `scalar` where it is a number, `compound` where it is itself a matrix product."""

    text: str
    scalar: bool = False
    compound: bool = False


class Dialect(Protocol):
    """How matrix notation is written."""

    identity: str
    ones: str
    legend: str

    def name(self, tensor: str) -> str:
        """A tensor without its indices."""

    def size(self, axis: Axis) -> str:
        """The size of an axis."""

    def power(self, base: str, exponent: Fraction) -> str:
        """A positive power, entry by entry."""

    def one_hot(self, tensor: str) -> str:
        """The indicator matrix of labels."""

    def transposed(self, matrix: str) -> str:
        """The transpose."""

    def diag(self, vector: str) -> str:
        """The diagonal matrix."""

    def dot(self, left: str, right: str) -> str:
        """The inner product of two vectors."""

    def total(self, tensor: str) -> str:
        """The sum of all entries."""

    def product(self, matrices: Sequence[str]) -> str:
        """The matrix product."""

    def fraction(self, above: Sequence[Operand], below: Sequence[Operand]) -> str:
        """The product entry by entry, divided by another."""

    def addition(self, terms: Sequence[tuple[bool, str]]) -> str:
        """A sum of terms, each with True where it is subtracted."""

    def scaled(self, negative: bool, above: Sequence[Operand], below: Sequence[Operand], bracket: str) -> str:
        """A fraction times a sum in brackets."""


class TextDialect:
    """`y * (g - g^T y)`: `*` and `/` act entry by entry, a space is the matrix product."""

    identity = "I"
    ones = "1"
    legend = "In matrix forms * and / act entry by entry, a space is the matrix product, 1 is a vector of ones."

    def __init__(self, aliases: Mapping[str, str]) -> None:
        self.aliases = aliases

    def name(self, tensor: str) -> str:
        return self.aliases.get(tensor, tensor)

    def size(self, axis: Axis) -> str:
        return axis.size

    def power(self, base: str, exponent: Fraction) -> str:
        return (
            base if exponent == 1 else f"{base}**{exponent}" if exponent.denominator == 1 else f"{base}**({exponent})"
        )

    def one_hot(self, tensor: str) -> str:
        return f"one_hot({tensor})"

    def transposed(self, matrix: str) -> str:
        return f"({matrix})^T" if " " in matrix or "*" in matrix else f"{matrix}^T"

    def diag(self, vector: str) -> str:
        return f"diag({vector})"

    def dot(self, left: str, right: str) -> str:
        return f"{left}^T {right}"

    def total(self, tensor: str) -> str:
        return f"sum({tensor})"

    def product(self, matrices: Sequence[str]) -> str:
        return " ".join(matrices)

    def fraction(self, above: Sequence[Operand], below: Sequence[Operand]) -> str:
        shown = self._factors(above) or "1"
        if not below:
            return shown
        return f"{shown} / {self._factors(below)}" if len(below) == 1 else f"{shown} / ({self._factors(below)})"

    def addition(self, terms: Sequence[tuple[bool, str]]) -> str:
        if not terms:
            return "0"
        (negative, first), *rest = terms
        shown = f"-{first}" if negative else first
        return shown + "".join(f" {'-' if minus else '+'} {term}" for minus, term in rest)

    def scaled(self, negative: bool, above: Sequence[Operand], below: Sequence[Operand], bracket: str) -> str:
        sign = "-" if negative else ""
        # A short bracket comes before the denominator, a long one after the whole fraction.
        if above and (len(above) > 1 or "^T" in bracket or "sum(" in bracket):
            return f"{sign}{self.fraction(above, below)} * ({bracket})"
        return sign + self.fraction([*above, Operand(f"({bracket})")], below)

    def _factors(self, parts: Sequence[Operand]) -> str:
        return " * ".join(f"({part.text})" if part.compound and len(parts) > 1 else part.text for part in parts)
