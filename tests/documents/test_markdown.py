"""Markdown for GitHub: displays are closed, nothing in them is read as Markdown, tables have even rows."""

import re

import pytest

from gradlab.documents.markdown import markdown, markdown_index
from gradlab.symbolic.equations import numbered
from tests.documents.chapters import FEW, derivation, document, small_book


@pytest.mark.parametrize("name", FEW)
def test_displays(name: str) -> None:
    """Every display is one balanced aligned environment, and all equations stand in them, in order."""
    text = markdown(document(name))
    displays = re.findall(r"^```math\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert text.count("```") == 2 * (len(displays) + 1)  # and one listing
    for display in displays:
        assert display.startswith("\\begin{aligned}\n")
        assert display.endswith("\\end{aligned}\n")
        assert display.count("{") - display.count(r"\{") == display.count("}") - display.count(r"\}")
    numbers = [int(number) for display in displays for number in re.findall(r"\\text\{\((\d+)\)\}", display)]
    assert numbers == [equation.number for equation in numbered(derivation(name))]


@pytest.mark.parametrize("name", FEW)
def test_tables(name: str) -> None:
    """All rows of a table have as many cells as its head."""
    tables = re.findall(r"(?:^\|.*\|\n)+", markdown(document(name)), re.MULTILINE)
    assert len(tables) >= 2
    for table in tables:
        assert len({row.count("|") for row in table.splitlines()}) == 1


def test_softmax() -> None:
    """The gradient as GitHub gets it."""
    text = markdown(document("softmax"))
    assert r"\overline{x}_{nd} &= y_{nd} \Bigl( g_{nd} - \sum_{k} g_{nk}\,y_{nk} \Bigr) && \text{VJP (15)}" in text
    assert text.startswith("# softmax\n\nSoftmax along an axis")


def test_names_are_not_emphasis() -> None:
    """An underscore in a name does not begin an emphasis."""
    assert markdown(document("batch_norm")).startswith("# batch\\_norm\n")


def test_index() -> None:
    """The index links to the file of each document."""
    book = small_book()
    text = markdown_index(book)
    assert all(f"({item.name}.md)" in text for item in (*book.chapters, *book.back))
