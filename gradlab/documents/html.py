"""Documents as self-contained HTML pages with MathML: no network, light and dark, readable without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradlab.documents import mathml_notation
from gradlab.documents.jacobian import form_of
from gradlab.documents.mathml_dialect import MathmlDialect
from gradlab.documents.mathml_notation import bracket, number
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
    visible,
)
from gradlab.documents.numbers import rounded

if TYPE_CHECKING:
    from jinja2 import Environment

INDEX = "index.html"


def html(document: Document, *, alone: bool = True) -> str:
    """One page. Pages of a book (`alone=False`) link to each other and to the index, by the names of operations."""
    contents = [(section.key, visible(section.title)) for section in document.sections]
    body = "\n".join(_Html(document, alone).lines())
    return _page(document.title, contents, body, home=not alone)


def html_index(book: Book) -> str:
    """The page that links to all others, with the front matter on it."""
    front = book.front[0]
    parts = [f'<h1>Derivations and proofs</h1>\n<p class="summary">{len(book.chapters)} operations, step by step</p>']
    groups = (("operations", "Operations", book.chapters), ("more", "More", book.back))
    for key, title, documents in groups:
        rows = "\n".join(
            f'<tr><td><a href="{page(item.name)}">{escape(item.title)}</a></td>'
            f"<td>{_Html(item, False).spans(item.summary)}</td></tr>"
            for item in documents
        )
        parts.append(f'<section><h2 id="{key}">{title}</h2><div class="scroll"><table>{rows}</table></div></section>')
    parts += [f"<h2>{escape(front.title)}</h2>", *list(_Html(front, False).lines())[1:]]
    contents = [(key, title) for key, title, _ in groups] + [(s.key, visible(s.title)) for s in front.sections]
    return _page("Derivations", contents, "\n".join(parts), home=False)


def page(name: str) -> str:
    """The file of a document."""
    return f"{name}.html"


def framed(document: Document) -> str:
    """The page in a frame of its own, for a notebook: its styles must not reach what is around it."""
    style = "width: 100%; height: 40em; border: 0"
    return f'<iframe title="{escape(document.title)}" style="{style}" srcdoc="{escape(html(document))}"></iframe>'


def _page(title: str, contents: Sequence[tuple[str, str]], body: str, *, home: bool) -> str:
    page = _environment().get_template("page.html").render(title=title, contents=contents, body=body, home=home)
    return page + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


class _Html:
    """The body of one document."""

    def __init__(self, document: Document, alone: bool) -> None:
        self.document, self.alone, self.listings = document, alone, 0

    def lines(self) -> Iterator[str]:
        yield f"<h1>{escape(self.document.title).replace('_', '_<wbr/>')}</h1>"  # a long name breaks between its words
        yield f'<p class="summary">{self.spans(self.document.summary)}</p>'
        for section in self.document.sections:
            yield from self.section(section)

    def section(self, section: Section) -> Iterator[str]:
        yield f'<section aria-labelledby="{section.key}">\n<h2 id="{section.key}">{self.spans(section.title)}</h2>'
        for block in section.blocks:
            yield from self.block(block)
        yield "</section>"

    def block(self, block: Block) -> Iterator[str]:
        match block:
            case Paragraph(spans):
                yield f"<p>{self.spans(spans)}</p>"
            case Table():
                yield from self.table(block)
            case Chain(left, lines):
                yield from self.chain(left, lines)
            case Listing(text, _):
                yield self.listing(text)

    # Inside a sentence -----------------------------------------------------------------------------------------------

    def spans(self, spans: Spans) -> str:
        shown = []
        for span in spans:
            match span:
                case str():
                    shown.append(escape(span, quote=False))
                case Name(name):
                    shown.append(_math(mathml_notation.name(name)))
                case Size(axis):
                    shown.append(_math(mathml_notation.size(axis)))
                case Code(code):
                    shown.append(f"<code>{escape(code, quote=False)}</code>")
                case Number(target, operation):
                    shown.append(self.reference(target, operation))
                case Strong(word, verdict):
                    kind = f' class="{verdict}"' if verdict else ""
                    shown.append(f"<strong{kind}>{escape(word)}</strong>")
                case Symbol(left):
                    shown.append(_math(self.left(left)))
                case Legend():
                    shown.append(MathmlDialect.legend)
        return "".join(shown)

    def reference(self, target: int, operation: str) -> str:
        elsewhere = "" if operation in ("", self.document.name) or self.alone else page(operation)
        return f'<a href="{elsewhere}#eq-{target}">({target})</a>'

    # Tables and code -------------------------------------------------------------------------------------------------

    def table(self, table: Table) -> Iterator[str]:
        kinds = [' class="numeric"' if place in table.numeric else "" for place in range(len(table.head))]
        yield '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'
        if any(table.head):
            cells = "".join(
                f'<th scope="col"{kind}>{escape(title)}</th>' for title, kind in zip(table.head, kinds, strict=True)
            )
            yield f"<thead><tr>{cells}</tr></thead>"
        yield "<tbody>"
        for row in table.rows:
            cells = "".join(f"<td{kind}>{self.spans(cell)}</td>" for cell, kind in zip(row, kinds, strict=True))
            yield f"<tr>{cells}</tr>"
        yield "</tbody></table></div>"

    def listing(self, text: str) -> str:
        self.listings += 1
        key = f"code-{self.listings}"
        linked = re.sub(
            r"# \((\d+)\)",
            lambda match: f"# {self.reference(int(match[1]), '')}",
            escape(text.rstrip("\n"), quote=False),
        )
        button = f'<button type="button" class="copy" data-copy="{key}" hidden>Copy</button>'
        return f'<div class="listing">{button}<pre tabindex="0"><code id="{key}">{linked}\n</code></pre></div>'

    # Equations -------------------------------------------------------------------------------------------------------

    def chain(self, left: Left, lines: Sequence[Line]) -> Iterator[str]:
        shown = self.left(left)
        wide = isinstance(left, Expression) and len(shown) > _WIDE
        yield f'<div class="chain{" long" * (len(lines) > 1)}">'
        for position, line in enumerate(lines):
            target = f'<a class="number" id="eq-{line.number}" href="#eq-{line.number}">({line.number})</a>'
            yield target if line.number else '<span class="number"></span>'
            if position == 0:
                yield f'<span class="left{" wide" * wide}">{_math(shown)}</span>'
                if wide:
                    yield '<span class="number"></span><span class="left"></span>'
            else:
                yield '<span class="left"></span>'
            first, *rest = self.right(line.right)
            terms = [_math(f"<mo>=</mo>{first}"), *map(_math, rest)]
            yield f'<span class="right">{" ".join(terms)}</span>'
            yield f'<span class="reason">{self.spans(line.reason)}</span>'
        yield "</div>"

    def left(self, left: Left) -> str:
        match left:
            case Entry(tensor, indices):
                return mathml_notation.entry((tensor, indices))
            case Slope(above, below):
                return mathml_notation.slope((above.tensor, above.indices), (below.tensor, below.indices))
            case Jacobian(wrt):
                return f"<msub><mi>J</mi>{mathml_notation.name(wrt)}</msub>"
            case Expression(side, free, program):
                return "".join(mathml_notation.terms(side, program, free))

    def right(self, right: Right) -> list[str]:
        match right:
            case Values(array):
                return [numbers(array)]
            case Matrix():
                return [form_of(right, MathmlDialect())]
            case Expression(side, free, program):
                return mathml_notation.terms(side, program, free)


_WIDE = 2500  # characters of MathML


def _math(inside: str) -> str:
    return f'<math display="inline" displaystyle="true"><mrow>{inside}</mrow></math>'


def numbers(array: Any) -> str:
    """An array as a matrix; of rank 3 and 4 as a row or a grid of matrices."""
    if np.ndim(array) == 0:
        return _number(array)
    if np.ndim(array) <= 2:
        rows = [[_number(value) for value in row] for row in np.atleast_2d(array)]
        return bracket(_grid(rows))
    grid = np.reshape(array, (1, *np.shape(array))) if np.ndim(array) % 2 else np.asarray(array)
    return bracket(_grid([[numbers(cell) for cell in row] for row in grid]), "[", "]")


def _grid(rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<mtr>{''.join(f'<mtd>{cell}</mtd>' for cell in row)}</mtr>" for row in rows)
    return f"<mtable>{cells}</mtable>"


def _number(value: Any) -> str:
    mantissa, _, exponent = rounded(value).partition("e")
    if not exponent:
        return number(mantissa)
    return f"<mrow>{number(mantissa)}<mo>·</mo><msup><mn>10</mn>{number(int(exponent))}</msup></mrow>"
