"""A diagnosis is seen wherever a failure is."""

from __future__ import annotations

import pytest

import gradlab
from gradlab.verify.flat import FlatRow
from gradlab.verify.junit import junit
from gradlab.verify.rows import rows_of
from tests.verify import course

SENTENCE = "constant factor: grad x is the correct gradient times 2"


def test_error_text() -> None:
    """In the assertion that a test fails with."""
    with pytest.raises(gradlab.GradientError, match=SENTENCE):
        gradlab.verify(course.square, course.doubled, "(n)->(n)", seed=7)


def test_rows() -> None:
    """In JSON and in JUnit XML."""
    report = gradlab.check(course.square, course.doubled, "(n)->(n)", seed=7)
    rows = rows_of(report, "square", "user")
    assert rows[0].as_dict()["findings"][0]["diagnosis"]["kind"] == "constant factor"
    assert SENTENCE in junit([FlatRow.of(row) for row in rows], profile="default", seed=7)


def test_a_correct_backward_is_not_diagnosed() -> None:
    """Nothing is drawn for a check that passes."""
    assert "diagnosis" not in str(gradlab.check(course.square, course.right, "(n)->(n)", profile="quick", seed=7))
