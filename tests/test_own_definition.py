"""A reader adds an operation in ten lines, and one command derives, proves, generates and verifies it."""

import json
from pathlib import Path

import pytest

from gradlab.cli import main

MISH = """from sympy import Idx, IndexedBase, symbols, tanh
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.special import softplus

N = symbols("N", integer=True)
n, x, y = Idx("n", N), IndexedBase("x"), IndexedBase("y")
value = let(y[n], x[n] * tanh(softplus(x[n])))
mish = Definition(
    name="mish", summary="x tanh(softplus(x)).", inputs=[given(x[n])], lets=[value], output=y[n], leading=N,
    reference="torch.nn.functional.mish(x)")
"""
QUICK = ("--profile", "quick", "--seed", "1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A definition of the reader's own."""
    path = tmp_path / "mish.py"
    path.write_text(MISH)
    return path


@pytest.mark.slow
def test_one_command_verifies_it(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """Both kernels pass against three oracles, and nothing is written beside the file."""
    report = file.with_suffix(".json")
    assert len(MISH.splitlines()) == 10
    assert main(["verify", str(file), *QUICK, "--json", str(report)]) == 0
    rows = json.loads(report.read_text())["rows"]
    assert [(row["operation"], row["backend"], row["argument"]) for row in rows] == [
        ("mish.py:mish", "numpy", "x"),
        ("mish.py:mish", "torch", "x"),
    ]
    assert "gradients: 2 pass" in capsys.readouterr().out
    assert sorted(path.name for path in file.parent.iterdir() if path.suffix) == ["mish.json", "mish.py"]


@pytest.mark.slow
def test_a_wrong_definition_fails(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """The reference is torch's own: a definition of something else does not pass for it."""
    file.write_text(MISH.replace("x[n] * tanh", "2 * x[n] * tanh"))
    assert main(["verify", f"{file}:mish", *QUICK]) == 1
    assert "output" in capsys.readouterr().out


def test_errors_name_the_place(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """What cannot be derived, and options that contradict a definition, are errors that say what to do."""
    file.write_text(MISH.replace("tanh(softplus(x[n]))", "tanh(IndexedBase('z')[n])"))
    assert main(["verify", str(file), *QUICK]) == 2
    assert "mish.py: mish: binding y[n]: unknown name z in z[n]" in capsys.readouterr().err
    file.write_text(MISH)
    assert main(["verify", str(file), "--signature", "(n)->(n)", *QUICK]) == 2
    assert "a Definition says all of itself; leave out --signature" in capsys.readouterr().err
