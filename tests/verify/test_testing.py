"""gradlab.property_test: a check that Hypothesis, pytest and fuzzers drive."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

import gradlab
from gradlab.errors import SignatureError
from gradlab.verify.plan import QUICK

pytest_plugins = ["pytester"]

SQUARE = (lambda x: x * x, lambda grad_output, x: 2 * x * grad_output, "(n)->(n)")
WRONG = (lambda x: x * x, lambda grad_output, x: 2 * x * grad_output * (1 + (x.size > 2)), "(n)->(n)")

test_square = gradlab.property_test(*SQUARE, profile="quick")


def test_failure_is_explained() -> None:
    """It raises the report, with the shrunk case, and Hypothesis adds the draw."""
    test = gradlab.property_test(*WRONG, profile=settings(max_examples=90))
    with pytest.raises(gradlab.GradientError, match=r"(?s)n=3, float64.*reproduce without gradlab") as caught:
        test()
    assert any("index=" in note for note in caught.value.__notes__)


def test_fuzzers_feed_bytes() -> None:
    """`hypothesis.fuzz_one_input`, the door of fuzzers: bytes that make a case come back, a failing case raises."""
    content = bytes(range(1, 65))
    assert test_square.hypothesis.fuzz_one_input(content) is not None
    always_wrong = gradlab.property_test(SQUARE[0], lambda grad_output, x: 3 * x * grad_output, "(n)->(n)")
    with pytest.raises(gradlab.GradientError, match="failure value"):
        always_wrong.hypothesis.fuzz_one_input(content)


def test_hypofuzz_would_collect_it() -> None:
    """No parameter is left to a fixture, and the health check against nesting stands: HypoFuzz asks for both."""
    assert not inspect.signature(test_square).parameters
    used = test_square._hypothesis_internal_use_settings  # what HypoFuzz reads, too
    assert HealthCheck.nested_given not in used.suppress_health_check
    assert Phase.shrink not in used.phases
    assert used.max_examples == len(QUICK)


def test_bad_arguments_are_refused_when_it_is_made() -> None:
    """Not when it runs."""
    with pytest.raises(SignatureError, match="wrt: 'y' is not an argument"):
        gradlab.property_test(*SQUARE, wrt=("y",))


def test_statistics_and_replay_in_pytest(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """pytest collects it by its name, Hypothesis counts its cases and runs first what failed in the last session."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    pytester.makepyfile(
        "import gradlab\n"
        "square = lambda x: x * x\n"
        "test_right = gradlab.property_test(square, lambda g, x: 2 * x * g, '(n)->(n)', profile='quick')\n"
        "test_wrong = gradlab.property_test(square, lambda g, x: 2 * x * g + (x > 3) * g, '(n)->(n)')\n"
    )
    # By name: on a CI service Hypothesis chooses a profile without a database.
    options = ("--hypothesis-show-statistics", "--hypothesis-profile=default")
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*test_right:", f"*{len(QUICK)} passing*", "*target score*label='x'*"])
    result = pytester.runpytest_subprocess(*options, "-k", "wrong")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["*test_wrong:", "*during reuse phase*", "*1 failing*"])
