"""Law "convention": the slope that torch takes at a kink."""

from __future__ import annotations

import pytest

import gradlab
from gradlab.errors import SignatureError
from gradlab.verify.registered import report_operation
from tests.verify.laws.functions import relu, relu_backward

torch = pytest.importorskip("torch")


def other_backward(grad_output, x):
    """Slope 1 at 0: in the bracket, not torch's choice."""
    return grad_output * (x >= 0)


def test_torch_choice_passes() -> None:
    """relu'(0) = 0, as torch has it."""
    report = gradlab.check(relu, relu_backward, "(n)->(n)", reference=torch.relu, convention="torch", seed=1)
    assert report.verdict == "pass", str(report)
    assert not report.findings


def test_another_choice_fails_where_torch_is_promised() -> None:
    """The claim shows both choices and the bracket."""
    report = gradlab.check(relu, other_backward, "(n)->(n)", reference=torch.relu, convention="torch", seed=1)
    assert [finding.law for finding in report.failures] == ["convention"]
    assert "where torch takes 0" in report.failures[0].claim


def test_another_choice_is_a_note_elsewhere() -> None:
    """Any value in the bracket passes; a difference from torch is worth knowing."""
    report = gradlab.check(relu, other_backward, "(n)->(n)", reference=torch.relu, seed=1)
    assert report.verdict == "pass", str(report)
    assert [(finding.law, finding.severity) for finding in report.findings] == [("convention", "note")]


@pytest.mark.parametrize("convention", ["torch", "left"])
def test_refused(convention: str) -> None:
    """torch's choice needs torch; other conventions do not exist."""
    with pytest.raises(SignatureError, match=f"^convention='{convention}'"):
        gradlab.check(relu, relu_backward, "(n)->(n)", convention=convention)


def test_a_rounding_of_torch_is_no_choice() -> None:
    """The mean of equal numbers is not quite one of them: torch's std then has a slope, which this round met."""
    assert report_operation("std", "torch", seed=3128708767).verdict == "pass"
