"""Declarations of batch, jvp and second order through the command line and a `gradlab_spec`."""

from __future__ import annotations

from pathlib import Path

import pytest

from gradlab.cli import main

SOURCE = """
def cube(x): return x * x * x
def cube_backward(g, x): return 3 * x * x * g
def cube_jvp(tangents, x): return 3 * x * x * tangents[0]
def cube_wrong(tangents, x): return 2 * x * x * tangents[0]
def cube_double(grad_grads, g, x): return 3 * x * x * grad_grads[0], 6 * x * grad_grads[0] * g
def mean(x): return x - x.sum(axis=0) / max(x.shape[0], 1)
def mean_backward(g, x): return mean(g)
def both(name): return {"signature": "(n)->(n)", "forward": "cube", "backward": "cube_backward", "jvp": name,
                        "order": 2, "double_backward": "cube_double", "dtypes": ("float64", "float32", "float16")}
gradlab_spec = {"right": both("cube_jvp"), "wrong": both("cube_wrong")}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A file with functions and specs."""
    path = tmp_path / "declared.py"
    path.write_text(SOURCE)
    return str(path)


def test_spec_keys(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """`jvp`, `double_backward`, `order` and `dtypes` stand in a spec, functions by name."""
    assert main(["verify", f"{file}:right", "--profile", "quick", "--seed", "1"]) == 0
    assert main(["verify", f"{file}:wrong", "--profile", "quick", "--seed", "1"]) == 1
    assert "jvp is wrong" in capsys.readouterr().out


def test_batch_on_the_line(capsys: pytest.CaptureFixture[str], file: str) -> None:
    """`--batch n` asks for permutations, `--per-sample` for independence too."""
    line = [
        "verify",
        f"{file}:mean",
        "--signature",
        "(n,d)->(n,d)",
        "--batch",
        "n",
        "--profile",
        "quick",
        "--seed",
        "1",
    ]
    assert main(line) == 0
    assert main([*line, "--per-sample"]) == 1
    assert "failure batch: n=" in capsys.readouterr().out
