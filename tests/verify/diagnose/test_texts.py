"""Complete failure reports, line by line; their programs are run without gradlab."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradlab
from tests.verify import seven_mistakes
from tests.verify.diagnose import mistakes

ROOT = Path(__file__).parents[3]


def report_on(name: str, **options: object) -> gradlab.Report:
    """The report on one of the seven mistakes."""
    spec = dict(seven_mistakes.gradlab_spec[name])
    forward, backward = getattr(seven_mistakes, name), getattr(seven_mistakes, f"{name}_backward")
    return gradlab.check(forward, backward, spec.pop("signature"), **spec, **options, seed=5)


def lines_of(report: gradlab.Report) -> list[str]:
    """The text with its measured figures replaced."""
    text = re.sub(r"\d+\.\d\d s\)", "T s)", str(report))
    return re.sub(r"off by [\d.e+]+ times", "off by R times", text).splitlines()


def test_softmax() -> None:
    """Law and claim, distance, diagnosis, remedy, case, program and oracles, on 19 lines."""
    assert lines_of(report_on("softmax")) == [
        "softmax: FAIL after 15 cases (default profile, seed=5, T s)",
        "  failure value: grad x[0, 0] is 0.25 where longdouble differences give 0",
        "    off by R times the tolerance",
        "    diagnosis: missing term: the off-diagonal terms are missing: each entry of grad x uses its own "
        "grad_output",
        "      only, and the sum over axis 1 (d) is left out (in 5 of 5 draws)",
        "    remedy: add the term that sums grad_output over axis 1 (d)",
        "    case: n=1, d=2, float64",
        "    reproduce without gradlab:",
        "      import numpy as np",
        "      from tests.verify.seven_mistakes import softmax as forward, softmax_backward as backward",
        "",
        "      x = np.array([[0.0, 0.0]])",
        "      grad_output = np.array([[1.0, 1.0]])",
        "      h = np.zeros(x.shape); h[0, 0] = 1e-06",
        '      print("backward:", np.reshape(backward(grad_output, x), x.shape)[0, 0])',
        "      up, down = forward(x + h), forward(x - h)",
        '      print("central difference:", np.sum(grad_output * (up - down)) / 2e-06)',
        "  oracles: longdouble differences",
        "  run it again: the same check with seed=5, profile='default'",
    ]


def test_mask_from_upstream() -> None:
    """A second failure with the same cause takes one line."""
    assert lines_of(report_on("relu")) == [
        "relu: FAIL after 15 cases (default profile, seed=5, T s)",
        "  failure linearity: B(-1.05e+06 g) is not -1.05e+06 B(g) for x: 0 against -1048576",
        "    diagnosis: upstream: grad x is grad_output where grad_output > 0: the mask is taken from grad_output, not",
        "      from x (in 5 of 5 draws)",
        "    remedy: build the mask from the input: grad_output * (x > 0)",
        "    case: n=1, d=1, float64",
        "    reproduce without gradlab:",
        "      import numpy as np",
        "      from tests.verify.seven_mistakes import relu as forward, relu_backward as backward",
        "",
        "      x = np.array([[0.0]])",
        "      grad_output = np.array([[1.0]])",
        '      print("backward(g):", np.reshape(backward(grad_output, x), x.shape))',
        '      print("backward(-2 g) / -2:", np.reshape(backward(-2 * grad_output, x), x.shape) / -2)',
        "  failure value: grad x[0, 0] is 0 where longdouble differences give -1",
        "  oracles: longdouble differences",
        "  run it again: the same check with seed=5, profile='default'",
    ]


def test_bias_not_summed() -> None:
    """Shapes are shown for sizes that all differ, whatever the shrunk case has."""
    assert lines_of(report_on("add_bias"))[:7] == [
        "add_bias: FAIL after 15 cases (default profile, seed=5, T s)",
        "  failure contract: the gradient of bias has shape (1, 1); the argument has (1,)",
        "    diagnosis: wrong axis: grad bias has shape (5, 4), bias has (4,): it is not summed over axis 0, along "
        "which",
        "      forward broadcasts bias",
        "    remedy: sum: grad_bias.sum(axis=0)",
        "    case: n=1, d=1, float64",
        "    reproduce without gradlab:",
    ]


@pytest.mark.parametrize("name", seven_mistakes.gradlab_spec)
def test_one_screen(name: str) -> None:
    """At most 40 lines of at most 120 columns."""
    lines = lines_of(report_on(name))
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120


def test_four_findings_fit_on_a_screen() -> None:
    """The first in full, the others in one line and their diagnosis."""
    mistake = next(mistake for mistake in mistakes.MISTAKES if mistake.name == "consumed")
    report = gradlab.check(mistake.forward, mistake.backward, mistake.signature, seed=4)
    assert len(report.failures) > 2
    assert len(str(report).splitlines()) <= 40
    assert str(report).count("reproduce without gradlab") == 1
    assert all(finding.reproduction for finding in report.failures)


@pytest.mark.parametrize(("name", "expected"), [("mse", "value"), ("relu", "linearity"), ("add_bias", "contract")])
def test_program_runs_without_gradlab(name: str, expected: str) -> None:
    """In a fresh process: it shows two different numbers, or the shape."""
    failure = report_on(name).failures[0]
    assert failure.law == expected
    assert "gradlab" not in failure.reproduction
    assert len(failure.reproduction.splitlines()) <= 12
    done = subprocess.run(
        [sys.executable, "-c", failure.reproduction], cwd=ROOT, capture_output=True, text=True, check=True
    )
    shown = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert "backward" in done.stdout
    if expected == "value":
        assert float(shown["backward"]) != pytest.approx(float(shown["central difference"]), rel=1e-3)
    if expected == "linearity":
        assert shown["backward(g)"] != shown["backward(-2 g) / -2"]
