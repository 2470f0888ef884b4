"""Oracles that disagree are named, with numbers and the likely why."""

from __future__ import annotations

import numpy as np
import pytest

import gradlab
from tests.verify.laws.functions import cube, cube_backward, relu, relu_backward


def test_a_kink_inside_the_steps() -> None:
    """Differences see half the slope of relu at 0; torch and backward take 0."""
    torch = pytest.importorskip("torch")
    report = gradlab.check(relu, relu_backward, "(n)->(n)", reference=torch.relu, seed=1)
    (dispute,) = (d for disputes in report.tally.disputes.values() for d in disputes if "kink" in d.why)
    assert dispute.names == ("longdouble differences", "torch autograd")
    assert dispute.sides == "torch autograd"
    assert dispute.values[1] == 0
    line = next(line for line in str(report).splitlines() if "disagree" in line)
    assert line.startswith("  longdouble differences and torch autograd disagree on grad x[")
    assert "backward agrees with torch autograd; why: a kink lies inside the steps" in line
    assert report.as_dict()["disputes"]


def test_a_reference_of_another_gradient() -> None:
    """A reference whose autograd is cut off differentiates another function than its output says."""
    torch = pytest.importorskip("torch")
    report = gradlab.check(
        cube, cube_backward, "(n)->(n)", reference=lambda x: x * x.detach() * x.detach() + 0 * torch.sum(x),
        seed=1, profile="quick",
    )  # fmt: skip
    why = {d.why for disputes in report.tally.disputes.values() for d in disputes}
    assert "no cause found: one of the two differentiates another function" in why
    assert report.verdict == "pass", str(report)


def test_refusals_are_told() -> None:
    """A reference that takes no single sample has no opinion there."""
    pytest.importorskip("torch")
    import torch

    def reference(x):
        if x.shape[0] < 2:
            raise ValueError("one sample")
        return torch.tanh(x)

    backward = lambda g, x: g * (1 - np.tanh(x)) * (1 + np.tanh(x))  # noqa: E731
    report = gradlab.check(np.tanh, backward, "(n)->(n)", names=("x",), reference=reference, profile="quick", seed=0)
    assert "torch autograd refuses" in str(report)


def test_every_report_names_its_oracles() -> None:
    """Those of a failing check too, and which are independent."""
    report = gradlab.check(cube, lambda g, x: g, "(n)->(n)", reference=lambda x: x**3, profile="quick", seed=0)
    assert "  oracles: longdouble differences, longdouble differences of the reference (independent)" in str(report)
