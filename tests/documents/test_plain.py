"""Derivations as plain text: the required forms are there, lines fit, numbers and proof record are complete."""

import re

import pytest

from gradlab.documents import plain
from gradlab.documents.wrap import wrapped
from gradlab.symbolic.equations import numbered
from tests.documents.chapters import FEW, NAMES, derivation, proof, proved
from tests.documents.chapters import document as chapter


def document(name: str, width: int = 80) -> str:
    """The document of a registered operation, without the record of its proof."""
    return plain(chapter(name), width=width)


def one_line(text: str) -> str:
    """The text with every run of white space as one space, so that line breaks do not matter."""
    return re.sub(r"\s+", " ", text)


@pytest.mark.parametrize(
    ("name", "forms"),
    [
        (
            "softmax",
            [
                "grad_x[n,d] = y[n,d] * (g[n,d] - sum[k](g[n,k] * y[n,k]))",
                "d y[n',d'] / d x[n,d] = delta[n,n'] * y[n,d] * (delta[d,d'] - y[n,d'])",
                "J_x = diag(y) - y y^T [matrix form, for each n]",
            ],
        ),
        ("softmax_cross_entropy", ["grad_x[n,d] = g * (p[n,d] - t[n,d]) / N"]),
        ("softmax_cross_entropy_labels", ["grad_x[n,d] = g * (p[n,d] - delta[label[n],d]) / N"]),
        ("cross_entropy", ["grad_p[n,d] = -g * t[n,d] / (N * p[n,d])"]),
        (
            "avg_pool2d",
            [
                "grad_x[n,c,h,w] = sum[o,q,a,b](delta[stride_h*o + a - padding_h,h] * "
                "delta[stride_w*q + b - padding_w,w] * g[n,c,o,q]) / (kernel_h * kernel_w)",
                "O = (H + 2 * padding_h - kernel_h) // stride_h + 1.",
                "Entries at computed indices outside an axis are 0.",
            ],
        ),
        (
            "linear",
            [
                "grad_x[n,i] = sum[o](g[n,o] * weight[o,i])",
                "grad_x = g weight",
                "grad_weight[o,i] = sum[n](g[n,o] * x[n,i])",
                "grad_weight = g^T x",
                "grad_bias[o] = sum[n](g[n,o])",
            ],
        ),
        (
            "batch_norm",
            [
                "grad_x[n,c] = gamma[c] * inv_std[c] / N * (N * g[n,c] - sum[n'](g[n',c]) "
                "- x_hat[n,c] * sum[n'](g[n',c] * x_hat[n',c]))",
                "grad_gamma[c] = sum[n](g[n,c] * x_hat[n,c])",
                "grad_beta[c] = sum[n](g[n,c])",
            ],
        ),
        ("relu", ["grad_x[n] = g[n] * mask[n]", "At x == 0 the derivative with respect to x is 0 by convention."]),
    ],
)
def test_textbook_forms(name: str, forms: list[str]) -> None:
    """The document shows the forms that a textbook has."""
    shown = one_line(document(name))
    for form in forms:
        assert form in shown


@pytest.mark.parametrize("name", NAMES)
def test_lines_fit_and_every_equation_is_there(name: str) -> None:
    """No line is longer than asked for, none ends in spaces; each number starts exactly one line, in order."""
    for width in (80, 100):
        shown = document(name, width)
        assert [line for line in shown.splitlines() if len(line) > width or line != line.rstrip()] == []
        found = re.findall(r"^ *\((\d+)\) ", shown, re.MULTILINE)
        assert [int(number) for number in found] == [e.number for e in numbered(derivation(name))]


