"""A table of many checks as a notebook shows it."""

from html import unescape
from typing import Any

import numpy as np

import gradlab
from gradlab.verify.html.table import Table
from gradlab.verify.rows import rows_of
from tests.verify import course


def rows(name: str, backward: Any) -> Any:
    """The rows of one quick check."""
    return rows_of(gradlab.check(course.square, backward, "(n)->(n)", profile="quick", seed=3), name, "user")


def test_table() -> None:
    """Rows of several checks are one page in a frame, each with its verdict."""
    table = Table([*rows("right", course.right), *rows("wrong", lambda g, x: np.ones_like(g))], profile="quick", seed=3)
    assert [row.row.verdict for row in table] == ["pass", "fail"]
    assert len(table) == 2
    frame = table._repr_html_()
    assert frame.startswith("<iframe")
    page = unescape(frame)
    assert "1 of 2 gradients is wrong" in page
    assert page.count('class="op">right') >= 1


def test_empty_table() -> None:
    """A table without rows says so."""
    assert "No gradient was checked" in Table([]).html()
