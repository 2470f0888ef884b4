"""HTML pages: whole, well-formed, self-contained, and every link leads somewhere."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from gradlab.documents.html import html, html_index, page
from gradlab.symbolic.equations import numbered
from tests.documents.chapters import FEW, derivation, document, proved, small_book

VOID = {"meta", "link", "br", "img"}


class Page(HTMLParser):
    """Ids, links and addresses of a page; raises at a tag that is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what has a name or an address."""
        found = dict(attrs)
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a":
            self.links.append(str(found["href"]))
        self.addresses += [str(found[name]) for name in ("src", "href") if tag != "a" and name in found]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags close in order."""
        assert self.open.pop() == tag, tag


@pytest.mark.parametrize("name", FEW)
def test_page_stands_alone(name: str) -> None:
    """Nothing is loaded from anywhere, ids are unique, every equation has one, and every link leads to an id."""
    text = html(document(name))
    found = Page(text)
    assert found.addresses == ["data:,"]
    assert re.findall(r"https?://|@import|url\(", text) == []
    assert len(set(found.ids)) == len(found.ids)
    assert {f"eq-{equation.number}" for equation in numbered(derivation(name))} <= set(found.ids)
    assert {link for link in found.links if link.removeprefix("#") not in found.ids} == set()


@pytest.mark.parametrize("name", FEW)
def test_mathematics_is_well_formed(name: str) -> None:
    """Every formula is well-formed XML with the right number of children in fractions and scripts."""
    wanted = {"mfrac": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3}
    formulas = re.findall(r"<math.*?</math>", html(document(name)), re.DOTALL)
    assert len(formulas) > 50
    for formula in set(formulas):
        for element in ET.fromstring(formula).iter():
            assert len(element) == wanted.get(element.tag, len(element)), formula


def test_formulas_read_as_written() -> None:
    """The text of the softmax gradient, in order."""
    text = re.sub(r"<[^>]+>|\s", "", html(document("softmax")))
    assert "nd=ynd(gnd−∑kgnkynk)VJP(15)" in text


def test_code_cites_equations() -> None:
    """Numbers in the comments of the code link to the equations; the text to copy is the code itself."""
    text = html(document("softmax"))
    code = re.search(r'<code id="code-1">(.*?)</code>', text, re.DOTALL)
    assert code is not None
    assert '# <a href="#eq-15">(15)</a> grad_x[n,d]' in code[1]
    assert "def backward(" in re.sub(r"<[^>]+>", "", code[1])


def test_contents() -> None:
    """The table of contents has every section."""
    text = html(document("softmax"))
    for section in document("softmax").sections:
        assert f'<li><a href="#{section.key}">' in text


def test_pages_of_a_book_lead_to_each_other() -> None:
    """The index links to every page, pages link back, and references into other pages meet an equation there."""
    book = small_book()
    pages = {page(item.name): html(item, alone=False) for item in (*book.chapters, *book.back)}
    pages["index.html"] = html_index(book)
    found = {name: Page(text) for name, text in pages.items()}
    assert {page(item.name) for item in book.chapters} <= set(found["index.html"].links)
    for name, item in found.items():
        for link in item.links:
            where, _, anchor = link.partition("#")
            assert (where or name) in found, link
            assert not anchor or anchor in found[where or name].ids, link


def test_text_is_escaped() -> None:
    """Nothing that an author writes becomes markup."""
    from dataclasses import replace

    hostile = replace(document("relu"), title="<script>x</script>", summary=("a < b & <i>",))
    text = html(hostile)
    assert "<script>x" not in text
    assert "a &lt; b &amp; &lt;i&gt;" in text


def test_proof_is_on_the_page() -> None:
    """The record of the proof with its counts."""
    assert "mutants rejected, seed" in html(proved("relu"))
