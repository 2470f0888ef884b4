"""A reader adds an operation in ten lines, or traces a function; one command derives, proves and verifies it."""

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
TRACED = """import numpy as np
from gradlab.symbolic import traced


@traced("(n),(n)->()")
def huber(y, t, delta=1.0):
    r = np.abs(y - t)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean()
"""
QUICK = ("--profile", "quick", "--seed", "1")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A definition of the reader's own."""
    path = tmp_path / "mish.py"
    path.write_text(MISH)
    return path


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


def test_a_traced_function_is_verified(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """Kernels that are derived from its formula are compared with the function itself, among others."""
    file.write_text(TRACED)
    report = file.with_suffix(".json")
    assert main(["verify", str(file), *QUICK, "--json", str(report)]) == 0
    rows = json.loads(report.read_text())["rows"]
    assert [(row["operation"], row["backend"], row["argument"]) for row in rows] == [
        ("mish.py:huber", backend, argument) for backend in ("numpy", "torch") for argument in ("y", "t")
    ]
    for row in rows:
        oracles = " + ".join(row["oracles"])
        assert "of the reference" in oracles
        assert "symbolic (50 digits)" in oracles
    assert "gradients: 4 pass" in capsys.readouterr().out


def test_a_traced_function_is_derived(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """`gradlab derive FILE` finds it, and `--to pytest` writes a test of it."""
    file.write_text(TRACED)
    assert main(["derive", str(file), "--to", "pytest", "-o", str(file.parent)]) == 0
    written = (file.parent / "huber_test.py").read_text()
    assert "    r[n] = abs(y[n] - t[n])\n" in written
    assert "def test_gradient() -> None:" in written
    assert str(file.parent / "huber_test.py") in capsys.readouterr().out


def test_a_function_without_formula_is_an_error(capsys: pytest.CaptureFixture[str], file: Path) -> None:
    """One line says where, what and what to do, whichever command meets it."""
    file.write_text(TRACED.replace("np.abs(y - t)", "np.cumsum(y - t)"))
    for command in ("derive", "verify"):
        options = QUICK if command == "verify" else ("--to", "text")
        assert main([command, str(file), *options]) == 2
        assert "mish.py:7: np.cumsum has no formula; these have: + - * /" in capsys.readouterr().err
