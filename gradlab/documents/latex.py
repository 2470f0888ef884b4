"""Documents in LaTeX: one operation, `gradlab derive OP --to latex`, or all of them as a book."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from gradlab.documents import boxes, latex_notation
from gradlab.documents.boxes import Box
from gradlab.documents.jacobian import form_of
from gradlab.documents.latex_dialect import LatexDialect
from gradlab.documents.latex_notation import escaped
from gradlab.documents.model import (
    Block,
    Book,
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
    Section,
    Size,
    Slope,
    Spans,
    Strong,
    Symbol,
    Table,
    Values,
    visible,
)
from gradlab.documents.numbers import rounded

_WIDTH = 405.0  # points that a formula may take: the text is 458 wide, less the number and some room for error
_BROAD = 120.0  # a left side that is broader than this stands on a line of its own
_CONTINUED = 22.0  # the indent of a continued line

_COLOURS = {"proved": "proved", "refuted": "refuted", "ill-formed": "malformed"}


def latex(document: Document) -> str:
    """One document that compiles by itself. Generated code cites the numbers of its equations."""
    body = "\n".join(_Latex(document).lines())
    return _whole("scrartcl", escaped(document.title), f"{body}\n")


def latex_book(book: Book) -> str:
    """All chapters, with a table of contents; front matter, appendices and counts are documents like the others."""
    title = "Derivations and proofs"
    opening = [
        rf"\title{{{title}}}\subtitle{{Jacobian, VJP and JVP of {len(book.chapters)} operations, step by step}}",
        r"\author{gradlab}\date{}\maketitle\tableofcontents",
    ]
    every = [line for part in book.documents for line in _Latex(part, head="chapter").lines()]
    return _whole("scrreprt", title, "\n".join([*opening, *every, ""]))


def _whole(kind: str, title: str, body: str) -> str:
    preamble = files("gradlab.documents").joinpath("templates/preamble.tex").read_text(encoding="utf-8")
    start = rf"\documentclass[10pt,a4paper,oneside]{{{kind}}}" + "\n" + preamble
    return start + rf"\hypersetup{{pdftitle={{{title}}}}}" + "\n\\begin{document}\n" + body + "\\end{document}\n"


class _Latex:
    """The body of one document; `head` is the sectioning command of its title."""

    def __init__(self, document: Document, head: str = "section") -> None:
        self.document, self.head = document, head

    def lines(self) -> Iterator[str]:
        title = escaped(self.document.title)
        star = "*" if self.head == "section" else ""
        yield rf"\{self.head}{star}{{{title}}}\label{{{_key(self.document.name)}}}"
        yield self.spans(self.document.summary)
        for section in self.document.sections:
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[str]:
        yield rf"\{'subsection' if self.head == 'section' else 'section'}*{{{self.spans(section.title)}}}"
        previous: Block | None = None
        for block in section.blocks:
            match block:
                case Paragraph(spans):
                    # What follows belongs to it: a colon at the foot of a page would leave the reader alone.
                    yield f"\n{self.spans(spans)}\\nopagebreak\n"
                case Table():
                    yield from self.table(block)
                case Chain(left, lines):
                    # Chains of several lines stand apart from each other, single equations together.
                    if isinstance(previous, Chain) and len(lines) > 1:
                        yield r"\medskip"
                    yield from self.chain(left, lines)
                case Listing(text, _):
                    yield from self.listing(text)
            previous = block
        if isinstance(previous, Chain):
            yield r"\addvspace{8pt}"

    # Inside a sentence -----------------------------------------------------------------------------------------------

    def spans(self, spans: Spans) -> str:
        shown = []
        for span in spans:
            match span:
                case str():
                    shown.append(escaped(span))
                case Name(name):
                    shown.append(f"${latex_notation.name(name).tex}$")
                case Size(axis):
                    shown.append(f"${latex_notation.size(axis).tex}$")
                case Code(code):
                    # A long piece of code may be broken after a comma, a bracket or an underscore.
                    breakable = re.sub(r"(,|\(|\\_|=|\.|\*)", r"\1\\allowbreak{}", escaped(code))
                    shown.append(rf"\texttt{{{breakable}}}")
                case Number(number, operation):
                    shown.append(self.reference(number, operation or self.document.name))
                case Strong(word, verdict):
                    colour = rf"\color{{{_COLOURS[verdict]}}}" if verdict else ""
                    shown.append(rf"{{\bfseries{colour} {escaped(word)}}}")
                case Symbol(left):
                    shown.append(f"${self.left(left).tex}$")
                case Legend():
                    shown.append(LatexDialect.legend)
        return "".join(shown)

    def reference(self, number: int, operation: str) -> str:
        return rf"\hyperref[{_key(operation)}:{number}]{{({number})}}"

    # Tables ----------------------------------------------------------------------------------------------------------

    def table(self, table: Table) -> Iterator[str]:
        columns = [self.column(table, place) for place in range(len(table.head))]
        long = len(table.rows) > _SHORT_TABLE  # a short one stays on one page
        kind, place, repeat = ("longtable", "[l]", r"\endhead") if long else ("tabular", "", "")
        yield rf"\par\smallskip\begin{{{kind}}}{place}{{@{{}}{''.join(columns)}@{{}}}}\toprule"
        if any(table.head):
            yield " & ".join(map(escaped, table.head)) + rf" \\\midrule{repeat}"
        for row in table.rows:
            yield " & ".join(map(self.spans, row)) + r" \\"
        yield rf"\bottomrule\end{{{kind}}}\par"

    def column(self, table: Table, place: int) -> str:
        """The last column of a broad table is a paragraph, as wide as the others leave room for."""
        if place in table.numeric:
            return "r"
        lengths = [
            max([len(visible(row[k])) for row in table.rows] + [len(table.head[k])], default=0)
            for k in range(len(table.head))
        ]
        total = sum(lengths)
        if total <= _LETTERS or lengths[place] < _LETTERS / 4:
            return "l"
        broad = [size for size in lengths if size >= _LETTERS / 4]
        rest = 1 - (total - sum(broad)) / _LETTERS - 0.03 * len(lengths)
        return rf">{{\raggedright\arraybackslash}}p{{{rest * lengths[place] / sum(broad):.3f}\linewidth}}"

    # Equations -------------------------------------------------------------------------------------------------------

    def chain(self, left: Left, lines: Sequence[Line]) -> Iterator[str]:
        front = self.left(left)
        alone = front.width > _BROAD
        if alone:
            yield rf"\eqleft{{{front.tex}}}"
        hang = 10.0 if alone else front.width
        for position, line in enumerate(lines):
            first, *rest = self.right(line, _WIDTH - hang - boxes.EQUALS)
            label = self.label(line.number)
            reasons = ["" for _ in rest] + [self.spans(line.reason)]
            if position == 0 and not alone:
                yield rf"\eqfirst{{{label}}}{{{front.tex}}}{{{first}}}{{{reasons[0]}}}"
            else:
                yield rf"\eqnext{{{label}}}{{{first}}}{{{reasons[0]}}}"
            for row, why in zip(rest, reasons[1:], strict=True):
                yield rf"\nopagebreak\eqmore{{{row}}}{{{why}}}"

    def label(self, number: int | None) -> str:
        if number is None:
            return ""
        return rf"\phantomsection\label{{{_key(self.document.name)}:{number}}}({number})"

    def left(self, left: Left) -> Box:
        match left:
            case Entry(tensor, indices):
                return latex_notation.entry((tensor, indices))
            case Slope(above, below):
                pieces = (latex_notation.entry((item.tensor, item.indices)) for item in (above, below))
                return boxes.fraction(*(Box(rf"\partial {piece.tex}", piece.width + 6) for piece in pieces))
            case Jacobian(wrt):
                name = latex_notation.name(wrt)
                return Box(rf"J_{{{name.tex}}}", 8 + name.width)
            case Expression(side, free, program):
                terms = latex_notation.terms(side, program, free)
                return Box(" ".join(term.tex for term in terms), sum(term.width for term in terms))

    def right(self, line: Line, width: float) -> list[str]:
        match line.right:
            case Values(array):
                return [numbers(array)]
            case Matrix():
                return matrix_lines(form_of(line.right, LatexDialect()), width)
            case Expression(side, free, program):
                return boxes.lines(latex_notation.terms(side, program, free), width, _CONTINUED)

    # Code ------------------------------------------------------------------------------------------------------------

    def listing(self, text: str) -> Iterator[str]:
        cited = re.sub(
            r"# \((\d+)\)",
            lambda match: f"# (*@{self.reference(int(match[1]), self.document.name)}@*)",
            text.rstrip("\n"),
        )
        yield "\\begin{lstlisting}\n" + cited + "\n\\end{lstlisting}"


_SHORT_TABLE = 20
_LETTERS = 96  # that fit on a line in roman


def _key(name: str) -> str:
    """A label; underscores would need care inside code."""
    return name.replace("_", "-")


def matrix_lines(form: str, width: float) -> list[str]:
    """A matrix form broken between the terms outside of brackets, its width estimated from its letters."""
    terms = re.split(r" (?=[-+] )", form)
    joined: list[str] = []
    for term in terms:
        open_before = joined and sum(joined[-1].count(c) for c in "({") > sum(joined[-1].count(c) for c in ")}")
        if open_before:
            joined[-1] += f" {term}"
        else:
            joined.append(term)
    sized = [Box(term, boxes.letters(re.sub(r"\\[a-zA-Z]+|[{}^_ ]", "", term)).width + boxes.PLUS) for term in joined]
    return boxes.lines(sized, width, _CONTINUED)


def numbers(array: Any) -> str:
    """An array as a matrix; of rank 3 and 4 as a row or a grid of matrices."""
    if np.ndim(array) == 0:
        return _number(array)
    if np.ndim(array) <= 2:
        small = np.shape(array)[-1] > _MOST_COLUMNS
        rows = r" \\ ".join(" & ".join(map(_number, row)) for row in np.atleast_2d(array))
        body = rf"\left(\begin{{smallmatrix}} {rows} \end{{smallmatrix}}\right)"
        return body if small else rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
    grid = np.reshape(array, (1, *np.shape(array))) if np.ndim(array) % 2 else np.asarray(array)
    cells = r" \\ ".join(" & ".join(numbers(cell) for cell in row) for row in grid)
    return rf"\left[\begin{{matrix}} {cells} \end{{matrix}}\right]"


_MOST_COLUMNS = 7


def _number(value: Any) -> str:
    mantissa, _, exponent = rounded(value).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa
