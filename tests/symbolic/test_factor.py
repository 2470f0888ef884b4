from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from gradlab.symbolic.factor import factor
from gradlab.symbolic.prove import flat
from gradlab.symbolic.terms import Expr, Term
from tests.symbolic.build import delta, index, ref, size, term, total

n, m, k = index("n"), index("m", "n"), index("k", "n")
N = size("n")


def test_what_all_terms_share_comes_out() -> None:
    """y g - y Sum g y = y (g - Sum g y)."""
    inner = [term(ref("g", n)), term(ref("g", k), ref("y", k), of=-1, over=[k])]
    found = factor(Expr.of(t.times(term(ref("y", n))) for t in inner))
    assert found.prefactor == term(ref("y", n))
    assert found.inner == total(*inner)


def test_sizes_go_below() -> None:
    """a g - a Sum g / N = a / N (N g - Sum g): beside an atom, the least power of a size comes out."""
    a = ref("a")
    found = factor(total(term(a, ref("g", n)), term(a, (N, -1), ref("g", k), of=-1, over=[k])))
    assert found.prefactor == term(a, (N, -1))
    assert found.inner == total(term(N, ref("g", n)), term(ref("g", k), of=-1, over=[k]))


def test_sizes_alone_do_not_multiply() -> None:
    """g - Sum g / N stays, and a / N + b / N = (a + b) / N."""
    one = term(ref("g", n))
    assert factor(total(one, term((N, -1), ref("g", k), of=-1, over=[k]))).prefactor == term()
    assert factor(total(term(ref("a"), (N, -1)), term(ref("b"), (N, -1)))).prefactor == term((N, -1))


def test_atoms_do_not_go_below() -> None:
    """x + 1 / x stays: x**2 + 1 over x would divide what did not divide before."""
    expression = total(term(ref("x", n)), term((ref("x", n), -1)))
    assert factor(expression).prefactor == term()


def test_shared_denominators_come_out() -> None:
    """a / s - b / s**2 = (a - b / s) / s."""
    found = factor(total(term(ref("a"), (ref("s"), -1)), term(ref("b"), (ref("s"), -2), of=-1)))
    assert found.prefactor == term((ref("s"), -1))
    assert found.inner == total(term(ref("a")), term(ref("b"), (ref("s"), -1), of=-1))


def test_numbers_come_out() -> None:
    """-2/3 a - 4/9 b = -2/9 (3 a + 2 b)."""
    found = factor(total(term(ref("a"), of=Fraction(-2, 3)), term(ref("b"), of=Fraction(-4, 9))))
    assert found.prefactor == term(of=Fraction(-2, 9))
    assert found.inner == total(term(ref("a"), of=3), term(ref("b"), of=2))


def test_zero() -> None:
    """Nothing comes out of 0."""
    assert factor(Expr()).inner == Expr()


ATOMS = [ref("a", n), ref("b", n), ref("b", k), N, delta(n, m), ref("s")]
TERMS = st.builds(
    lambda of, factors: term(*factors, of=of, over=[k]),
    st.sampled_from([Fraction(-2), Fraction(1, 3), Fraction(4, 9)]),
    st.lists(st.tuples(st.sampled_from(ATOMS), st.sampled_from([-2, -1, 1, 2])), max_size=5),
)


@given(st.lists(TERMS, max_size=4))
def test_multiplying_out_gives_the_expression_back(terms: list[Term]) -> None:
    """prefactor x inner is what was factored, whatever the terms."""
    expression = Expr.of(t for t in terms if all(e > 0 for a, e in t.factors if a == delta(n, m)))
    assert flat(factor(expression)) == expression
