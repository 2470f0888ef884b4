"""Which writer prints a document in which format, and what the pages of a book are called."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradlab.documents.model import Book, Document

SUFFIXES = {"text": ".txt", "latex": ".tex", "html": ".html", "markdown": ".md"}


def writer(target: str) -> Callable[[Document], str]:
    """The writer of a single document. Text is as wide as the terminal, between 72 and 100 columns."""
    from gradlab.documents.html import html
    from gradlab.documents.latex import latex
    from gradlab.documents.markdown import markdown
    from gradlab.documents.plain import WIDTH, plain

    width = min(max(shutil.get_terminal_size().columns, 72), 100) if sys.stdout.isatty() else WIDTH
    return {"text": lambda document: plain(document, width=width), "latex": latex, "html": html, "markdown": markdown}[
        target
    ]


def book_files(book: Book, target: str) -> Iterator[tuple[str, str]]:
    """The files of a book beside those of its chapters: name and text."""
    from gradlab.documents.html import INDEX, html_index
    from gradlab.documents.latex import latex_book
    from gradlab.documents.markdown import INDEX as READ_ME
    from gradlab.documents.markdown import markdown_index

    for document in book.back if target != "latex" else ():
        yield document.name + SUFFIXES[target], page(document, target)
    if target == "latex":
        yield "book.tex", latex_book(book)
    elif target == "html":
        yield INDEX, html_index(book)
    elif target == "markdown":
        yield READ_ME, markdown_index(book)


def page(document: Document, target: str) -> str:
    """A document as a part of a book: HTML pages link to each other there."""
    from gradlab.documents.html import html

    return html(document, alone=False) if target == "html" else writer(target)(document)
