"""Law "jvp": <JVP(u), g> = <u, VJP(g)>."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest

import gradlab
from gradlab.verify.judge import Scales
from gradlab.verify.plan import QUICK
from tests.verify.laws.functions import cube, cube_backward, linear, linear_backward, relu, relu_backward

OPTIONS = {"profile": "quick", "seed": 2, "exclude": {"value": "tested elsewhere"}}


def linear_jvp(tangents, x, weight):
    """Both arguments move."""
    return tangents[0] @ weight.T + x @ tangents[1].T


def test_right_pair_passes() -> None:
    """The identity is compared in every case that is not empty."""
    report = gradlab.check(linear, linear_backward, "(n,i),(o,i)->(n,o)", jvp=linear_jvp, **OPTIONS)
    assert report.verdict == "pass", str(report)
    # One case is empty, and the one of "few" may be.
    assert report.tally.comparisons["jvp"].count >= len(QUICK) - 2


def test_wrong_jvp_is_named() -> None:
    """Differences say which of the two is wrong."""
    report = gradlab.check(cube, cube_backward, "(n)->(n)", jvp=lambda v, x: 2 * x * x * v[0], **OPTIONS)
    assert [finding.law for finding in report.failures] == ["jvp"]
    assert report.failures[0].claim.endswith("jvp is wrong")


def test_wrong_backward_is_named() -> None:
    """The law finds a wrong backward without law "value"."""
    wrong = lambda g, x: 3.001 * x * x * g  # noqa: E731
    report = gradlab.check(cube, wrong, "(n)->(n)", jvp=lambda v, x: 3 * x * x * v[0], **OPTIONS)
    assert report.failures[0].claim.endswith("backward is wrong")


def test_other_slope_at_a_kink_is_no_failure() -> None:
    """JVP and VJP may take different slopes of the bracket."""
    report = gradlab.check(relu, relu_backward, "(n)->(n)", jvp=lambda v, x: v[0] * (x >= 0), **OPTIONS)
    assert report.verdict == "pass", str(report)


def test_shape_and_errors_are_findings() -> None:
    """A jvp that raises or sums away an axis."""
    report = gradlab.check(cube, cube_backward, "(n)->(n)", jvp=lambda v, x: np.sum(v[0]), **OPTIONS)
    assert "jvp returns shape ()" in report.failures[0].claim
    report = gradlab.check(cube, cube_backward, "(n)->(n)", jvp=lambda v: v[0], **OPTIONS)
    assert report.failures[0].claim.startswith("jvp raises TypeError")


@pytest.mark.parametrize(("apart", "error", "found"), [(5, np.inf, 1), (5, 1.0, 0), (20, 1.0, 1), (0.5, 1.0, 0)])
def test_a_little_that_nobody_else_sees_is_rounding(
    monkeypatch: pytest.MonkeyPatch, apart: float, error: float, found: int
) -> None:
    """Up to eight measured tolerances pass where differences are too coarse to tell who is wrong."""
    law = import_module("gradlab.verify.laws.jvp")
    monkeypatch.setattr(law, "_measured", lambda *_: 1e-6)
    monkeypatch.setattr(law, "rough_along", lambda *_: False)
    one = np.ones(1)
    trial = SimpleNamespace(
        case=SimpleNamespace(dtype="float64"),
        weights=one,
        answers=[one],
        scales=lambda k: Scales("float64", 0.0, 0.0, 0.0, 0.0),
        differences=SimpleNamespace(direction=lambda *_: SimpleNamespace(value=one, error=np.array([error]))),
    )
    assert len(list(law._judge(trial, [one], one, 1.0, 1.0 + apart * 1e-6))) == found
