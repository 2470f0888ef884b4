"""Every kind of mistake is recognised, and its message carries the numbers that matter."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.verify.diagnose.diagnosis import KINDS
from tests.verify.diagnose.mistakes import MISTAKES, Mistake, square


def told(mistake: Mistake, seed: int = 1) -> gradlab.Report:
    """The report on a planted mistake."""
    return gradlab.check(
        mistake.forward, mistake.backward, mistake.signature, **mistake.options, profile="default", seed=seed
    )


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_planted_mistake(mistake: Mistake) -> None:
    """The first diagnosis has the right kind and says where, what and how much."""
    report = told(mistake)
    found = [finding.diagnosis for finding in report.failures if finding.diagnosis is not None]
    assert found, str(report)
    assert found[0].kind == mistake.kind, str(found[0])
    assert found[0].remedy
    for words in mistake.says:
        assert words in found[0].text, str(found[0])
    assert json.dumps(report.as_dict(), allow_nan=False)


def test_every_kind_is_planted() -> None:
    """No kind of the vocabulary goes untested."""
    assert {mistake.kind for mistake in MISTAKES} == set(KINDS)


@pytest.mark.parametrize(
    "backward",
    [
        lambda g, x: g * np.sin(3 * x + 1),
        lambda g, x: g * (2 * x + np.cos(5 * x) * np.exp(-x * x / 9)),
    ],
    ids=["another function", "an odd sum"],
)
def test_nothing_fits_and_nothing_is_said(backward: Any) -> None:
    """A wrong gradient that no hypothesis explains has no diagnosis, and the report is still complete."""
    report = gradlab.check(square, backward, "(n)->(n)", seed=0)
    assert [finding.law for finding in report.failures] == ["value"]
    assert report.failures[0].diagnosis is None
    assert "diagnosis" not in str(report)
    assert report.as_dict()["findings"][0]["diagnosis"] is None


def test_an_argument_left_out_of_wrt_has_no_truth() -> None:
    """Where `wrt` leaves out an argument of the same shape, a wrong gradient is reported, without its diagnosis."""
    report = gradlab.check(
        lambda a, b: a * b, lambda g, a, b: (g * np.sin(3 * a + 1), None), "(n),(n)->(n)", wrt=("a",), seed=0
    )
    assert [(finding.law, finding.diagnosis) for finding in report.failures] == [("value", None)]


def test_single_elements_prove_nothing() -> None:
    """Where every legal array has one element, all hypotheses fit; none is told."""
    report = gradlab.check(square, lambda g, x: 2 * g * x * 1.3 + g, "(n)->(n)", dims={"n": (1, 1)}, seed=0)
    assert report.verdict == "fail"
    assert report.failures[0].diagnosis is None, str(report.failures[0].diagnosis)
