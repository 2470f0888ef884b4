"""Law "convention": the slope that torch takes at a kink."""

from __future__ import annotations

import numpy as np
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


@pytest.mark.parametrize(("slope", "verdict"), [(1e-9, "pass"), (0.5, "fail")])
def test_a_choice_is_a_part_of_the_bracket(slope: float, verdict: str) -> None:
    """At 0, where |x| has every slope from -1 to 1, torch's answer of 1e-9 is a rounding of 0, and 0.5 is another."""

    class Modulus(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.abs()

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return grad_output * torch.where(x == 0, slope, x.sign())

    report = gradlab.check(
        np.abs,
        lambda grad_output, x: grad_output * np.sign(x),
        "(n)->(n)",
        names=("x",),
        reference=Modulus.apply,
        convention="torch",
        seed=1,
    )
    assert report.verdict == verdict, str(report)
    assert {finding.law for finding in report.failures} == ({"convention"} if verdict == "fail" else set())
