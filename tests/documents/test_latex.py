"""LaTeX documents: complete, readable notation, and they compile without overfull lines where a TeX is installed."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from gradlab.documents import latex
from gradlab.documents.latex_notation import escaped, name, reason
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.equations import numbered
from gradlab.symbolic.load import definitions
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read

NAMES = tuple(definitions())


def derivation(operation: str) -> Derivation:
    """The derivation of a registered operation."""
    return derive(read(definitions()[operation]))


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
    """Words that name a tensor are set as that tensor, all others as text."""
    program = derivation("batch_norm").program
    assert reason("by definition of x_hat", program) == r"by definition of $\hat{x}$"
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
    shown = re.sub(r"\s+", "", latex(derivation(operation)))
    assert re.sub(r"\s+", "", formula) in shown


@pytest.mark.parametrize("operation", NAMES)
def test_every_equation_is_there(operation: str) -> None:
    """Each number stands at exactly one line, in order."""
    found = derivation(operation)
    numbers = re.findall(r"^\\step\{\((\d+)\)\}", latex(found), re.MULTILINE)
    assert [int(number) for number in numbers] == [equation.number for equation in numbered(found)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
@pytest.mark.parametrize("operation", NAMES)
def test_compiles(operation: str, tmp_path: Path) -> None:
    """pdflatex makes a PDF of the whole document without errors and without a line more than 5 pt too long."""
    found = derivation(operation)
    (tmp_path / "document.tex").write_text(latex(found, prove(found)), encoding="utf-8")
    result = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "document.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout[-2000:]
    overfull = re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)[^\n]*", result.stdout)
    assert [width for width in overfull if float(width) > 5] == []
    assert (tmp_path / "document.pdf").stat().st_size > 10_000
