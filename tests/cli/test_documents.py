"""`gradlab derive --to`: documents in every format, alone and as a book."""

from pathlib import Path

import pytest

from gradlab.cli import derive, main
from gradlab.symbolic import load
from gradlab.symbolic.claims import Claim
from gradlab.symbolic.load import claims, definitions


def few(operations: list[str]) -> list[object]:
    """Two definitions in place of all."""
    return [definitions()[name] for name in operations or ["relu", "softmax"]]


def first_claims(path: Path) -> list[Claim]:
    """Two claims of a file in place of all."""
    return list(claims(path))[:2]


@pytest.mark.parametrize(
    ("target", "start"),
    [
        ("text", "relu\n====\n"),
        ("latex", r"\documentclass[10pt,a4paper,oneside]{scrartcl}"),
        ("html", "<!doctype html>"),
        ("markdown", "# relu\n"),
    ],
)
def test_one_document(capsys: pytest.CaptureFixture[str], target: str, start: str) -> None:
    """Every format goes to standard output, with its proof and its code."""
    assert main(["derive", "relu", "--to", target]) == 0
    out = capsys.readouterr().out
    assert out.startswith(start)
    assert "mutants rejected" in out


@pytest.mark.parametrize(
    ("target", "files"),
    [
        ("latex", ["book.tex", "relu.tex", "softmax.tex"]),
        ("html", ["audit.html", "index.html", "relu.html", "rules.html", "softmax.html", "totals.html"]),
        ("markdown", ["README.md", "audit.md", "relu.md", "rules.md", "softmax.md", "totals.md"]),
        ("text", ["audit.txt", "relu.txt", "rules.txt", "softmax.txt", "totals.txt"]),
    ],
)
def test_all_documents(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, target: str, files: list[str]
) -> None:
    """--all into a folder also writes what holds the book together, the audit among it."""
    monkeypatch.setattr(derive, "_chosen", few)
    monkeypatch.setattr(load, "claims", first_claims)
    assert main(["derive", "--all", "--to", target, "-o", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert sorted(capsys.readouterr().out.split()) == sorted(str(tmp_path / name) for name in files)
    if target == "latex":
        book = (tmp_path / "book.tex").read_text()
        assert r"\chapter{Audit of the report}" in book
        assert book.index(r"\chapter{softmax}") < book.index(r"\chapter{All proofs}")
