"""Orders of places and products over an axis: keys, derivatives, values, lemmas' safety, and what is refused."""

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from sympy import Idx, IndexedBase, Product, Sum, symbols

from gradlab.errors import DefinitionError
from gradlab.operation import Along, Packed, Parameter
from gradlab.symbolic.calculus import contract, differentiate
from gradlab.symbolic.definition import Definition, at_most, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.expand import SymPyRing
from gradlab.symbolic.expand import symbols as entries
from gradlab.symbolic.indices import Axis, Index
from gradlab.symbolic.mutants import mutants
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import PrimeField
from gradlab.symbolic.terms import Expr, Order, Prod, Term
from tests.symbolic.build import index, ref, term

N, D, M = symbols("N D M", integer=True)
n, d, k, m = Idx("n", N), Idx("d", D), Idx("k", D), Idx("m", M)
x, y = map(IndexedBase, "xy")
D1, D2, D3 = index("d1", "d"), index("d2", "d"), index("d3", "d")


def product(*without: Index) -> Prod:
    """The product of x over d, without the entries at some places."""
    running = Index("k", Axis("d"))
    return Prod(Term(Fraction(1), ((ref("x", running), Fraction(1)),), (running,)), without)


def value(expression: Expr, free: tuple[Index, ...], size: int = 4) -> Any:
    """Its entries over symbols x_0, x_1, …."""
    tensors = {"x": entries("x", (size,))}
    return np.asarray(evaluate(expression, free, Point(SymPyRing(), {Axis("d"): size}, tensors)))


def definition(value: sp.Expr, **options: Any) -> Definition:
    """y[n] or y[n, d] from x[n, d]."""
    entry = y[n, d] if value.has(d) and not isinstance(value, Product) else y[n]
    return Definition(
        name="op", summary=".", inputs=[given(x[n, d])], lets=[let(entry, value)], output=entry, leading=N,
        reference="x", **options,
    )  # fmt: skip


def test_a_product_is_known_by_its_factors_not_by_its_running_index() -> None:
    """Two products that differ by the name of the index they run over are one atom, as are the places left out."""
    other = Index("other", Axis("d"))
    same = Prod(Term(Fraction(1), ((ref("x", other), Fraction(1)),), (other,)))
    assert same == product()
    assert term(product(D1, D2)) == term(product(D2, D1))
    assert term(product(D1)) != term(product(D2))


def test_the_derivative_of_a_product_is_the_product_of_the_others() -> None:
    """d prod(x) / d x[e] = prod without e, and so on for second derivatives, against SymPy's own diff."""
    variables = entries("x", (4,))
    once = contract(differentiate(Expr.atom(product()), ref("x", D1)))
    twice = contract(differentiate(once, ref("x", D2)))
    whole = sp.Mul(*variables)
    for i in range(4):
        assert sp.expand(value(once, (D1,))[i] - sp.diff(whole, variables[i])) == 0
        for j in range(4):
            assert sp.expand(value(twice, (D1, D2))[i, j] - sp.diff(whole, variables[i], variables[j])) == 0


def test_a_product_without_the_same_entry_twice_is_zero() -> None:
    """So that the second derivative by one and the same entry vanishes."""
    both = value(Expr.atom(product(D1, D2)), (D1, D2))
    assert all(both[i, i] == 0 for i in range(4))
    assert both[0, 1] != 0


def test_a_product_with_zeros_is_exact_in_the_field() -> None:
    """Nothing is divided: one zero leaves one product that is not 0, two leave none."""
    ring = PrimeField()
    for numbers, wanted in (([0, 3, 5], [15, 0, 0]), ([0, 3, 0], [0, 0, 0])):
        array = np.array(numbers, dtype=object)
        found = evaluate(Expr.atom(product(D1)), (D1,), Point(ring, {Axis("d"): 3}, {"x": array}))
        assert list(found) == wanted


def test_an_order_is_its_own_power_and_a_constant() -> None:
    """[k <= d]**2 is [k <= d]; it has no derivative; [k <= d] and [d <= k] are two."""
    order = Order(D1, D2)
    assert term(order, order) == term(order)
    assert not differentiate(Expr.atom(order), ref("x", D3)).terms
    assert Order(D1, D2) != Order(D2, D1)
    np.testing.assert_array_equal(value(Expr.atom(order), (D1, D2), 3), np.triu(np.ones((3, 3), dtype=int)))


def test_running_sums_are_proved_and_their_order_has_a_mutant() -> None:
    """cumsum's gradient runs the other way; a proof that let [k <= d] pass for [d <= k] would be worth nothing."""
    derivation = derive(read(definition(Sum(x[n, k] * at_most(k, d), k))))
    ((atom, _),) = [f for t in derivation.gradients["x"].value for f in t.factors if isinstance(f[0], Order)]
    assert atom.left == derivation.gradients["x"].free[1]
    proof = prove(derivation)
    assert proof.killed == proof.mutants
    kinds = {mutant.kind for mutant in mutants(derivation.gradients["x"].value, random.Random(1), ())}
    assert "other order" in kinds


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Product(x[n, d], (d, 0, 3)), "Product over part of an axis: (d, 0, 3); multiply over the whole axis"),
        (Product(n, d), "the index n is used as a number"),
        (Sum(x[n, k] * at_most(k, m), k), "at_most(k, m) compares indices of two axes; only places on one axis"),
    ],
)
def test_products_and_orders_that_make_no_sense(value: sp.Expr, message: str) -> None:
    """Each is refused with the place and the remedy."""
    with pytest.raises(DefinitionError) as error:
        read(definition(value))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"along": Along("m")}, "along: no input has leading dimensions and an axis 'm'"),
        ({"along": Along("d"), "parameters": [Parameter("axis", 1, 0, 1)]}, "the name axis is one that the keyword"),
        ({"packed": Packed("c", "groups", "k")}, "packed: groups is no integer parameter; add Parameter("),
    ],
)
def test_doors_that_do_not_fit_the_shapes(options: dict[str, Any], message: str) -> None:
    """`along`, `broadcast` and `packed` are checked against the shapes when the definition is read."""
    with pytest.raises(DefinitionError) as error:
        read(definition(Sum(x[n, k] * at_most(k, d), k), **options))
    assert message in str(error.value)


def test_broadcast_needs_leading_dimensions() -> None:
    """Every input has to have them."""
    wrong = Definition(
        name="op", summary=".", inputs=[given(x[n, d])], lets=[let(y[n, d], 2 * x[n, d])], output=y[n, d],
        reference="x", broadcast=True,
    )  # fmt: skip
    with pytest.raises(DefinitionError, match="broadcast: only leading dimensions are broadcast"):
        read(wrong)
