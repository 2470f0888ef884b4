import pytest
from sympy import Idx, IndexedBase, Max, Sum, symbols

from gradlab.operation import mask, one_hot, signs
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive, with_masks
from gradlab.symbolic.equivalence import equivalent
from gradlab.symbolic.formula import formula
from gradlab.symbolic.indices import Gather
from gradlab.symbolic.lemmas import sum_rule
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.terms import Expr
from tests.symbolic.build import delta, index, ref, term, total

N, D = symbols("N D", integer=True)
n, d = Idx("n", N), Idx("d", D)
x, b, o, s, h, r, y = map(IndexedBase, "xboshry")
PROGRAM = with_masks(
    read(
        Definition(
            name="masked",
            summary="",
            inputs=[given(x[n, d]), given(b[n, d], mask()), given(o[n, d], one_hot()), given(s[n, d], signs())],
            lets=[
                let(h[n, d], Max(x[n, d], 0)),
                let(r[n], Sum(h[n, d], d)),
                let(y[n, d], h[n, d] * b[n, d] * o[n, d] * s[n, d] + r[n]),
            ],
            output=y[n, d],
            reference="x",
        )
    )
)
ROW, COL, M = index("n"), index("d"), index("m", "n")
RULES = [rule for rule in map(sum_rule, PROGRAM.bindings) if rule is not None]


def same(left: Expr, right: Expr) -> bool:
    """Whether the two are found to be equal."""
    return equivalent(left, right, PROGRAM, RULES, (ROW, COL, M))


def entry(name: str) -> object:
    """An entry of a tensor of the program."""
    return ref(name, ROW, COL)


def test_masks_are_their_own_squares() -> None:
    """b**2 = b for inputs that are 0 or 1, and for the masks that the engine names."""
    for name in ("b", "o", "mask"):
        assert same(total(term((entry(name), 2), entry("x"))), total(term(entry(name), entry("x"))))
    assert not same(total(term((entry("x"), 2))), total(term(entry("x"))))


def test_signs_square_to_one() -> None:
    """s**2 = 1 and s**3 = s."""
    assert same(total(term((entry("s"), 2))), Expr.number(1))
    assert same(total(term((entry("s"), 3))), total(term(entry("s"))))
    assert not same(total(term(entry("s"))), Expr.number(1))


def test_a_mask_beside_its_positive_part_does_nothing() -> None:
    """max(x, 0) [x > 0] = max(x, 0), and [x > 0] alone is not 1."""
    assert same(total(term(entry("h"), entry("mask"))), total(term(entry("h"))))
    assert same(total(term((entry("h"), 2), entry("mask"))), total(term((entry("h"), 2))))
    assert not same(total(term(entry("x"), entry("mask"))), total(term(entry("x"))))
    elsewhere = term(entry("h"), ref("mask", M, COL))
    assert not same(total(elsewhere), total(term(entry("h"))))


def test_indices_under_a_delta_are_one() -> None:
    """delta[n,m] x[m,d] = delta[n,m] x[n,d]."""
    assert same(total(term(delta(ROW, M), ref("x", M, COL))), total(term(delta(ROW, M), ref("x", ROW, COL))))
    assert not same(total(term(ref("x", M, COL))), total(term(ref("x", ROW, COL))))


def test_an_index_under_a_delta_is_its_label() -> None:
    """delta[label[n],d] x[n,d] = delta[label[n],d] x[n,label[n]], and neither is delta[label[n],d] x[n,d']."""
    label = Gather("label", (ROW,), COL.axis)
    one = delta(label, COL)
    assert same(total(term(one, ref("x", ROW, COL))), total(term(one, ref("x", ROW, label))))
    assert not same(total(term(one, ref("x", ROW, COL))), total(term(one, ref("x", ROW, index("e", "d")))))
    assert not same(total(term(ref("x", ROW, COL))), total(term(ref("x", ROW, label))))


def test_every_delta_of_a_chain_counts() -> None:
    """delta[n,m] delta[m,l] is delta[n,l] delta[m,l], and more than delta[n,m]."""
    last = index("l", "n")
    chain = total(term(delta(ROW, M), delta(M, last)))
    assert same(chain, total(term(delta(ROW, last), delta(M, last))))
    assert not same(chain, total(term(delta(ROW, M))))
    assert not same(chain, total(term(delta(M, last))))


def test_the_derivation_s_own_rules_count() -> None:
    """Sum_d h = r by definition."""
    assert same(total(term(entry("h"), over=[COL])), total(term(ref("r", ROW))))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    "text",
    [
        "y[n] = (x[n] <= 1)*x[n]**2",
        "y[n] = (x[n] >= 1)*x[n]*abs(x[n])",
        "y[n] = (abs(x[n]) <= 1)*x[n]**2/2 + (abs(x[n]) > 1)*(abs(x[n]) - 0.5)",
    ],
)
def test_what_is_at_most_something_is_0_or_1(text: str, seed: int) -> None:
    """A comparison with <= or >= is its own square, and no proof asks for more."""
    proof = prove(derive(read(formula(text))), seed=seed)
    assert proof.killed == proof.mutants
