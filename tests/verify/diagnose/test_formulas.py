"""Numbers, products and sizes are put into words only where the words are right."""

from __future__ import annotations

import numpy as np
import pytest

from gradlab.verify.diagnose.entries import product_of
from gradlab.verify.diagnose.formulas import recognised
from gradlab.verify.diagnose.places import places
from gradlab.verify.diagnose.thresholds import pattern

QUANTITIES = [{"n": 5.0, "d": 4.0, "p": 0.5}, {"n": 7.0, "d": 4.0, "p": 0.5}, {"n": 5.0, "d": 6.0, "p": 0.2}]


@pytest.mark.parametrize(
    ("formula", "text", "inverse"),
    [
        (lambda n, d, p: n, "n", "1/n"),
        (lambda n, d, p: 1 / n, "1/n", "n"),
        (lambda n, d, p: (d - 1) / d, "(d - 1)/d", "d/(d - 1)"),
        (lambda n, d, p: np.sqrt(d), "sqrt(d)", "1/sqrt(d)"),
        (lambda n, d, p: 1 - p, "1 - p", "1/(1 - p)"),
        (lambda n, d, p: (1 - p) / p, "(1 - p)/p", "p/(1 - p)"),
        (lambda n, d, p: n * d, "n*d", "1/(n*d)"),
        (lambda n, d, p: d / n, "d/n", "n/d"),
        (lambda n, d, p: -1 / n, "-1/n", "-n"),
        (lambda n, d, p: 2.0, "2", "1/2"),
    ],
)
def test_recognised(formula, text: str, inverse: str) -> None:
    """A factor is named by the sizes and parameters that it follows, with what undoes it."""
    found = recognised([formula(**case) for case in QUANTITIES], QUANTITIES)
    assert found is not None
    assert (found.text, found.inverse) == (text, inverse)


def test_not_recognised() -> None:
    """A number that follows nothing stays a number."""
    assert recognised([1.234, 5.678, 0.9], QUANTITIES) is None
    assert recognised([np.nan] * 3, QUANTITIES) is None


def test_products() -> None:
    """Powers of arrays with one coefficient; sums and unrelated numbers are none."""
    rng = np.random.default_rng(0)
    a, b, y = rng.normal(size=20), rng.normal(size=20), rng.uniform(0.1, 0.9, 20)
    arrays = {"a": a, "b": b, "y": y}
    assert str(product_of(-a / b**2, arrays)) == "-a/(b**2)"
    assert str(product_of(y * (1 - y), arrays)) == "y*(1 - y)"
    assert str(product_of(np.full(20, 2.0), arrays)) == "2"
    assert product_of(a + b, arrays) is None
    assert product_of(rng.normal(size=20), arrays) is None
    assert product_of(a[:5], {"a": a[:5]}) is None


@pytest.mark.parametrize(
    ("bad", "good", "words"),
    [
        ([1], [2, 3, 8], "n == 1"),
        ([9, 10, 64], [1, 2, 8], "n >= 9"),
        ([2, 4, 6], [1, 3, 5], "n is even"),
        ([1, 3, 5], [2, 4, 6], "n is odd"),
        ([17, 31, 33], [1, 2, 15, 16, 32, 64], "n > 16 is no multiple of 16"),
        ([1, 2, 3], [], ""),
    ],
)
def test_patterns(bad: list[int], good: list[int], words: str) -> None:
    """What the sizes that fail have in common."""
    assert pattern({n: n in bad for n in bad + good}, "n") == words


def test_places() -> None:
    """An index is named only where everything at it is wrong and nothing else."""
    wrong = np.zeros((4, 5), dtype=bool)
    wrong[-1] = True
    assert set(places(wrong)) == {(0, "the last index"), (0, "index 3")}
    wrong[0, 0] = True
    assert not list(places(wrong))
