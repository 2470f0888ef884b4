"""What a report says, line by line, and what its reproduction does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import gradlab
from gradlab.verify.report import plain
from tests.verify import course


def failing() -> gradlab.Report:
    """A report on a gradient that is twice too large."""
    return gradlab.check(course.square, course.doubled, "(n)->(n)", seed=7)


def test_failure_text() -> None:
    """The law, the miss, the shrunk case, a program to copy, and the seed."""
    report = failing()
    assert re.fullmatch(
        r"square: FAIL after 15 cases \(default profile, seed=7, \d+\.\d\d s\)\n"
        r"  failure value: grad x\[0\] is 4 where longdouble differences give 2\n"
        r"    off by [\d.e+]+ times the tolerance\n"
        r"    diagnosis: constant factor: grad x is the correct gradient times 2 \(in \d of \d draws, R² = 1.0+\)\n"
        r"    remedy: multiply grad x by 1/2\n"
        r"    case: n=1, float64\n"
        r"    reproduce without gradlab:\n"
        r"(      .*\n|\n)+"
        r"  oracles: longdouble differences\n"
        r"  run it again: the same check with seed=7, profile='default'",
        str(report),
    ), str(report)


def test_the_same_seed_gives_the_same_report() -> None:
    """What is on the screen is enough to see it again."""
    first, second = failing().as_dict(), failing().as_dict()
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


def test_reproduction_runs_without_gradlab() -> None:
    """The program prints backward beside a central difference, and imports NumPy and the user's functions only."""
    source = failing().failures[0].reproduction
    assert "gradlab" not in source
    root = Path(__file__).parent.parent.parent
    result = subprocess.run([sys.executable, "-c", source], cwd=root, capture_output=True, text=True, check=True)
    lines = dict(line.split(": ") for line in result.stdout.splitlines())
    assert float(lines["backward"]) == 4
    assert float(lines["central difference"]) == pytest.approx(2)


def test_failure_of_an_unprintable_case_has_no_reproduction() -> None:
    """A bug that needs 100 elements is shown by its shape."""
    report = gradlab.check(
        lambda x: 3 * x, lambda g, x: 3 * g * (np.arange(x.size) != 99), "(n)->(n)", names=("x",), seed=0
    )  # fmt: skip
    assert report.verdict == "fail"
    assert report.failures[0].reproduction == ""
    assert re.search(r"x = shape \(1\d\d,\), first", str(report))


def test_passing_text() -> None:
    """Worst error, oracles and power, per argument."""
    report = gradlab.check(course.square, course.right, "(n)->(n)", seed=7)
    lines = str(report).splitlines()
    assert re.fullmatch(r"square: PASS after 90 cases \(default profile, seed=7, \d+\.\d\d s\)", lines[0])
    assert re.fullmatch(
        r"  x: worst [\d.e-]+ of the tolerance by longdouble differences; "
        r"would catch a relative error of [\d.e-]+ in float64, [\d.e-]+ in float32",
        lines[1],
    )


def test_excluded_laws_show_their_reason() -> None:
    """An excluded law is not judged, and the report says why."""
    options = {"exclude": {"purity": "documented: grad_output is consumed"}, "profile": "quick", "seed": 0}
    report = gradlab.check(course.square, course.consuming, "(n)->(n)", **options)
    assert report.verdict == "pass", str(report)
    assert "excluded purity: documented: grad_output is consumed" in str(report)


def test_json() -> None:
    """Every report can be written as JSON, NaN included."""
    report = gradlab.check(lambda x: x, lambda g, x: g * np.nan, "(n)->(n)", seed=0, profile="quick")
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False))["verdict"] == "fail"


def test_verify_raises_the_text() -> None:
    """`gradlab.verify` is one line in a test."""
    with pytest.raises(gradlab.GradientError, match=r"grad x\[0\] is 4"):
        gradlab.verify(course.square, course.doubled, "(n)->(n)", seed=7)
    assert gradlab.verify(course.square, course.right, "(n)->(n)", profile="quick").verdict == "pass"


def test_nothing_verified_is_inconclusive() -> None:
    """A forward that always refuses verifies nothing, and the report says so."""

    def forward(x):
        raise ValueError("not today")

    report = gradlab.check(forward, lambda g, x: g, "(n)->(n)", names=("x",), profile="quick")
    assert report.verdict == "inconclusive"
    assert report.reasons == ("x was not verified: forward raises ValueError: not today",)
    with pytest.raises(gradlab.GradientError, match="INCONCLUSIVE"):
        gradlab.verify(forward, lambda g, x: g, "(n)->(n)", names=("x",), profile="quick")


def test_reference_that_disagrees_is_told() -> None:
    """The primal is compared before any gradient."""
    report = gradlab.check(course.square, course.right, "(n)->(n)", reference=lambda x: x * x + 1e-3, seed=0)
    assert [finding.law for finding in report.failures][:1] == ["primal"]
    assert "where the reference (reference) gives" in str(report)


def test_reference_joins_the_oracles() -> None:
    """A user's reference, on arrays, verifies the gradient independently of forward."""
    report = gradlab.check(course.square, course.right, "(n)->(n)", reference=lambda x: x * x, profile="quick")
    assert "longdouble differences of the reference" in report.oracles("x")


def test_torch_reference() -> None:
    """A reference on tensors is differentiated by torch autograd."""
    torch = pytest.importorskip("torch")
    report = gradlab.check(np.tanh, lambda g, x: g * (1 - np.tanh(x)) * (1 + np.tanh(x)), "(n)->(n)", names=("x",),
                           reference=lambda x: torch.nn.functional.tanh(x), profile="quick")  # fmt: skip
    assert "torch autograd" in report.oracles("x")


def test_extended_precision_becomes_a_number() -> None:
    """JSON has no longdouble, and NumPy's own item() gives none to Python."""
    assert plain(np.array([np.longdouble(0.5), np.longdouble("nan")])) == [0.5, "nan"]
