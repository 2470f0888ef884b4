"""One command on a student's file: seven mistakes, seven right diagnoses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parent / "seven_mistakes.py"

EXPECTED = {
    "add_bias": ("wrong axis", "bias has (4,): it is not summed over axis 0"),
    "mse": ("constant factor", "the correct gradient times n "),
    "softmax": ("missing term", "the off-diagonal terms are missing"),
    "relu": ("upstream", "the mask is taken from grad_output, not from x"),
    "batch_norm": ("missing term", "the path through the variance"),
    "batch_norm_dgamma": ("mistaken quantity", "the sum of grad_output * x, and should be"),
    "linear": ("transposed", "the correct gradient for weight transposed"),
}


def test_seven_diagnoses(tmp_path: Path) -> None:
    """`python -m gradlab verify FILE` explains all of them, in its text as the README shows it and in its JSON."""
    path = tmp_path / "rows.json"
    command = [sys.executable, "-m", "gradlab", "verify", str(FILE), "--seed", "1", "--json", str(path)]
    done = subprocess.run(command, cwd=FILE.parents[2], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    told = {}
    for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
        for finding in row["findings"]:
            if finding["severity"] == "failure":
                told.setdefault(row["operation"].partition(":")[2], finding["diagnosis"])
    assert set(told) == set(EXPECTED)
    for name, (kind, words) in EXPECTED.items():
        assert told[name]["kind"] == kind
        assert words in told[name]["text"]
    readme = (FILE.parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("add_bias: FAIL")[2].partition("```")[0].splitlines()
    explanations = [line for line in shown if line.startswith("    ")]
    assert len(explanations) > 2 * len(EXPECTED)
    assert set(explanations) <= set(done.stdout.splitlines())