def test_whole_document() -> None:
    """The document of ReLU, line by line."""
    shown = plain(chapter("relu"))
    example = shown.index("Worked example")
    assert shown[:example].splitlines() == [
        "relu",
        "====",
        "The rectified linear unit max(x, 0), element by element; its slope at 0 is 0.",
        "",
        "Definition",
        "----------",
        "  (1) y[n] = max(x[n], 0)                                           [definition]",
        "  (2) mask[n] = [x[n] > 0]                                 [named by the engine]",
        "",
        "Shapes and notation",
        "-------------------",
        "  g stands for grad_output.",
        "  symbol  shape  values",
        "  x       (...)  real",
        "  mask    (...)",
        "  y       (...)  the output",
        "  g       (...)  the gradient of a scalar with respect to y",
        "  Indices: n over N; primes mark further ones of the same axis. N stands for any",
        "  number of leading dimensions.",
        "",
        "Results",
        "-------",
        "      d y[n'] / d x[n] = delta[n,n'] * mask[n]                    [Jacobian (9)]",
        "      J_x = diag(mask)                                             [matrix form]",
        "      grad_x[n] = g[n] * mask[n]                                       [VJP (5)]",
        "      grad_x = g * mask                                            [matrix form]",
        "      tangent_y[n] = mask[n] * tangent_x[n]                            [JVP (8)]",
        "      tangent_y = mask * tangent_x                                 [matrix form]",
        "      hvp_x[n] = 0                                                    [HVP (10)]",
        "      hvp_x = 0                                                    [matrix form]",
        "  Each line holds for every entry, and so for the whole batch. In matrix forms *",
        "  and / act entry by entry, a space is the matrix product, 1 is a vector of",
        "  ones.",
        "",
        "Reverse mode: the VJP",
        "---------------------",
        "  With grad_v for the gradient with respect to v, from the output back.",
        "      grad_x[n]",
        "        = sum[n'](g[n'] * d y[n'] / d x[n])   [chain rule over the uses of x: y]",
        "  (3)   = sum[n'](delta[n',n] * [x[n'] > 0] * g[n'])    [differentiate each use]",
        "  (4)   = [x[n] > 0] * g[n]                          [each delta picks one term]",
        "  (5)   = g[n] * mask[n]                             [by definition of mask (2)]",
        "",
        "Forward mode: the JVP",
        "---------------------",
        "  With tangent_v for the change of v along the tangents of the inputs, from the",
        "  inputs on.",
        "      tangent_y[n]",
        "        = sum[n'](d y[n] / d x[n'] * tangent_x[n'])",
        "                                             [chain rule: the differential of y]",
        "  (6)   = [x[n] > 0] * sum[n'](delta[n,n'] * tangent_x[n'])",
        "                                                        [differentiate each use]",
        "  (7)   = [x[n] > 0] * tangent_x[n]                  [each delta picks one term]",
        "  (8)   = mask[n] * tangent_x[n]                     [by definition of mask (2)]",
        "",
        "The Jacobian, entry by entry",
        "----------------------------",
        "  The VJP with one entry of g set to 1 and all others to 0.",
        "  (9) d y[n'] / d x[n] = delta[n,n'] * mask[n]           [g one entry at a time]",
        "",
        "Second derivatives: the HVP",
        "---------------------------",
        "  The tangent of each gradient while g stands still: Hessian times vector.",
        " (10) hvp_x[n] = 0                                      [differentiate each use]",
        "",
        "Saved for the backward",
        "----------------------",
        "  The gradients (5), the JVP and the HVP need mask of the forward and nothing",
        "  else. Of all sets that suffice the forward saves the one of fewest bytes, and",
        "  of these the one that leaves least to recompute (bytes in float64; a mask",
        "  takes one per element).",
        "  tensors  bytes",
        "  mask     N      chosen",
        "  x        8*N    more bytes",
        "",
        "Special points and stability",
        "----------------------------",
        "  At x == 0 the derivative with respect to x is 0 by convention.",
        "",
    ]


@pytest.mark.parametrize("name", FEW)
def test_proof_record(name: str) -> None:
    """The record says that every step is proved, that every mutant is rejected, and what was checked end to end."""
    found = proof(name)
    shown = one_line(plain(proved(name)))
    assert f"{len(derivation(name).steps)} steps proved" in shown
    assert f"{found.mutants} of {found.mutants} mutants rejected, seed {found.seed}" in shown
    assert all(end in shown for end in found.ends)


def test_long_formulas_break_at_outer_operators_first() -> None:
    """A line ends where the formula is least connected."""
    assert wrapped("a * b + c * (d - e)", 80) == ["a * b + c * (d - e)"]
    assert wrapped("aaaa * bbbb + cccc * (dddd - eeee)", 24) == ["aaaa * bbbb", "+ cccc * (dddd - eeee)"]
    assert wrapped("cccc * (dddd - eeee - ffff)", 20) == ["cccc * (dddd - eeee", "    - ffff)"]
