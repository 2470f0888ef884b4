"""The page as markup: complete on its own, sound in structure, exact in what it quotes. Needs no browser."""

import copy
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import gradlab
from gradlab.verify.html import page
from gradlab.verify.record import record
from tests.verify import course
from tests.verify.html.conftest import HOSTILE

VOID = {"meta", "link", "rect", "circle", "path", "br"}


class Node(dict[str, str]):
    """An element: its attributes, its tag, its text with that of its children, and its ancestors."""

    def __init__(self, tag: str, attributes: dict[str, str], above: list["Node"]) -> None:
        super().__init__(attributes)
        self.tag, self.above, self.text = tag, above, ""


class Tree(HTMLParser):
    """Every element of a page; fails on one that is closed out of order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.nodes: list[Node] = []
        self.open: list[Node] = []
        self.feed(text)
        assert not self.open, [node.tag for node in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, list(self.open))
        self.nodes.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append(Node(tag, {name: value or "" for name, value in attrs}, list(self.open)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag

    def handle_data(self, data: str) -> None:
        for node in self.open:
            node.text += data

    def all(self, *tags: str) -> list[Node]:
        return [node for node in self.nodes if node.tag in tags]


@pytest.fixture(scope="module")
def text(example: dict[str, Any]) -> str:
    """The page of the example."""
    return page.render(example)


@pytest.fixture(scope="module")
def tree(text: str) -> Tree:
    """Its elements."""
    return Tree(text)


def test_self_contained(text: str, tree: Tree) -> None:
    """Nothing is fetched: every link is within the page, and style and script name no address."""
    for node in tree.nodes:
        for name in ("src", "href", "srcset", "action", "data", "xlink:href"):
            assert node.get(name, "#").startswith(("#", "data:,")), (node.tag, dict(node))
    assert not re.search(r"@import|url\(|https?:|//[a-z]", text.replace("// ", ""))


def test_pure(example: dict[str, Any], text: str) -> None:
    """The same record gives the same page, and is left as it was."""
    before = copy.deepcopy(example)
    assert page.render(example) == text
    assert example == before


def test_landmarks_and_headings(tree: Tree) -> None:
    """One header, main and footer; one h1; no level of heading is left out; every section and card has a name."""
    for tag in ("header", "main", "footer", "h1"):
        assert len(tree.all(tag)) == 1, tag
    levels = [int(node.tag[1]) for node in tree.all("h1", "h2", "h3", "h4", "h5")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(node.get("aria-labelledby") for node in tree.all("section", "article"))


def test_names_resolve(tree: Tree) -> None:
    """Ids are unique, and whatever refers to one finds it."""
    ids = [node["id"] for node in tree.nodes if "id" in node]
    assert len(ids) == len(set(ids))
    for node in tree.nodes:
        for name in ("aria-labelledby", "aria-describedby", "data-copy"):
            assert set(node.get(name, "").split()) <= set(ids)
        if node.tag == "a":
            assert node["href"][1:] in ids


def test_tables(tree: Tree) -> None:
    """Every table has a caption, and every header cell says what it heads."""
    captioned = {id(node.above[-1]) for node in tree.all("caption")}
    assert {id(node) for node in tree.all("table")} == captioned
    assert {node.get("scope") for node in tree.all("th")} == {"col", "row", "rowgroup"}


def test_pictures_are_accessible(tree: Tree) -> None:
    """Every drawing is an image with a title and a description, or hidden; its numbers stand in a drawer beside it."""
    for svg in tree.all("svg"):
        inner = {node.tag: node.text for node in tree.all("title", "desc") if svg in node.above}
        assert svg.get("aria-hidden") == "true" or (svg["role"] == "img" and inner["title"] and inner["desc"])
    plots = [node for node in tree.all("figure") if node["class"] == "plot"]
    drawers = tree.all("details")
    assert plots
    assert all(any(plot in drawer.above for drawer in drawers) for plot in plots)
    assert len([node for node in tree.all("summary") if node.text.strip()]) == len(drawers)


def test_scrolling_parts_take_the_keyboard(tree: Tree) -> None:
    """Whatever may be wider than the page can be focused and has a name."""
    parts = [node for node in tree.nodes if node.tag == "pre" or node.get("class") == "scroll"]
    assert parts
    assert all(node["tabindex"] == "0" and node["role"] == "group" and node["aria-label"] for node in parts)


def test_text_is_escaped(text: str, tree: Tree) -> None:
    """What code under test says is text, never markup."""
    assert HOSTILE not in text
    assert any(HOSTILE in node.text for node in tree.all("td"))
    assert len(tree.all("script")) == 1


def test_reproduction_is_exact(example: dict[str, Any], tree: Tree) -> None:
    """What is copied is the program, character by character."""
    sources = {f["reproduction"] for row in example["rows"] for f in row["findings"]} - {""}
    assert {node.text for node in tree.all("code")} == sources


def squeezed(text: str) -> str:
    """Without the blanks, which a style sheet may put where the markup has none."""
    return "".join(text.split()).lower()


def test_content(tree: Tree) -> None:
    """The result, the header, every verdict, exclusions, the diagnosis and both slopes are there to be read."""
    (body,) = tree.all("body")
    (title,) = tree.all("h1")
    assert title.text == "3 of 6 gradients are wrong"
    words = squeezed(body.text)
    for expected in (
        "Profile quick",
        "Seed 3",
        "law layout excluded: documented: C order only",
        "Diagnosis: constant factor",
        "grad weight is 2 times the correct one",
        "Remedy: divide by 2",
        "slope with backward 1.00",
        "torch is not installed",
        "worker died with exit status 3",
        "backward gives nan, whatever the step",
    ):
        assert squeezed(expected) in words, expected
    lines = [node for node in tree.all("tr") if node.get("class") == "line"]
    assert [node["data-verdict"] for node in lines] == ["pass", "fail", "pass", "fail", "skipped", "fail"]


def test_what_was_judged_is_in_the_table(tree: Tree) -> None:
    """The numbers behind the map of the error: every wrong element is called wrong."""
    tables = [node for node in tree.all("table") if "Gradient element by element" in node.text]
    cells = {node.text for node in tree.all("td") if tables[0] in node.above}
    assert "wrong" in cells
    assert "no opinion" not in cells


def test_fewer_entries() -> None:
    """A record of an earlier version, without pictures, versions or exclusions, is shown as far as it goes."""
    row = {"operation": "op", "backend": "numpy", "argument": "x", "verdict": "fail"}
    found = {"law": "value", "argument": "x", "claim": "wrong", "severity": "failure"}
    assert "wrong" in page.render({"rows": [{**row, "findings": [found]}]})
    assert "No gradient was checked" in page.render({"rows": []})


def test_a_report_shows_itself() -> None:
    """`report.html()` is a page, and a notebook shows it in a frame of its own."""
    report = gradlab.check(course.square, course.doubled, "(n)->(n)", profile="quick", seed=3, pictures=True)
    (title,) = Tree(report.html()).all("h1")
    assert title.text == "The gradient is wrong"
    frame = report._repr_html_()
    assert frame.startswith("<iframe ")
    assert "<script" not in frame


def test_an_empty_run_has_a_header(tmp_path: Path) -> None:
    """An interrupted run says so, even where nothing was done."""
    path = tmp_path / "page.html"
    page.write(path, record([], profile="quick", seed=3, interrupted=True))
    assert "interrupted" in path.read_text(encoding="utf-8")


# Colours -------------------------------------------------------------------------------------------------------------

STYLE = (Path(page.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
COLOUR = re.compile(r"--([\w-]+): (#\w{6})")
LIGHT = dict(COLOUR.findall(STYLE.partition("@media")[0]))
DARK = LIGHT | dict(COLOUR.findall(STYLE.partition("dark) {")[2].partition("\n}")[0]))


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    """Text has 4.5:1 against whatever it stands on, in both themes; signs against the colour of their cell too."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for ground in ("paper", "panel", "well", "note-wash"):
        for ink in ("ink", "soft", "accent", "pass", "fail", "warn", "skip", "bound"):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
    for side in "pn":
        for level in (1, 2):
            assert contrast(theme["faint-sign"], theme[f"{side}{level}"]) >= 4.5, (side, level)
        for level in (3, 4):
            assert contrast(theme["deep-sign"], theme[f"{side}{level}"]) >= 4.5, (side, level)


def test_themes_differ() -> None:
    """The dark theme was found, and is dark."""
    assert luminance(DARK["paper"]) < 0.05 < 0.5 < luminance(LIGHT["paper"])
