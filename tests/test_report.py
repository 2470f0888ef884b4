"""`gradlab verify --html` and `gradlab report`: pages from a run, and from the JSON of an earlier one."""

import json
from pathlib import Path
from typing import Any

import pytest

from gradlab.cli import main

COURSE = """
import numpy as np

def good(x): return x * x
def good_backward(grad_output, x): return 2 * x * grad_output
def wrong(x): return np.sinh(x)
def wrong_backward(grad_output, x): return grad_output * np.sinh(x)
def leaves(x): return x
def leaves_backward(grad_output, x):
    import os
    os._exit(3)

gradlab_spec = {name: {"signature": "(n)->(n)"} for name in ("good", "wrong", "leaves")}
"""


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command."""
    try:
        status = main(argv)
    except SystemExit as left:
        status = int(left.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_workers(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions in worker processes: pictures come with the rows, and the JSON gives the very same page later."""
    monkeypatch.chdir(tmp_path)
    Path("course.py").write_text(COURSE)
    argv = [
        "verify",
        "course.py",
        "--profile",
        "quick",
        "--seed",
        "1",
        "-n",
        "2",
        "--html",
        "a.html",
        "--json",
        "r.json",
    ]
    status, _, _ = run(capsys, *argv)
    assert status == 1
    text = Path("a.html").read_text(encoding="utf-8")
    assert "2 of 3 gradients are wrong" in text
    assert "worker died with exit status 3" in text
    assert text.count('class="plot"') == 2
    assert run(capsys, "report", "r.json", "--html", "b.html") == (0, "b.html\n", "")
    assert Path("b.html").read_text(encoding="utf-8") == text
    assert run(capsys, "report", "r.json") == (0, "r.html\n", "")


def test_registered(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Registered operations, in this process; the oracle that is independent is marked, versions and date are told."""
    path, data = tmp_path / "page.html", tmp_path / "r.json"
    argv = ["verify", "linear", "--profile", "quick", "--seed", "3", "--html", str(path), "--json", str(data)]
    assert run(capsys, *argv)[0] == 0
    record = json.loads(data.read_text())
    assert {"python", "machine", "numpy"} <= set(record["versions"])
    assert record["date"].startswith("20")
    rows = [row for row in record["rows"] if row["verdict"] != "skipped"]
    assert all(set(row["independent"]) < set(row["oracles"]) for row in rows)
    text = path.read_text(encoding="utf-8")
    assert text.count('class="mark"') == sum(len(row["independent"]) for row in rows)
    assert 'id="findings"' not in text


ROW = {"operation": "op", "backend": "numpy", "argument": "x", "verdict": "fail", "findings": []}
FINDING = {"law": "value", "argument": "x", "claim": "wrong", "severity": "failure"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("not json", "not JSON (Expecting value: line 1 column 1 (char 0)); give a file that"),
        ("[1, 2]", "no report: it has no list of rows; give a file that"),
        ({"rows": 3}, "no report: it has no list of rows; give"),
        ({"rows": [7]}, "row 1 is 7, not a dictionary; give"),
        ({"rows": [ROW, {**ROW, "argument": None}]}, "row 2 has argument=None, not a str; give"),
        ({"rows": [{**ROW, "findings": [{**FINDING, "law": 1}]}]}, "a finding of row 1 has law=1, not a str; give"),
        ({"rows": [{**ROW, "findings": [{**FINDING, "picture": {"map": 1}}]}]}, "cannot be shown (TypeError: "),
        ({"rows": [{**ROW, "power": 1}]}, "cannot be shown (AttributeError: "),
        ({"rows": [{**ROW, "findings": [{**FINDING, "diagnosis": {"kind": 1}}]}]}, "cannot be shown (UndefinedError: "),
    ],
)
def test_wrong_file(capsys: pytest.CaptureFixture[str], tmp_path: Path, content: Any, message: str) -> None:
    """One line with the file and what is wrong with it; nothing is written."""
    path = tmp_path / "report.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    status, out, err = run(capsys, "report", str(path))
    assert (status, out) == (2, "")
    assert err.startswith(f"gradlab: {path}: {message}")
    assert err.count("\n") == 1
    assert not path.with_suffix(".html").exists()


def test_no_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A file that is not there, or a page that cannot be written, is one line too."""
    path = tmp_path / "none.json"
    assert run(capsys, "report", str(path)) == (2, "", f"gradlab: {path}: No such file or directory\n")
    path.write_text('{"rows": []}')
    page = tmp_path / "no" / "page.html"
    assert run(capsys, "report", str(path), "--html", str(page))[2] == f"gradlab: {page}: No such file or directory\n"


@pytest.mark.parametrize("option", ["--html", "--json", "--junit"])
def test_no_folder(capsys: pytest.CaptureFixture[str], tmp_path: Path, option: str) -> None:
    """A report that could not be written is refused before anything runs."""
    path = str(tmp_path / "no" / "report")
    status, out, err = run(capsys, "verify", "relu", option, path)
    assert (status, out, err) == (2, "", f"gradlab: {path}: No such file or directory\n")


def test_binary_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Neither text nor JSON."""
    path = tmp_path / "report.json"
    path.write_bytes(b"\x89PNG\xff")
    status, _, err = run(capsys, "report", str(path))
    assert status == 2
    assert err.startswith(f"gradlab: {path}: not JSON (")
