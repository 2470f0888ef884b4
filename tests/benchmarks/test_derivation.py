import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import derivation
from benchmarks.derivatives.answer import Answer
from benchmarks.derivatives.problems import PROBLEMS


@pytest.mark.parametrize("position", range(len(PROBLEMS)), ids=[problem.name for problem in PROBLEMS])
def test_gradlab_is_right(position: int) -> None:
    """Every formula gives a proved gradient and code for it that agree with the complex step."""
    found = derivation.attempt("gradlab", position)
    assert found["verdict"] == "right", found


@pytest.mark.parametrize(
    ("system", "problem", "verdict"),
    [
        ("SymPy, indices", "log-sum-exp", "right"),
        ("SymPy, matrices", "quadratic form", "right"),
        ("SymPy, matrices", "RMS norm", "fails"),
        ("SymPy, arrays", "Gram matrix", "right"),
        ("SymPy, indices", "max", "no form"),
    ],
)
def test_the_others_are_asked_fairly(system: str, problem: str, verdict: str) -> None:
    """SymPy's ways give what they give by hand."""
    position = [known.name for known in PROBLEMS].index(problem)
    assert derivation.attempt(system, position)["verdict"] == verdict


@pytest.mark.parametrize("change", [lambda a: 1.001 * a, lambda a: a.T, np.zeros_like], ids=["factor", "shape", "zero"])
def test_a_wrong_answer_is_called_wrong(change: Callable[[Any], Any]) -> None:
    """A factor, another shape, nothing."""
    problem = PROBLEMS[0]
    data = problem.data(0, 3, 4)
    for made, verdict in ((problem.gradient(data), True), (change(problem.gradient(data)), False)):
        answer = Answer("", 0, lambda data, made=made: lambda: made)
        assert derivation._right(problem, answer, data) is verdict


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One row for each derivative, a summary of each system, and JSON."""
    where = ["--log", str(tmp_path / "log"), "--json", str(tmp_path / "found.json")]
    assert derivation.main(["--only", "quadratic form", *where]) == 0
    printed = capsys.readouterr().out
    assert "gradlab: 1 of 1 right" in printed
    assert "g (A + A') x" in printed
    attempts = json.loads((tmp_path / "found.json").read_text())["attempts"]
    assert {attempt["verdict"] for attempt in attempts if attempt["system"].startswith("SymPy")} == {"right", "no form"}
