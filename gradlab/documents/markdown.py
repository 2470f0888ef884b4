"""Documents as Markdown for GitHub, with formulas in its `$$` notation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from gradlab.documents import latex_notation
from gradlab.documents.boxes import lines as broken
from gradlab.documents.jacobian import form_of
from gradlab.documents.latex import matrix_lines, numbers
from gradlab.documents.latex_dialect import LatexDialect
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
    Right,
    Section,
    Size,
    Slope,
    Spans,
    Strong,
    Symbol,
    Table,
    Values,
)

INDEX = "README.md"
_WIDTH = 470.0  # points before a line is broken: GitHub scrolls sideways beyond its column


def markdown(document: Document) -> str:
    """One document."""
    return "\n".join(_Markdown(document).lines()).rstrip() + "\n"


def markdown_index(book: Book) -> str:
    """A list of links, with the front matter."""
    linked = (
        f"- [{_escaped(item.title)}]({item.name}.md): {_Markdown(item).spans(item.summary)}"
        for item in (*book.chapters, *book.back)
    )
    parts = ["# Derivations and proofs", "", *linked]
    for front in book.front:
        lower = (f"#{line}" if line.startswith("#") else line for line in _Markdown(front).lines())
        parts += ["", *lower]
    return "\n".join(parts).rstrip() + "\n"


class _Markdown:
    def __init__(self, document: Document) -> None:
        self.document = document

    def lines(self) -> Iterator[str]:
        yield from (f"# {_escaped(self.document.title)}", "", self.spans(self.document.summary), "")
        for section in self.document.sections:
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[str]:
        yield from (f"## {self.spans(section.title)}", "")
        # Equations that follow each other directly are one display, aligned with each other.
        for display, blocks in groupby(section.blocks, key=lambda block: isinstance(block, Chain)):
            if display:
                yield from (*self.display([block for block in blocks if isinstance(block, Chain)]), "")
            else:
                for block in blocks:
                    yield from (*self.block(block), "")

    def block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph(spans):
                yield self.spans(spans)
            case Table(head, rows, numeric):
                yield f"| {' | '.join(head)} |"
                yield f"|{'|'.join('---:' if place in numeric else '---' for place in range(len(head)))}|"
                yield from (f"| {' | '.join(map(self.cell, row))} |" for row in rows)
            case Chain():
                yield from self.display([block])
            case Listing(text, _, language):
                yield from (f"```{language}", text.rstrip("\n"), "```")

    def cell(self, spans: Spans) -> str:
        return self.spans(spans).replace("|", "\\|")

    def spans(self, spans: Spans) -> str:
        shown = []
        for span in spans:
            match span:
                case str():
                    shown.append(_escaped(span))
                case Name(name):
                    shown.append(_inline(latex_notation.name(name).tex))
                case Size(axis):
                    shown.append(_inline(latex_notation.size(axis).tex))
                case Code(code):
                    shown.append(f"`{code}`")
                case Number(number, operation):
                    elsewhere = operation not in ("", self.document.name)
                    shown.append(f"[({number})]({operation}.md)" if elsewhere else f"({number})")
                case Strong(word):
                    shown.append(f"**{_escaped(word)}**")
                case Symbol(left):
                    shown.append(_inline(_left(left)))
                case Legend():
                    shown.append(_plain(LatexDialect.legend))
        return "".join(shown)

    # Equations -------------------------------------------------------------------------------------------------------

    def display(self, chains: Sequence[Chain]) -> Iterator[str]:
        # A fence, not two dollars: what is inside is then no Markdown, so that no underscore starts an emphasis.
        yield from ("```math", *aligned(chains), "```")


def aligned(chains: Sequence[Chain]) -> list[str]:
    """The lines of one display, aligned at the equals signs."""
    body = " \\\\\n".join(row for chain in chains for row in _chain(chain.left, chain.lines))
    return [r"\begin{aligned}", body, r"\end{aligned}"]


def _chain(left: Left, lines: Sequence[Line]) -> list[str]:
    rows: list[str] = []
    front = _left(left)
    for line in lines:
        first, *rest = _right(line.right)
        number = rf"\text{{({line.number})}}\quad " if line.number else ""
        reason = _reason(line.reason)
        pieces = [rf"{number}{front} &= {first}", *(rf"&\quad {row}" for row in rest)]
        pieces[-1] += rf" && \text{{{reason}}}" if reason else ""
        rows += pieces
        front = ""
    return rows


def _reason(spans: Spans) -> str:
    """A reason inside of a formula: words as text, names as mathematics."""
    shown = []
    for span in spans:
        match span:
            case str():
                shown.append(span.replace("_", r"\_"))
            case Name(name):
                shown.append(f"${latex_notation.name(name).tex}$")
            case Number(number):
                shown.append(f"({number})")
            case Code(text) | Strong(text):
                shown.append(text.replace("_", r"\_"))
            case Size(axis):
                shown.append(f"${latex_notation.size(axis).tex}$")
            case Symbol() | Legend():
                pass  # no reason holds one
    return "".join(shown)


def _left(left: Left) -> str:
    match left:
        case Entry(tensor, indices):
            return latex_notation.entry((tensor, indices)).tex
        case Slope(above, below):
            up, down = (latex_notation.entry((item.tensor, item.indices)).tex for item in (above, below))
            return rf"\frac{{\partial {up}}}{{\partial {down}}}"
        case Jacobian(wrt):
            return rf"J_{{{latex_notation.name(wrt).tex}}}"
        case Expression(side, free, program):
            return " ".join(term.tex for term in latex_notation.terms(side, program, free))


def _right(right: Right) -> list[str]:
    match right:
        case Values(array):
            return [numbers(array)]
        case Matrix():
            return matrix_lines(form_of(right, LatexDialect()), _WIDTH)
        case Expression(side, free, program):
            return broken(latex_notation.terms(side, program, free), _WIDTH)


def _inline(tex: str) -> str:
    """GitHub's form of inline mathematics in which underscores and stars are safe."""
    return f"$`{tex}`$"


def _plain(tex: str) -> str:
    return re.sub(r"\$([^$]+)\$", lambda match: _inline(match[1]), tex)


def _escaped(text: str) -> str:
    return re.sub(r"([_*\[\]<>`])", r"\\\1", text)
