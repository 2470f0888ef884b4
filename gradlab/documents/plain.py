"""Documents as plain text for the terminal: `gradlab derive OP --to text`."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradlab.documents.dialect import TextDialect
from gradlab.documents.jacobian import form_of
from gradlab.documents.model import (
    Block,
    Chain,
    Code,
    Document,
    Entry,
    Expression,
    Jacobian,
    Left,
    Legend,
    Line,
    Listing,
    Matrix,
    Name,
    Number,
    Paragraph,
    Right,
    Size,
    Slope,
    Spans,
    Strong,
    Symbol,
    Table,
    Values,
)
from gradlab.documents.numbers import rounded
from gradlab.documents.wrap import wrapped
from gradlab.symbolic.derive import GRAD_OUTPUT
from gradlab.symbolic.show import text

WIDTH = 80
_SHORT = 24
IN_CODE = "in code"
"""The title of a column that repeats the names as code has them: in plain text they are the symbols already."""


def plain(document: Document, *, width: int = WIDTH) -> str:
    """The whole document. Lines are broken to `width` where they can be.

    Equations have the numbers that the comments of the generated code cite. `g` stands for grad_output.
    """
    return "\n".join(line.rstrip() for line in _Text(document, width).lines()) + "\n"


class _Text:
    def __init__(self, document: Document, width: int) -> None:
        self.document, self.width = document, width
        lines = [line for block in document.blocks() if isinstance(block, Chain) for line in block.lines]
        programs = [line.right.program for line in lines if isinstance(line.right, Expression | Matrix)]
        taken = any("g" in (*program.tensors, *program.parameters) for program in programs)
        self.aliases = {} if taken else {GRAD_OUTPUT: "g"}
        self.dialect = TextDialect(self.aliases)
        self.margin = max(6, len(f"({max((line.number or 0 for line in lines), default=0)})") + 2)

    def lines(self) -> Iterator[str]:
        title = self.document.title
        yield from (title, "=" * len(title), *textwrap.wrap(self.spans(self.document.summary), self.width), "")
        for section in self.document.sections:
            heading = self.spans(section.title)
            yield from (heading, "-" * len(heading))
            if section.key == "shapes" and self.aliases:
                yield "  g stands for grad_output."
            for block in section.blocks:
                yield from self.block(block)
            yield ""

    def block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph(spans):
                yield from (f"  {line}" for line in textwrap.wrap(self.spans(spans), self.width - 2))
            case Table():
                yield from self.table(block)
            case Chain(left, lines):
                yield from self.chain(left, lines)
            case Listing(_, command):
                yield f"  {command}   prints it."

    # Inside a sentence -----------------------------------------------------------------------------------------------

    def spans(self, spans: Spans) -> str:
        shown = []
        for span in spans:
            match span:
                case str():
                    shown.append(span)
                case Name(name):
                    shown.append(self.name(name))
                case Size(axis):
                    shown.append(axis.size)
                case Code(code):
                    shown.append(code)
                case Number(number, operation):
                    shown.append(f"({number})" if not operation else f"{operation} ({number})")
                case Strong(word):
                    shown.append(word)
                case Symbol(left):
                    shown.append(self.left(left))
                case Legend():
                    shown.append(self.dialect.legend)
        return "".join(shown)

    def name(self, tensor: str) -> str:
        return self.aliases.get(tensor, tensor)

    # Tables ----------------------------------------------------------------------------------------------------------

    def table(self, table: Table) -> Iterator[str]:
        kept = [place for place, title in enumerate(table.head) if title != IN_CODE]
        rows = [[self.spans(row[place]) for place in kept] for row in table.rows]
        head = [table.head[place] for place in kept]
        numeric = [position for position, place in enumerate(kept) if place in table.numeric]
        widths = [max(len(row[place]) for row in (*rows, head)) for place in range(len(kept))]
        room = self.width - 2 - sum(widths[:-1]) - 2 * (len(widths) - 1)
        for row in [head, *rows] if any(head) else rows:
            cells = [
                cell.rjust(size) if place in numeric else cell.ljust(size)
                for place, (cell, size) in enumerate(zip(row, widths, strict=True))
            ]
            if room < min(widths[-1], 12):  # no room beside each other
                yield f"  {row[0]}"
                yield from (f"      {line}" for line in textwrap.wrap("  ".join(row[1:]), self.width - 6))
                continue
            first, *rest = textwrap.wrap(row[-1], room, break_on_hyphens=False) or [""]
            last = first.rjust(widths[-1]) if len(cells) - 1 in numeric else first
            yield "  " + "  ".join([*cells[:-1], last])
            yield from (" " * (self.width - room) + line for line in rest)

    # Equations -------------------------------------------------------------------------------------------------------

    def chain(self, left: Left, lines: Sequence[Line]) -> Iterator[str]:
        shown = self.left(left)
        only = next(iter(lines))
        room = self.width - self.margin - len(shown) - len(" = ")
        rows = self.right(only.right, room)
        # A long left side stands on a line of its own, unless all of it fits on one.
        beside = len(rows) == 1 or len(shown) <= _SHORT
        if len(lines) == 1 and beside and max(map(len, rows)) <= room:
            yield from self.aligned(self.label(only.number) + f"{shown} = ", only)
            return
        yield from (" " * self.margin + line for line in wrapped(shown, self.width - self.margin))
        for line in lines:
            yield from self.aligned(self.label(line.number) + "  = ", line)

    def label(self, number: int | None) -> str:
        return f"({number})".rjust(self.margin - 1) + " " if number else " " * self.margin

    def aligned(self, left: str, line: Line) -> Iterator[str]:
        """An equation with its reason at the right edge, on the last line that has room."""
        rows = self.right(line.right, self.width - len(left))
        lines = [f"{left}{rows[0]}", *(" " * len(left) + row for row in rows[1:])]
        note = f"[{self.spans(line.reason)}]" if line.reason else ""
        if note and len(lines[-1]) + 2 + len(note) > self.width:
            lines += [part.rjust(self.width) for part in textwrap.wrap(note, self.width - self.margin)]
        elif note:
            lines[-1] += note.rjust(self.width - len(lines[-1]))
        yield from lines

    def left(self, left: Left) -> str:
        match left:
            case Entry():
                return self.entry(left)
            case Slope(above, below):
                return f"d {self.entry(above)} / d {self.entry(below)}"
            case Jacobian(wrt):
                return f"J_{wrt}"
            case Expression(side, free, program):
                return text(side, program, free, self.aliases)

    def entry(self, entry: Entry) -> str:
        name = self.name(entry.tensor)
        return f"{name}[{','.join(entry.indices)}]" if entry.indices else name

    def right(self, right: Right, width: int) -> list[str]:
        if isinstance(right, Values):
            return values(right.array, width)
        if isinstance(right, Matrix):
            return wrapped(form_of(right, self.dialect), width)
        return wrapped(text(right.side, right.program, right.free, self.aliases), width)


def values(array: Any, width: int) -> list[str]:
    """An array as NumPy prints it, rounded as everywhere in the examples."""
    if np.ndim(array) == 0:
        return [rounded(array)]
    size = max((len(rounded(value)) for value in np.ravel(array)), default=0)
    shown = np.array2string(
        np.asarray(array),
        separator=", ",
        max_line_width=max(width, 12),
        threshold=np.size(array) + 1,
        formatter={"all": lambda value: rounded(value).rjust(size)},
    )
    return [line for line in shown.splitlines() if line]
