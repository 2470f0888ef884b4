import ast

import pytest

from gradlab.mutate.generate import mutants
from gradlab.mutate.normal_form import normal_form, proofs
from gradlab.mutate.source import Source


def form(*body: str) -> str:
    """The normal form of a function of a, b, c, x, y."""
    (function,) = ast.parse("def f(a, b, c, x, y):\n" + "\n".join(f"    {line}" for line in body)).body
    assert isinstance(function, ast.FunctionDef)
    return normal_form(function)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a + b", "b + a"),
        ("x * 2", "x + x"),
        ("a * (b + c)", "a * b + c * a"),
        ("a / b / c", "a / (b * c)"),
        ("x ** 2", "x * x"),
        ("a - b", "-(b - a)"),
        ("x / 2", "0.5 * x"),
        ("np.sum(a * b, axis=0)", "np.sum(b * a, axis=0)"),
        ("x * (a > b)", "(b < a) * x"),
        ("f(out=a, axis=0)", "f(axis=0, out=a)"),
    ],
)
def test_equal(one: str, other: str) -> None:
    """The same function up to rounding, written otherwise."""
    assert form(f"return {one}") == form(f"return {other}")


@pytest.mark.parametrize(
    ("one", "other", "where"),
    [
        ("x / x", "1.0", "x = 0"),
        ("x ** 2 / x", "x", "x = 0"),
        ("x - x + y", "y", "x has more axes than y"),
        ("x * 1", "x", "the caller's own array is returned"),
        ("x * 1.0", "x * 1", "x is of integers"),
        ("x // 2", "x / 2", "x is odd"),
        ("a @ b", "b @ a", "nearly everywhere"),
        ("a > b", "a >= b", "a = b"),
        ("a - b", "b - a", "nearly everywhere"),
        ("-a", "a", "nearly everywhere"),
        ("f(a, b)", "f(b, a)", "nearly everywhere"),
        ("x[0]", "x[1]", "nearly everywhere"),
        ("True * x", "False * x", "nearly everywhere"),
    ],
)
def test_different(one: str, other: str, where: str) -> None:
    """No proof where there is an input on which the two differ."""
    assert form(f"return {one}") != form(f"return {other}"), where


def test_statements() -> None:
    """A name that is never read does not matter, unless computing it may do something."""
    assert form("n = x", "return a") == form("return a") == form("pass", "return a")
    assert form("n = x.shape[0]", "return a") != form("n = x.shape[1]", "return a")
    assert form("n = np.add(x, y, out=x)", "return a") != form("return a")
    assert form("a += b", "return a") != form("a -= b", "return a")
    assert form("a, b = c", "return a") != form("b, a = c", "return a")
    assert form("if x:", "    return a * b") == form("if x:", "    return b * a")


def test_mutants_that_change_nothing() -> None:
    """A product and a quotient by 1.0 are one; an index that may be out of range is no proof, used or not."""
    source = Source("f.py", "def backward(g, x):\n    n = x.shape[0]\n    return g * x * 1.0 * x\n")
    found = mutants(source, "backward")
    proved = {found[k].description for k in proofs(source, found)}
    assert proved == {"g * x * 1.0 becomes g * x / 1.0"}
