from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from sympy import Idx, IndexedBase, symbols

from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.functions import ELEMENTARY, Elementary, calls, recognise
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits, digits, dual
from gradlab.symbolic.terms import Expr, Function
from tests.symbolic.build import index, ref, term, total

u = sp.Symbol("u", positive=True)


def beside(name: str) -> tuple[str, ...]:
    """Names for the operands beside the first."""
    counts = {"clamp": 2, "clip": 2, "power": 1}
    return ("low", "high")[: counts.get(name, 0)]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_a_row_is_recognised_in_its_own_form(name: str) -> None:
    """What a row writes in SymPy, it reads again."""
    # Not positive: SymPy would evaluate Max(u, 0).
    operands = [sp.Symbol("v", real=True), *map(sp.Symbol, beside(name))]
    assert recognise(ELEMENTARY[name].to_sympy(*operands)) == (name, *operands)


@pytest.mark.parametrize("at", ["0.7", "1.4", "2.5"])
@pytest.mark.parametrize("name", ELEMENTARY)
def test_derivatives_are_those_of_the_values(name: str, at: str) -> None:
    """Each row's derivative is what mpmath's differences of its value give, to 15 digits."""
    ring, number = Digits(), {"low": "0.2", "high": "2.0"}
    with mpmath.workdps(ring.digits):
        values = {"u": mpmath.mpf(at)} | {key: mpmath.mpf(number[key]) for key in beside(name)}
        tensors = {key: np.asarray(value, dtype=object) for key, value in values.items()}
        found = ELEMENTARY[name].derivative(*(term(ref(key)) for key in tensors))
        slope = np.asarray(evaluate(found, (), Point(ring, {}, tensors)))[()]
        others = [tensors[key] for key in beside(name)]
        wanted = mpmath.diff(lambda x: ring.function(name, np.asarray(x, dtype=object), *others)[()], values["u"])
        assert abs(slope - wanted) < mpmath.mpf(10) ** -15


@pytest.mark.parametrize("expression", [u, u**2, sp.atan(u), sp.Max(u, 1, sp.Symbol("v")), sp.Integer(2)], ids=str)
def test_nothing_else_is_recognised(expression: sp.Expr) -> None:
    """Other functions have no row."""
    assert recognise(expression) is None


def test_a_new_function_is_three_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """coth: its derivative and code, its value at 50 digits and its slope; reading, derivation and proof follow."""
    row = Elementary(
        name="coth",
        to_sympy=sp.coth,
        arguments=calls(sp.coth),
        derivative=lambda argument: total(term(), term((Function("coth", argument), 2), of=-1)),
        numpy="1 / np.tanh({0})",
        torch="1 / torch.tanh({0})",
        number="1 / math.tanh({0})",
    )
    monkeypatch.setitem(ELEMENTARY, "coth", row)
    monkeypatch.setitem(digits._FUNCTIONS, "coth", mpmath.coth)

    def slope(ring: object, value: object) -> object:
        square = ring.power(ring.function("coth", value), Fraction(2))
        return ring.add(ring.constant(Fraction(1)), ring.multiply(ring.constant(Fraction(-1)), square))

    monkeypatch.setitem(dual._SLOPES, "coth", slope)
    n = Idx("n", symbols("N", integer=True))
    x, y = IndexedBase("x"), IndexedBase("y")
    definition = Definition(
        name="coth",
        summary="",
        inputs=[given(x[n])],
        lets=[let(y[n], sp.coth(x[n]))],
        output=y[n],
        reference="1 / torch.tanh(x)",
    )
    derivation = derive(read(definition))
    own = index("n")
    g = ref("grad_output", own)
    assert derivation.gradients["x"].value == total(term(g), term(g, (ref("y", own), 2), of=-1))
    assert derivation.saved == ("y",)
    assert prove(derivation).mutants > 40


def test_derivatives_agree_with_sympy() -> None:
    """Where SymPy has the same derivative, it is the same: exp and log."""
    monomial = term(ref("u"))
    assert ELEMENTARY["exp"].derivative(monomial) == Expr.atom(Function("exp", monomial))
    assert sp.diff(sp.exp(u), u) == sp.exp(u)
    assert ELEMENTARY["log"].derivative(monomial) == total(term((ref("u"), -1)))
    assert sp.diff(sp.log(u), u) == 1 / u
