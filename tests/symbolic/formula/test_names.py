"""What the names of a formula stand for, and which axes are one."""

from __future__ import annotations

import pytest

from gradlab.errors import FormulaError
from gradlab.symbolic.formula.names import resolve
from gradlab.symbolic.formula.parse import parse


def test_axes_are_joined() -> None:
    """d and k run over one axis, because both index the second axis of x."""
    names = resolve(parse("y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))"))
    assert names.axis_of("d") == names.axis_of("k") == names.axis_of(("x", 1)) == "D"
    assert names.inputs == {"x": 2}


def test_a_taken_letter() -> None:
    """The size of q is called Nq where a tensor is called Q."""
    assert resolve(parse("s[q] = sum[d](Q[q,d])")).axis_of("q") == "Nq"


def test_labels_sizes_and_scalars() -> None:
    """An index in brackets that is an entry holds labels; D is a size; tau is a scalar."""
    names = resolve(parse("y[n] = x[n,label[n]] / (D * tau) + sum[d](x[n,d])"))
    assert set(names.labels) == {"label"}
    assert names.sizes["D"] == "d"
    assert set(names.scalars) == {"tau"}


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("y[n] = x[m]", 10, "the index m is free on the right side only"),
        ("y[n] = sum[n](x[n])", 8, "sum runs over n, which is taken"),
        ("y[n] = x[n] + x", 15, "x stands without indices"),
        ("y[n] = x[n] + x[n,n]", 15, "x has 2 indices here and 1 elsewhere"),
        ("y[n] = n * x[n]", 8, "the index n is used as a number"),
        ("y[n] = x[n] * delta(n)", 15, "delta takes two indices"),
        ("y[n] = x[n] * delta(n, m)", 24, "the index m is free"),
        ("y[n,d] = x[n]", 1, "no input has an axis for the index d"),
        ("y[n] = x[n] + sum[k](x[n])", 15, "no input has an axis for the index k"),
        ("n[k] = x[k]\ny[n] = x[n]", 1, "n is an index too"),
        ("y[n] = z[n] * x[n]\nz[n] = x[n]", 1, "z is used before it is bound"),
        ("y[n] = w[x[l[n]]]", 12, "more than plain indices"),
        ("a[n] = x[n]\ny[n] = w[a[n]]", 10, "a is computed and used as an index"),
        ("y[n] = x[exp(n)]", 10, "an index is a sum of indices"),
        ("pi[n] = x[n]", 1, "pi is a constant"),
    ],
)
def test_errors(text: str, column: int, problem: str) -> None:
    """What does not fit is pointed at."""
    with pytest.raises(FormulaError) as caught:
        resolve(parse(text))
    assert problem in str(caught.value)
    assert f"column {column}:" in str(caught.value)
