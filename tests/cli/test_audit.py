"""`gradlab audit`: the report, claims of one's own, formats, exit status."""

from pathlib import Path

import pytest

from gradlab.cli import main

OWN = """
from gradlab.symbolic import claim
right = claim("relu", wrt="x", vjp="g[i]*(x[i] > 0)", label="right", says="mask the gradient")
wrong = claim("relu", wrt="x", vjp="g[i]", label="wrong")
nothing = claim("relu", wrt="x", vjp="g[k]")
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file of claims."""
    path = tmp_path / "my_claims.py"
    path.write_text(OWN)
    return path


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    status = main(argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a file the report is audited; all verdicts are the expected ones."""
    status, out, err = run(capsys, "audit")
    assert (status, err) == (0, "")
    assert out.splitlines()[2] == "28 claims: 20 proved, 8 refuted."
    assert "  18                    refuted  d xt[i] / d bias[j] = 1" in out.splitlines()
    assert max(map(len, out.splitlines())) <= 80


def test_ones_own(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    """Each claim has its verdict with evidence; one that is not what was expected sets the exit status."""
    status, out, err = run(capsys, "audit", str(own))
    assert (status, err) == (1, "")
    lines = out.splitlines()
    assert lines[:3] == [
        "Audit of my_claims.py",
        "=====================",
        "3 claims: 1 proved, 1 refuted, 1 ill-formed.",
    ]
    for line in (
        "  right     proved      grad x[i] = g[i]*(x[i] > 0)",
        "  wrong     refuted     grad x[i] = g[i]",
        "  claim 3   ill-formed  grad x = g[k]",
        "  “mask the gradient”",
        "      grad_x[i] = g[i] * mask[i]                                       [derived]",
        "  The index k is neither given nor summed over.",
    ):
        assert line in lines
    assert "the derivative is 0." in out


@pytest.mark.parametrize(
    ("target", "fragment"),
    [("latex", r"\documentclass"), ("html", "<!doctype html>"), ("markdown", "# Audit of my\\_claims.py")],
)
def test_formats(capsys: pytest.CaptureFixture[str], own: Path, tmp_path: Path, target: str, fragment: str) -> None:
    """The audit is a document like any other, and goes to the file that is named."""
    path = tmp_path / "audit"
    assert run(capsys, "audit", str(own), "--to", target, "-o", str(path))[:2] == (1, f"{path}\n")
    assert path.read_text().startswith(fragment)


def test_no_such_file(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is the reader's mistake, said in one line."""
    status, out, err = run(capsys, "audit", "nowhere.py")
    assert (status, out) == (2, "")
    assert err == "gradlab: nowhere.py: there is no such file; give the path of a Python file that holds claims\n"


def test_an_audit_is_no_definition(capsys: pytest.CaptureFixture[str], own: Path) -> None:
    """`derive` says that a file of claims defines nothing."""
    status, _, err = run(capsys, "derive", str(own), "--to", "text")
    assert status == 2
    assert "it holds no Definition" in err
