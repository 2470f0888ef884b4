"""LaTeX documents: complete, readable notation, and they compile without overfull lines where a TeX is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gradlab.documents import boxes
from gradlab.documents.latex import latex, latex_book, matrix_lines, numbers
from gradlab.documents.latex_notation import escaped, name
from gradlab.symbolic.equations import numbered
from tests.documents.chapters import FEW, NAMES, derivation, document, small_book


@pytest.mark.parametrize(
    ("tensor", "tex"),
    [
        ("x", "x"),
        ("mu", r"\mu"),
        ("x_hat", r"\hat{x}"),
        ("eps", r"\varepsilon"),
        ("inv_std", r"\mathit{inv\_std}"),
        ("grad_output", "g"),
        ("grad_x_hat", r"\overline{\hat{x}}"),
        ("tangent_mu", r"\dot{\mu}"),
        ("t1", r"\mathit{t1}"),
    ],
)
def test_names(tensor: str, tex: str) -> None:
    """Names become the mathematics that they stand for."""
    assert name(tensor).tex == tex


def test_reasons_set_names_as_mathematics() -> None:
    """Words that name a tensor are set as that tensor, with the number of the equation; all others as text."""
    assert r"{by definition of $\hat{x}$ \hyperref[batch-norm:6]{(6)}}" in latex(document("batch_norm"))
    assert escaped("100 % of a_b & {c}") == r"100 \% of a\_b \& \{c\}"


@pytest.mark.parametrize(
    ("operation", "formula"),
    [
        ("softmax", r"\overline{x}_{nd} = y_{nd}\Bigl( g_{nd} - \sum_{k} g_{nk}\,y_{nk} \Bigr)"),
        ("softmax", r"J_{x} = \operatorname{diag}(y) - y\, y^\top"),
        ("linear", r"\overline{\mathit{weight}} = g^\top\, x"),
        ("softmax_cross_entropy", r"\overline{x}_{nd} = \frac{g}{N}\Bigl( p_{nd} - t_{nd} \Bigr)"),
        ("cross_entropy", r"\overline{p}_{nd} = -\frac{g\,t_{nd}}{N\,p_{nd}}"),
        ("batch_norm", r"N\,g_{nc} - \sum_{n'} g_{n'c} - \hat{x}_{nc}\,\sum_{n'} g_{n'c}\,\hat{x}_{n'c} \Bigr)"),
    ],
)
def test_textbook_forms(operation: str, formula: str) -> None:
    """The forms that a textbook has, in its notation."""
    shown = re.sub(r"\s+", "", latex(document(operation)))
    left_and_right = formula.replace(" = ", "}{", 1)  # two arguments of the macro that aligns them
    assert re.sub(r"\s+", "", left_and_right) in shown


@pytest.mark.parametrize("operation", NAMES)
def test_every_equation_is_there(operation: str) -> None:
    """Each number labels exactly one line, in order, and no reference leads to a label that is not there."""
    text = latex(document(operation))
    labels = re.findall(r"\\label\{([\w:-]+)\}", text)
    equations = [label for label in labels if ":" in label]
    key = operation.replace("_", "-")
    assert equations == [f"{key}:{equation.number}" for equation in numbered(derivation(operation))]
    assert set(re.findall(r"\\hyperref\[([\w:-]+)\]", text)) <= set(labels)


def test_references_of_a_book() -> None:
    """In the book too every reference has its label, and no label is there twice."""
    text = latex_book(small_book())
    labels = re.findall(r"\\label\{([\w:-]+)\}", text)
    assert len(set(labels)) == len(labels)
    assert set(re.findall(r"\\hyperref\[([\w:-]+)\]", text)) <= set(labels)


def test_lines_are_broken_between_terms() -> None:
    """A continued line has less room than the first, and begins with its sign."""
    parts = [boxes.Box("a", 50), boxes.Box("+ b", 50), boxes.Box("- c", 50)]
    assert boxes.lines(parts, 160) == ["a + b - c"]
    assert boxes.lines(parts, 100, 30) == ["a + b", "{} - c"]
    form = r"\gamma \odot \bigl( " + " + ".join("abcdefgh" * 2 for _ in range(9)) + r" \bigr) - y"
    assert matrix_lines(form, 300)[-1] == "{} - y"


def test_arrays() -> None:
    """Vectors are rows, ranks above 2 are grids of matrices, small numbers are powers of ten."""
    assert numbers([1.0, 0.5]) == r"\begin{pmatrix} 1 & 0.5 \end{pmatrix}"
    assert numbers(-0.00001234) == r"-1.234 \cdot 10^{-5}"
    grid = numbers([[[[1.0]], [[2.0]]]])
    assert grid.count("pmatrix") == 4
    assert grid.startswith(r"\left[\begin{matrix}")


def compiled(text: str, folder: Path) -> str:
    """The log of pdflatex; fails where that fails."""
    (folder / "document.tex").write_text(text, encoding="utf-8")
    result = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout[-2000:]
    return result.stdout


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
@pytest.mark.parametrize("operation", FEW)
def test_compiles(operation: str, tmp_path: Path) -> None:
    """pdflatex makes a PDF of the whole document without errors and without a line more than 5 pt too long."""
    log = compiled(latex(document(operation)), tmp_path)
    overfull = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)[^\n]*", log)
    assert [width for width in overfull if float(width) > 5] == []
    assert (tmp_path / "document.pdf").stat().st_size > 10_000
