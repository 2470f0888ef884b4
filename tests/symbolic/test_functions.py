from fractions import Fraction

import mpmath
import pytest
import sympy as sp
from sympy import Idx, IndexedBase, symbols

from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.functions import ELEMENTARY, Elementary, calls, recognise
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import digits, dual
from gradlab.symbolic.terms import Expr, Function
from tests.symbolic.build import index, ref, term, total

u = sp.Symbol("u", positive=True)


@pytest.mark.parametrize("name", ELEMENTARY)
def test_a_row_is_recognised_in_its_own_form(name: str) -> None:
    """What a row writes in SymPy, it reads again."""
    # Not positive: SymPy would evaluate Max(u, 0).
    argument = sp.Symbol("v", real=True)
    assert recognise(ELEMENTARY[name].to_sympy(argument)) == (name, argument)


@pytest.mark.parametrize("expression", [u, u**2, sp.sin(u), sp.Max(u, 1, sp.Symbol("v")), sp.Integer(2)], ids=str)
def test_nothing_else_is_recognised(expression: sp.Expr) -> None:
    """Other functions have no row."""
    assert recognise(expression) is None


def test_a_new_function_is_three_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """tanh: its derivative, its value at 50 digits and its slope; reading, derivation and proof follow."""
    row = Elementary(
        "tanh",
        sp.tanh,
        calls(sp.tanh),
        lambda argument: total(term(), term((Function("tanh", argument), 2), of=-1)),
    )
    monkeypatch.setitem(ELEMENTARY, "tanh", row)
    monkeypatch.setitem(digits._FUNCTIONS, "tanh", mpmath.tanh)

    def slope(ring: object, value: object) -> object:
        square = ring.power(ring.function("tanh", value), Fraction(2))
        return ring.add(ring.constant(Fraction(1)), ring.multiply(ring.constant(Fraction(-1)), square))

    monkeypatch.setitem(dual._SLOPES, "tanh", slope)
    n = Idx("n", symbols("N", integer=True))
    x, y = IndexedBase("x"), IndexedBase("y")
    definition = Definition(
        name="tanh",
        summary="",
        inputs=[given(x[n])],
        lets=[let(y[n], sp.tanh(x[n]))],
        output=y[n],
        reference="torch.tanh(x)",
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
