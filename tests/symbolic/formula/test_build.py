"""Formulas become the definitions that an author would have written."""

from __future__ import annotations

import pytest
from sympy import Idx, IndexedBase, Sum, exp, symbols

from benchmarks.formula_fuzz import fuzz
from gradlab.errors import FormulaError
from gradlab.operation import Parameter, real
from gradlab.symbolic.formula import formula


def test_softmax() -> None:
    """The same SymPy expression as in derivations/softmax.py."""
    definition = formula("y[n,d] = exp(x[n,d]) / sum[k](exp(x[n,k]))")
    N, D = symbols("N D", integer=True)
    n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
    x = IndexedBase("x")
    assert definition.lets[0].value == exp(x[n, d]) / Sum(exp(x[n, k]), k)
    assert definition.reference is None


def test_domains_are_inferred() -> None:
    """What stands below a logarithm or a root is positive, unless the reader says otherwise."""
    kinds = {str(item.entry.base): item.domain.kind for item in formula("y[n] = log(x[n]) + sqrt(z[n])*u[n]").inputs}
    assert kinds == {"x": "positive", "z": "positive", "u": "real"}
    (item,) = formula("y[n] = log(x[n])", domains={"x": real(1, 2)}).inputs
    assert item.domain == real(1, 2)


def test_wrt_and_scalars() -> None:
    """A scalar is a parameter, or an input where wrt names it."""
    assert [p.name for p in formula("y[n] = tau * x[n]").parameters] == ["tau"]
    definition = formula("y[n] = tau * x[n]", wrt=["tau"])
    assert [(str(item.entry), item.differentiable) for item in definition.inputs] == [("x[n]", False), ("tau", True)]
    (own,) = formula("y[n] = tau * x[n]", parameters={"tau": Parameter("tau", 0.5, 0.1, 1)}).parameters
    assert own.default == 0.5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("y[n] = exq(x[n])", "unknown function exq; did you mean exp or expm1?"),
        ("y[n] = exp(x[n], 2)", "exp has 2 arguments and takes 1"),
        ("y[n] = x[n] ** 1000", "the exponent 1000"),
        ("y[n] = x[n] ** u[n]", "the exponent is no number"),
        ("y[n] = x[n] / 0", "a division by zero"),
        ("m = max[k](x[k])", "max over all indices"),
        ("y[n] = max[k](2 * x[n,k])", "max takes one entry with plain indices"),
        ("y[n] = max[k](x[n,j])", "the index j is free"),
        ("y[n] = max(x[n], u[n])", "neither argument of max is 0"),
        ("y = 3", "no tensor to differentiate by"),
    ],
)
def test_errors(text: str, problem: str) -> None:
    """What cannot be built is pointed at."""
    with pytest.raises(FormulaError, match="column ") as caught:
        formula(text)
    assert problem in str(caught.value)


def test_wrong_options() -> None:
    """Names that the formula does not have are refused with those that it has."""
    with pytest.raises(FormulaError, match="--wrt z: the formula's real inputs are x"):
        formula("y[n] = x[n]", wrt=["z"])
    with pytest.raises(FormulaError, match="parameter a: the formula's parameters are tau"):
        formula("y[n] = tau*x[n]", parameters={"a": Parameter("a", 1, 1, 1)})


def test_hostile_texts() -> None:
    """Random texts give a definition or a FormulaError: nothing else is raised, executed, imported or opened."""
    tally = fuzz(3000, seed=1)
    assert tally.bad == []
    assert tally.accepted > 100
    assert tally.refused > 1000
