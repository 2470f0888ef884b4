"""A document before any format: sections of paragraphs, tables, equations and listings. Mathematics stays symbolic.

`chapter` and `audit` build these; one writer for each format prints them, and knows layout only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gradlab.symbolic.derive import Result
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.program import Program
from gradlab.symbolic.steps import Side

# Inside a sentence -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Name:
    """A tensor, a parameter or an index, set as mathematics."""

    text: str


@dataclass(frozen=True, slots=True)
class Size:
    """The size of an axis, set as mathematics."""

    axis: Axis


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of code."""

    text: str


@dataclass(frozen=True, slots=True)
class Number:
    """A reference to a numbered equation of the same operation, or of the one that is named."""

    number: int
    operation: str = ""


@dataclass(frozen=True, slots=True)
class Strong:
    """A word that the reader must not miss, with the verdict that colours it where there are colours."""

    text: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A left side inside a sentence."""

    left: Left


@dataclass(frozen=True, slots=True)
class Legend:
    """How matrix forms are to be read, which every dialect says in its own words."""


# Equations ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a tensor, or the tensor where there are no indices."""

    tensor: str
    indices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slope:
    """The partial derivative of one entry by another."""

    above: Entry
    below: Entry


@dataclass(frozen=True, slots=True)
class Jacobian:
    """The Jacobian with respect to an input, as a matrix."""

    wrt: str


@dataclass(frozen=True, slots=True)
class Expression:
    """An index expression with its free indices."""

    side: Side
    free: tuple[Index, ...]
    program: Program


@dataclass(frozen=True, slots=True)
class Matrix:
    """A result in matrix notation; every writer reads the form in its own dialect."""

    result: Result
    jacobian: bool
    program: Program


@dataclass(frozen=True, slots=True)
class Values:
    """Numbers: an array of floats or integers of any rank."""

    array: Any


Left = Entry | Slope | Jacobian | Expression
Right = Expression | Matrix | Values
Span = str | Name | Size | Code | Number | Strong | Symbol | Legend
Spans = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """`= right`, for a reason; numbered where code or other lines refer to it."""

    right: Right
    reason: Spans = ()
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Chain:
    """left = line = line = …; aligned at the equals signs."""

    left: Left
    lines: tuple[Line, ...]


# Blocks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    spans: Spans


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under a head; `numeric` names the columns that stand at the right."""

    head: tuple[str, ...]
    rows: tuple[tuple[Spans, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """Code of a language; `command` prints it anew."""

    text: str
    command: str
    language: str = "python"


Block = Paragraph | Table | Chain | Listing


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of a document."""

    key: str
    title: Spans
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Document:
    """One operation, or one audit."""

    name: str
    title: str
    summary: Spans
    sections: tuple[Section, ...]
    rules: tuple[tuple[str, int], ...] = ()
    """The rule of every numbered equation, for the index of rules."""
    counts: tuple[tuple[str, int], ...] = ()
    """What the proof counts: steps, mutants, mutants that were rejected."""

    def blocks(self) -> Iterator[Block]:
        """All blocks in order."""
        for section in self.sections:
            yield from section.blocks


@dataclass(frozen=True)
class Book:
    """Chapters, with what stands before and after them."""

    front: tuple[Document, ...]
    chapters: tuple[Document, ...]
    back: tuple[Document, ...] = ()

    @property
    def documents(self) -> tuple[Document, ...]:
        """Everything in the order of the pages."""
        return (*self.front, *self.chapters, *self.back)


def words(*parts: Span | tuple[Span, ...]) -> Spans:
    """Pieces of a sentence put together."""
    found: list[Span] = []
    for part in parts:
        found += part if isinstance(part, tuple) else (part,)
    return tuple(found)


def visible(spans: Spans) -> str:
    """About what a reader sees, to tell how broad it is."""
    shown = []
    for span in spans:
        match span:
            case str():
                shown.append(span)
            case Name(text) | Code(text) | Strong(text):
                shown.append(text)
            case Number(number):
                shown.append(f"({number})")
            case Size(axis):
                shown.append(axis.name)
            case Symbol() | Legend():
                shown.append("......")
    return "".join(shown)
