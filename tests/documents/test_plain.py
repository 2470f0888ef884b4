"""Derivations as plain text: the required forms are there, lines fit, numbers and proof record are complete."""

import re

import pytest

from gradlab.documents import plain
from gradlab.documents.wrap import wrapped
from gradlab.symbolic.derive import derive
from gradlab.symbolic.equations import numbered
from gradlab.symbolic.load import definitions
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read

NAMES = tuple(definitions())


def document(name: str, width: int = 88) -> str:
    """The document of a registered operation, without the record of its proof."""
    return plain(derive(read(definitions()[name])), width=width)


def one_line(text: str) -> str:
    """The text with every run of white space as one space, so that line breaks do not matter."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        (
            "softmax",
            [
                "VJP: grad_x[n,d] = y[n,d] * (g[n,d] - sum[k](g[n,k] * y[n,k]))",
                "J: d y[n',d'] / d x[n,d] = delta[n,n'] * y[n,d] * (delta[d,d'] - y[n,d'])",
                "for each n: J = diag(y) - y y^T",
            ],
        ),
        ("softmax_cross_entropy", ["VJP: grad_x[n,d] = g * (p[n,d] - t[n,d]) / N"]),
        ("softmax_cross_entropy_labels", ["VJP: grad_x[n,d] = g * (p[n,d] - delta[label[n],d]) / N"]),
        (
            "avg_pool2d",
            [
                "VJP: grad_x[n,c,h,w] = sum[o,q,a,b](delta[stride*o + a - padding,h] * delta[stride*q + b - padding,w] "
                "* g[n,c,o,q]) / kernel_size**2",
                "O = (H + 2 * padding - kernel_size) // stride + 1.",
                "Entries at computed indices outside an axis are 0.",
            ],
        ),
        ("cross_entropy", ["VJP: grad_p[n,d] = -g * t[n,d] / (N * p[n,d])"]),
        (
            "linear",
            [
                "VJP: grad_x[n,i] = sum[o](g[n,o] * weight[o,i])",
                "grad_x = g weight",
                "VJP: grad_weight[o,i] = sum[n](g[n,o] * x[n,i])",
                "grad_weight = g^T x",
                "VJP: grad_bias[o] = sum[n](g[n,o])",
            ],
        ),
        (
            "batch_norm",
            [
                "VJP: grad_x[n,c] = gamma[c] * inv_std[c] / N * (N * g[n,c] - sum[n'](g[n',c]) "
                "- x_hat[n,c] * sum[n'](g[n',c] * x_hat[n',c]))",
                "VJP: grad_gamma[c] = sum[n](g[n,c] * x_hat[n,c])",
                "VJP: grad_beta[c] = sum[n](g[n,c])",
            ],
        ),
        ("relu", ["VJP: grad_x[n] = g[n] * mask[n]", "At x == 0 the derivative with respect to x is 0 by convention."]),
    ],
)
def test_textbook_forms(name: str, forms: list[str]) -> None:
    """The document shows the forms that a textbook has."""
    shown = one_line(document(name))
    for form in forms:
        assert form in shown


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", NAMES)
def test_lines_fit(name: str, width: int) -> None:
    """No line is longer than asked for, and none ends in spaces."""
    lines = document(name, width).splitlines()
    assert [line for line in lines if len(line) > width or line != line.rstrip()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_equation_is_there(name: str) -> None:
    """Each number is printed exactly once at the start of a line, in order."""
    found = re.findall(r"^ *\((\d+)\) ", document(name), re.MULTILINE)
    assert [int(number) for number in found] == [e.number for e in numbered(derive(read(definitions()[name])))]


def test_whole_document() -> None:
    """The document of ReLU, line by line."""
    derivation = derive(read(definitions()["relu"]))
    proof = prove(derivation)
    assert plain(derivation, proof).splitlines()[:-5] == [
        "relu",
        "====",
        "The rectified linear unit max(x, 0), element by element; its slope at 0 is 0.",
        "",
        "Shapes",
        "------",
        "  x  (...)  real",
        "  y  (...)  the output",
        "  Indices: n over N; primes mark further ones of the same axis.",
        "  N stands for any number of leading dimensions.",
        "  g stands for grad_output, the gradient of a scalar with respect to y.",
        "",
        "Definition",
        "----------",
        "  (1) y[n] = max(x[n], 0)",
        "  (2) mask[n] = [x[n] > 0]                                         [named by the engine]",
        "",
        "Reverse mode: grad_v is the gradient of sum(g * y) with respect to v",
        "--------------------------------------------------------------------",
        "      grad_x[n]",
        "        = sum[n'](g[n'] * d y[n'] / d x[n])           [chain rule over the uses of x: y]",
        "  (3)   = sum[n'](delta[n',n] * [x[n'] > 0] * g[n'])            [differentiate each use]",
        "  (4)   = [x[n] > 0] * g[n]                                  [each delta picks one term]",
        "  (5)   = g[n] * mask[n]                                         [by definition of mask]",
        "",
        "Forward mode: tangent_v is the change of v along the tangents of the inputs",
        "---------------------------------------------------------------------------",
        "      tangent_y[n]",
        "        = sum[n'](d y[n] / d x[n'] * tangent_x[n'])  [chain rule: the differential of y]",
        "  (6)   = [x[n] > 0] * sum[n'](delta[n,n'] * tangent_x[n'])     [differentiate each use]",
        "  (7)   = [x[n] > 0] * tangent_x[n]                          [each delta picks one term]",
        "  (8)   = mask[n] * tangent_x[n]                                 [by definition of mask]",
        "",
        "Jacobian: the VJP with one entry of g set to 1",
        "----------------------------------------------",
        "      jacobian_x[n',n]",
        "  (9)   = delta[n,n'] * mask[n]                                             [g := delta]",
        "",
        "Results",
        "-------",
        "  J: d y[n'] / d x[n] = delta[n,n'] * mask[n]",
        "       J = diag(mask)",
        "  VJP: grad_x[n] = g[n] * mask[n]",
        "       grad_x = g * mask",
        "  JVP: tangent_y[n] = mask[n] * tangent_x[n]",
        "       tangent_y = mask * tangent_x",
        "  In matrix forms * and / act entry by entry, a space is the matrix product, 1 is a",
        "  vector of ones.",
        "",
        "Saved for the backward",
        "----------------------",
        "  mask  N    chosen",
        "  x     8*N  more bytes",
        "  Fewest bytes first, then least to recompute; bytes in float64, a mask takes one per",
        "  element.",
        "",
        "Special points and stability",
        "----------------------------",
        "  At x == 0 the derivative with respect to x is 0 by convention.",
        "",
        "Proof",
        "-----",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_proof_record(name: str) -> None:
    """The record says that every step is proved, that every mutant is rejected, and what was checked end to end."""
    derivation = derive(read(definitions()[name]))
    proof = prove(derivation)
    shown = one_line(plain(derivation, proof))
    assert f"{len(derivation.steps)} steps proved" in shown
    assert f"{proof.mutants} of {proof.mutants} mutants rejected, seed {proof.seed}" in shown
    assert all(f"Checked end to end: {end}." in shown for end in proof.ends)


def test_long_formulas_break_at_outer_operators_first() -> None:
    """A line ends where the formula is least connected."""
    assert wrapped("a * b + c * (d - e)", 80) == ["a * b + c * (d - e)"]
    assert wrapped("aaaa * bbbb + cccc * (dddd - eeee)", 24) == ["aaaa * bbbb", "+ cccc * (dddd - eeee)"]
    assert wrapped("cccc * (dddd - eeee - ffff)", 20) == ["cccc * (dddd - eeee", "    - ffff)"]
