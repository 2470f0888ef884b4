"""The parser of formulas: what it reads, and where its messages point."""

from __future__ import annotations

from fractions import Fraction

import pytest

from gradlab.errors import FormulaError
from gradlab.symbolic.formula.nodes import Arithmetic, Call, Entry, Name, Number, Reduce, walk
from gradlab.symbolic.formula.parse import parse


def test_softmax() -> None:
    """Entries, calls and reductions come out as nodes."""
    (statement,) = parse("y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))").statements
    assert (statement.name, statement.indices) == ("y", ("n", "d"))
    assert isinstance(statement.value, Arithmetic)
    assert isinstance(statement.value.left, Call)
    assert isinstance(statement.value.right, Reduce)
    assert statement.value.right.indices == ("k",)


def test_numbers_are_exact() -> None:
    """0.1 is one tenth."""
    (statement,) = parse("y[n] = 0.1 * x[n]").statements
    assert Number(Fraction(1, 10), next(iter(walk(statement.value.left))).place) == statement.value.left


def test_several_lines() -> None:
    """Lines, comments, semicolons, an indented text and brackets that go over lines."""
    tree = parse("  s = sum[i](  # over all\n      x[i]**2\n  )\n  t = 2*s; y = sqrt(t)\n")
    assert [statement.name for statement in tree.statements] == ["s", "t", "y"]


def test_long_sums_are_walked() -> None:
    """A sum of a hundred terms is not too deep."""
    tree = parse("y[n] = " + " + ".join(["x[n]"] * 100))
    assert sum(isinstance(node, Entry) for node in walk(tree.statements[0].value)) == 100
    assert isinstance(parse("y = a").statements[0].value, Name)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 1, "there is no formula"),
        ("exp(x[n])", 1, "this is no definition"),
        ("y[n] = x[n", 9, "this cannot be read"),
        ("y[n] = x[n]^2", 8, "^ is no power here"),
        ("y[n] = x[n].real", 8, "Attribute is not part"),
        ("y[n] = lambda: 1", 8, "Lambda is not part"),
        ("y[n] = 'a'", 8, "the character '"),
        ("y[n] = é[n]", 8, "the character 'é'"),
        ("y[n] = 2 < x[n] < 3", 8, "a chain of comparisons"),
        ("y[n] = x[n] == 1", 8, "this comparison has no use"),
        ("y[n] = x[n] // 2", 8, "this operator is not part"),
        ("y[n] = sum(x[n])", 8, "sum of what index?"),
        ("y[n] = f[k](x[n])", 8, "only sum, mean, max and min"),
        ("y[n] = sum[k](x[n], 2)", 8, "sum[...] has 2 arguments"),
        ("y[n] = sum[2](x[n])", 12, "this is no index"),
        ("y[n] = exp(u=x[n])", 14, "arguments have no names"),
        ("y[n] = True", 8, "True is not a number"),
        ("y[n] = 1j", 8, "1j is not a number"),
        ("y[n] = 1e400", 8, "the number is too long"),
        ("y[n, n] = x[n]", 6, "the left side repeats the index n"),
        ("y[n] = z[n] = x[n]", 8, "two names for one value"),
        ("(a, b) = x[n]", 1, "the left side is no entry"),
        ("y[n] = x[]", 10, "this cannot be read"),
        ("y[n] = " + "(" * 41, 48, "brackets are nested deeper"),
        ("y[n] = " + "-" * 300 + "x[n]", 89, "this is too deeply nested"),
        ("y[n] = " + "+".join(["x[n]"] * 300), None, "more than 400 parts"),
        ("y = 1\n" * 41, 1, "more than 40 statements"),
        ("y[n] = x[n]" + " " * 4000 + "1", 4001, "more than 4000 characters"),
    ],
)
def test_errors_point_at_the_character(text: str, column: int | None, problem: str) -> None:
    """Every refusal names the problem and the column, and shows a caret below it."""
    with pytest.raises(FormulaError) as caught:
        parse(text)
    message = str(caught.value)
    assert problem in message
    if column is not None:
        assert f"column {column}:" in message
    assert message.endswith("^")
