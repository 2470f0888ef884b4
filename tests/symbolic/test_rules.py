from fractions import Fraction

from gradlab.symbolic.indices import Gather
from gradlab.symbolic.rules import Rule, apply_everywhere, solve
from gradlab.symbolic.terms import Expr, Function, Ref, Term
from tests.symbolic.build import index, ref, size, term, total

n, m, d, k = index("n"), index("m", "n"), index("d"), index("k", "d")
HALF = Fraction(1, 2)


def fold(pattern: Term, replacement: Term, *, rooted: bool = False) -> Rule:
    """A rule for one atom."""
    return Rule("fold", pattern, total(replacement), "by definition", rooted)


def test_an_atom_is_replaced_at_any_power() -> None:
    """With e = y s, e**2 becomes y**2 s**2."""
    rule = fold(term(ref("e", n, d)), term(ref("y", n, d), ref("s", n)))
    found = rule.apply(term((ref("e", m, k), 2), ref("g", m)))
    assert found == total(term((ref("y", m, k), 2), (ref("s", m), 2), ref("g", m)))


def test_a_root_is_not_taken_apart() -> None:
    """With v = x**2, sqrt(v) is not x: x may be negative. A rule that knows better is `rooted`."""
    root = term((ref("v", n), HALF))
    assert fold(term(ref("v", n)), term((ref("x", n), 2))).apply(root) is None
    assert fold(term(ref("v", n)), term((ref("x", n), 2)), rooted=True).apply(root) == total(term(ref("x", n)))


def test_functions_match_as_a_whole() -> None:
    """exp(x[n,d]) matches exp(x[m,k]), and neither exp(2 x) nor log(x)."""
    rule = fold(term(Function("exp", term(ref("x", n, d)))), term(ref("e", n, d)))
    assert rule.apply(term(Function("exp", term(ref("x", m, k))))) == total(term(ref("e", m, k)))
    assert rule.apply(term(Function("exp", term(ref("x", m, k), of=2)))) is None
    assert rule.apply(term(Function("log", term(ref("x", m, k))))) is None


def test_repeated_indices_must_repeat() -> None:
    """A rule for x[n,n] does not apply to x[n,m]; a rule for x[n,m] applies to x[n,n]."""
    diagonal = fold(term(ref("x", n, n)), term(ref("y", n)))
    assert diagonal.apply(term(ref("x", n, m))) is None
    assert diagonal.apply(term(ref("x", m, m))) == total(term(ref("y", m)))
    assert fold(term(ref("x", n, m)), term(ref("y", m, n))).apply(term(ref("x", m, m))) == total(term(ref("y", m, m)))


def test_a_lookup_is_a_value_of_an_index() -> None:
    """A rule for x[n,d] applies to x[n,label[n]]; one that would nest lookups does not."""
    lookup = Gather("label", (n,), d.axis)
    rule = fold(term(ref("x", n, d)), term(ref("y", n, d)))
    assert rule.apply(term(Ref("x", (n, lookup)))) == total(term(Ref("y", (n, lookup))))
    nested = fold(term(ref("x", n, d)), term(ref("y", n), Ref("z", (Gather("other", (d,), n.axis),))))
    assert nested.apply(term(Ref("x", (n, lookup)))) is None


def sums(pattern: Term, replacement: Expr) -> Rule:
    """A rule for a whole sum."""
    return Rule("sum", pattern, replacement, "by definition")


SUM = sums(term(ref("e", n, d), over=[d]), total(term(ref("s", n))))


def test_a_sum_is_replaced_as_a_whole() -> None:
    """Sum_k e[m,k] becomes s[m] beside whatever does not depend on k."""
    assert SUM.apply(term(ref("g", m), ref("e", m, k), over=[k])) == total(term(ref("g", m), ref("s", m)))


def test_a_sum_with_another_factor_stays() -> None:
    """Sum_k e[m,k] g[k] is not s[m] times anything."""
    assert SUM.apply(term(ref("g", k), ref("e", m, k), over=[k])) is None


def test_a_sum_over_a_diagonal_stays() -> None:
    """Sum_n x[n,n] is no row sum of x."""
    rows = sums(term(ref("x", n, m), over=[m]), total(term(ref("s", n))))
    assert rows.apply(term(ref("x", n, n), over=[n])) is None


def test_a_sum_over_something_free_stays() -> None:
    """e[n,d] without a sum is not replaced."""
    assert SUM.apply(term(ref("e", n, d))) is None


def test_powers_count_in_sums() -> None:
    """Sum_k e**2 is not Sum_k e, and a rule for squares finds squares."""
    assert SUM.apply(term((ref("e", n, k), 2), over=[k])) is None
    squares = sums(term((ref("e", n, d), 2), over=[d]), total(term(ref("v", n), size("d"))))
    assert squares.apply(term((ref("e", n, k), 2), over=[k])) == total(term(ref("v", n), size("d")))


def test_two_sums_need_two_indices() -> None:
    """A rule for Sum_nm a[n] b[m] applies in any order of the factors, and not to Sum_n a[n] b[n]."""
    both = sums(term(ref("a", n), ref("b", m), over=[n, m]), Expr.number(1))
    i, j = index("i", "n"), index("j", "n")
    assert both.apply(term(ref("b", i), ref("a", j), over=[i, j])) == Expr.number(1)
    assert both.apply(term(ref("b", i), ref("a", i), over=[i])) is None


def test_a_sum_that_is_zero_takes_the_term_with_it() -> None:
    """With Sum_k e = 0 a term with that sum vanishes."""
    zero = sums(term(ref("e", n, d), over=[d]), Expr())
    assert zero.apply(term(ref("g", n), ref("e", n, k), over=[k])) == Expr()


def test_every_term_is_rewritten() -> None:
    """A rule applies to all terms at once and says to which."""
    expression = total(term(ref("e", n, k), over=[k]), term(ref("q")), term(ref("a"), ref("e", n, k), over=[k]))
    found = apply_everywhere(SUM, expression)
    assert found is not None
    positions, after = found
    assert [bool(expression.terms[p].bound) for p in positions] == [True, True]
    assert after == total(term(ref("s", n)), term(ref("q")), term(ref("a"), ref("s", n)))
    assert apply_everywhere(SUM, after) is None


def test_solving() -> None:
    """y = e / s gives e = y s; inv = v**-1/2 gives v = inv**-2; 3 x gives y / 3."""
    y, inverse = ref("y", n, d), ref("inv", n)
    assert solve(y, term(ref("e", n, d), (ref("s", n), -1)), ref("e", n, d)) == term(y, ref("s", n))
    assert solve(inverse, term((ref("v", n), -HALF)), ref("v", n)) == term((inverse, -2))
    assert solve(y, term(ref("x", n, d), of=3), ref("x", n, d)) == term(y, of=Fraction(1, 3))


def test_what_cannot_be_solved() -> None:
    """y = x**2 has two solutions; y[n,d] = e[n,d] / s[n] does not give s[n] without picking some d."""
    assert solve(ref("y", n), term((ref("x", n), 2)), ref("x", n)) is None
    assert solve(ref("y", n, d), term(ref("e", n, d), (ref("s", n), -1)), ref("s", n)) is None
