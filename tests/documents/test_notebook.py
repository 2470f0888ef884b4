"""What a notebook shows of derivations, proofs, claims and verdicts."""

from html import unescape

from gradlab.symbolic import claim
from tests.documents.chapters import derivation, proof


def test_derivation() -> None:
    """A frame with the whole page, and the results as LaTeX."""
    found = derivation("softmax")
    assert found._repr_html_().startswith("<iframe")
    assert '<h2 id="reverse">' in unescape(found._repr_html_())
    shown = found._repr_latex_()
    assert shown.startswith("$$\n\\begin{aligned}\n")
    assert r"J_{x} &= \operatorname{diag}(y) - y\, y^\top" in shown
    assert shown.endswith("\\end{aligned}\n$$")


def test_proof() -> None:
    """The counts by part; there is no formula to show."""
    found = proof("relu")
    assert f"{found.mutants} of {found.mutants} mutants rejected" in unescape(found._repr_html_())
    assert found._repr_latex_() == ""


def test_claim_and_verdict() -> None:
    """The verdict with its counterexample, and the right formula as LaTeX."""
    wrong = claim("softmax", wrt="x", jacobian="y[i]*(1 - y[j])")
    assert "refuted" in unescape(wrong._repr_html_())
    assert wrong.audit()._repr_html_() == wrong._repr_html_()
    assert r"\delta_{ij} - y_{ni}" in wrong._repr_latex_()


def test_a_claim_that_says_nothing_has_no_formula() -> None:
    """An ill-formed claim is explained in words."""
    nothing = claim("softmax", wrt="x", jacobian="q[i]")
    assert "Unknown tensor q" in unescape(nothing._repr_html_())
    assert nothing._repr_latex_() == ""
