import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlab.errors import DefinitionError
from gradlab.symbolic.calculus import contract, contract_term, differentiate
from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.indices import Axis, Gather, Index
from gradlab.symbolic.rings import PrimeField
from gradlab.symbolic.terms import Delta, Expr, Function, Indicator, Ref, Term
from tests.symbolic.build import delta, index, ref, size, term, total

n, m, d, e = index("n"), index("m", "n"), index("d"), index("e", "d")
BOUND = (*(index(f"n{k}") for k in range(3)), *(index(f"d{k}") for k in range(2)))


def test_an_entry_differentiates_to_deltas() -> None:
    """dx[n,d] / dx[m,e] = delta[n,m] delta[d,e]."""
    assert differentiate(total(term(ref("x", n, d))), ref("x", m, e)) == total(term(delta(n, m), delta(d, e)))


def test_other_tensors_are_constant() -> None:
    """dz[n] / dx[m] = 0."""
    assert differentiate(total(term(ref("z", n))), ref("x", m)) == Expr()


def test_a_scalar_differentiates_to_one() -> None:
    """dx / dx = 1 without indices."""
    assert differentiate(total(term(ref("x"))), ref("x")) == Expr.number(1)


def test_powers() -> None:
    """d sqrt(x) = 1/2 x**-1/2, and d x**-2 = -2 x**-3."""
    half = Fraction(1, 2)
    root = differentiate(total(term((ref("x", n), half))), ref("x", m))
    assert root == total(term((ref("x", n), -half), delta(n, m), of=half))
    inverse = differentiate(total(term((ref("x", n), -2))), ref("x", m))
    assert inverse == total(term((ref("x", n), -3), delta(n, m), of=-2))


def test_functions() -> None:
    """exp, log and max(u, 0) of a product: the derivative at u, times that of u."""
    u = term(ref("x", n), ref("w", n), of=2)
    inner = term(ref("w", n), delta(n, m), of=2)
    found = {
        name: differentiate(total(term(Function(name, u))), ref("x", m)) for name in ("exp", "log", "positive_part")
    }
    assert found == {
        "exp": total(inner.times(term(Function("exp", u)))),
        "log": total(term(delta(n, m), (ref("x", n), -1))),
        "positive_part": total(inner.times(term(Indicator(u)))),
    }


def test_an_indicator_is_constant() -> None:
    """[x > 0] has the derivative 0 where it has one."""
    assert differentiate(total(term(Indicator(term(ref("x", n))))), ref("x", m)) == Expr()


def test_a_sum_does_not_capture() -> None:
    """d Sum_n x[n] / dx[n] = 1: the summed n is another variable than that of the entry."""
    found = differentiate(total(term(ref("x", n), over=[n])), ref("x", m))
    assert contract(found.rename({m: n})) == Expr.number(1)


def test_contraction_picks_one_term() -> None:
    """Sum_m delta[n,m] x[m] = x[n], and Sum_m delta[n,m] = 1."""
    assert contract_term(term(delta(n, m), ref("x", m), over=[m])) == term(ref("x", n))
    assert contract_term(term(delta(n, m), over=[m])) == term()


def test_contraction_of_free_indices_waits() -> None:
    """A delta of two free indices stays."""
    assert contract_term(term(delta(n, m), ref("x", m))) == term(delta(n, m), ref("x", m))


def test_a_trace_of_a_delta_is_the_size() -> None:
    """Sum_n delta[n,n] = N, and Sum_nm delta[n,m] delta[m,n] = N."""
    assert contract_term(term(delta(n, n), over=[n])) == term(size("n"))
    assert contract_term(term(delta(n, m), over=[n, m])) == term(size("n"))


def test_a_repeated_index() -> None:
    """Sum_m delta[m,n] delta[m,k] x[m] = delta[n,k] x[n]: one delta is left."""
    k = index("k", "n")
    found = contract_term(term(delta(m, n), delta(m, k), ref("x", m), over=[m]))
    assert found in (term(delta(n, k), ref("x", n)), term(delta(n, k), ref("x", k)))


def test_a_lookup_is_put_in() -> None:
    """Sum_d delta[label[n],d] x[n,d] = x[n,label[n]]; the other way round nothing is solved for n."""
    lookup = Gather("label", (n,), d.axis)
    assert contract_term(term(delta(lookup, d), ref("x", n, d), over=[d])) == term(Ref("x", (n, lookup)))
    scattered = term(delta(lookup, d), ref("x", n, d), over=[n])
    assert contract_term(scattered) == scattered


def test_a_lookup_in_a_lookup_stays_a_delta() -> None:
    """Sum_m delta[label[k],m] x[other[m]] has no shorter form."""
    k = index("k")
    outer, inner = Gather("label", (k,), m.axis), Gather("other", (m,), d.axis)
    subject = term(delta(outer, m), Ref("x", (inner,)), over=[m])
    assert contract_term(subject) == subject


def test_two_sorts_never_contract() -> None:
    """A delta between two axes is an error, whatever their sizes are."""
    with pytest.raises(DefinitionError) as caught:
        contract_term(term(Delta(n, d), over=[d]))
    assert str(caught.value) == (
        "a delta contracts axis n with axis d; two axes are never interchangeable: give both tensors the same axis "
        "where they are meant to match"
    )


ATOMS = st.one_of(
    st.tuples(st.sampled_from(BOUND[:3]), st.sampled_from(BOUND[3:])).map(lambda slots: Ref("a", slots)),
    st.sampled_from([*BOUND[:3], n]).map(lambda slot: Ref("b", (slot,))),
    *[st.tuples(st.sampled_from([n, *BOUND[:3]]), st.sampled_from([n, *BOUND[:3]])).map(lambda s: Delta(*s))] * 2,
    st.tuples(st.sampled_from([d, *BOUND[3:]]), st.sampled_from([d, *BOUND[3:]])).map(lambda s: Delta(*s)),
    st.sampled_from(BOUND[:3]).map(lambda slot: Function("exp", term(ref("b", slot)))),
)


@given(st.lists(ATOMS, max_size=7))
def test_contraction_keeps_the_value(atoms: list[Ref | Delta | Function]) -> None:
    """Whatever deltas a sum runs over, contracting them leaves its value alone, and none that could go is left."""
    original = term(*atoms, over=BOUND)
    contracted = contract_term(original)
    rng = random.Random(3)
    ring = PrimeField()
    sizes = {Axis("n"): 3, Axis("d"): 2}
    tensors = {"a": numbers((3, 2), ring, rng), "b": numbers((3,), ring, rng)}
    point = Point(ring, sizes, tensors)
    left, right = (evaluate(Expr.of([side]), (n, d), point).tolist() for side in (original, contracted))
    assert left == right
    assert not any(isinstance(a, Delta) and {a.left, a.right} & set(contracted.bound) for a, _ in contracted.factors)


def test_the_product_rule_with_sums() -> None:
    """d (Sum_n x[n])**2 in let form: the derivative of s**2 times that of s."""
    found = differentiate(total(Term.make(Fraction(1), [(ref("s"), Fraction(2))])), ref("s"))
    assert found == total(term(ref("s"), of=2))


def test_fresh_indices_never_repeat() -> None:
    """Each renaming gets indices that occur nowhere else."""
    assert Index.fresh(n.axis) != Index.fresh(n.axis)
