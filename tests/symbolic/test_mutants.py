import random

from gradlab.symbolic.indices import Index
from gradlab.symbolic.mutants import Mutant, mutants
from gradlab.symbolic.terms import Expr, Ref, Size, Term
from tests.symbolic.build import delta, index, ref, size, term, total

n, m, d = index("n"), index("m", "n"), index("d")
ONE = total(term(delta(n, m), ref("x", n, d), size("n")))


def made(expression: Expr, free: tuple[Index, ...] = (n, m, d)) -> dict[str, Expr]:
    """Mutants by kind."""
    return {mutant.kind: mutant.expression for mutant in mutants(expression, random.Random(4), free)}


def test_every_kind_is_made_where_it_applies() -> None:
    """A term with a delta, an entry and a size has a mutant of each of the eight kinds."""
    x, both = ref("x", n, d), delta(n, m)
    found = made(ONE)
    assert found["sign"] == total(term(both, x, size("n"), of=-1))
    assert found["dropped term"] == Expr()
    assert found["factor 2"] == total(term(both, x, size("n"), of=2))
    assert found["other index"] == total(term(both, ref("x", m, d), size("n")))
    assert found["N - 1 for N"] == total(term(both, x, Ref("n-1", ())))
    assert found["1 for a delta"] == total(term(x, size("n")))
    assert found["higher power"] == total(term(both, (x, 2), size("n")))
    assert found["missing factor"] == total(term(both, size("n")))


def test_kinds_that_do_not_apply_are_left_out() -> None:
    """A number alone can only change its sign, its size or vanish."""
    assert set(made(Expr.number(3))) == {"sign", "dropped term", "factor 2"}


def test_zero_has_a_mutant() -> None:
    """0 becomes 1."""
    assert list(mutants(Expr(), random.Random(1), ())) == [Mutant("zero becomes one", Expr.number(1))]


def test_no_mutant_is_the_original() -> None:
    """A change that gives the same expression back is no mutant."""
    both = total(term(ref("x", n)), term(ref("x", m)))
    assert all(expression != both for expression in made(both).values())


def test_one_term_is_hit() -> None:
    """A mutant changes one term of several."""
    several = total(term(ref("x", n, d)), term(ref("y", n)), term(size("n")))
    for expression in made(several).values():
        assert len(set(several.terms) & set(expression.terms)) == 2


def test_mutants_have_no_foreign_index() -> None:
    """Another index is one of the step's own."""
    found = made(total(Term.make(term().coefficient, term(ref("x", n)).factors)), free=(n, m))
    assert set(found["other index"].free) <= {n, m}
    assert Size(n.axis) not in [atom for t in found["other index"] for atom, _ in t.factors]
