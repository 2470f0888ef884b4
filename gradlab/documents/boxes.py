"""Pieces of LaTeX mathematics with their approximate widths, so that long lines are broken before TeX overruns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Widths in points of the 10 pt Computer Modern fonts, rounded up: a line rather ends too early than too late.
_LETTER = 5.7
_DIGIT = 5.05
_SCRIPT = 0.74
PLUS = 12.5
EQUALS = 13.5
_THIN = 1.7


@dataclass(frozen=True)
class Box:
    """A formula and its width in points."""

    tex: str
    width: float


def letters(text: str, tex: str | None = None) -> Box:
    """A name or number, as wide as its letters."""
    digits, primes = sum(letter.isdigit() or letter == "." for letter in text), text.count("'")
    width = _LETTER * (len(text) - digits - primes) + _DIGIT * digits + 2.8 * primes
    return Box(text if tex is None else tex, width)


def subscript(base: Box, below: Box) -> Box:
    """base with an index below."""
    return Box(f"{base.tex}_{{{below.tex}}}", base.width + _SCRIPT * below.width + 0.5)


def superscript(base: Box, above: str) -> Box:
    """base to a power."""
    return Box(f"{base.tex}^{{{above}}}", base.width + _SCRIPT * _LETTER * len(above) + 0.5)


def summation(indices: Box, inside: Box) -> Box:
    """The sum over indices."""
    return Box(rf"\sum_{{{indices.tex}}} {inside.tex}", max(14.5, _SCRIPT * indices.width) + _THIN + inside.width)


def row(parts: Sequence[Box]) -> Box:
    """Factors beside each other."""
    return Box(r"\,".join(part.tex for part in parts), sum(part.width + _THIN for part in parts))


def fraction(above: Box, below: Box) -> Box:
    """above over below."""
    return Box(rf"\frac{{{above.tex}}}{{{below.tex}}}", max(above.width, below.width) + 2.5)


def bracket(inside: Box) -> Box:
    """inside in round brackets of the right height."""
    return Box(rf"\Bigl( {inside.tex} \Bigr)", inside.width + 14)


def signed(parts: Iterable[tuple[bool, Box]]) -> list[Box]:
    """The terms of a sum, each but the first with its sign in front."""
    result: list[Box] = []
    for negative, part in parts:
        if not result:
            result.append(Box(f"-{part.tex}", part.width + 8) if negative else part)
        else:
            result.append(Box(f"{'-' if negative else '+'} {part.tex}", part.width + PLUS))
    return result


def lines(parts: Sequence[Box], width: float, indent: float = 0.0) -> list[str]:
    """Terms put into as few lines as they need; all but the first are `indent` shorter."""
    result: list[Box] = []
    for part in parts:
        room = width if len(result) == 1 else width - indent
        if result and result[-1].width + part.width <= room:
            result[-1] = Box(f"{result[-1].tex} {part.tex}", result[-1].width + part.width)
        else:
            # A binary sign at the start of a line would lose its space.
            result.append(Box(f"{{}} {part.tex}", part.width) if result else part)
    return [line.tex for line in result]
