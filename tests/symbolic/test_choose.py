from itertools import pairwise

from sympy import Expr, Idx, IndexedBase, Max, Sum, exp, log, sqrt, symbols

from derivations.batch_norm import batch_norm
from derivations.softmax import softmax
from gradlab.operation import positive
from gradlab.symbolic.choose import Candidate
from gradlab.symbolic.definition import Definition, Input, given, let
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, w, u, v, y, z, p, s = map(IndexedBase, "xwuvyzps")
loss = symbols("loss")


def derived(*lets: tuple[Expr, Expr], inputs: list[Input | Expr], **options: object) -> Derivation:
    """Derive an operation whose output is its last binding."""
    return derive(
        read(
            Definition(
                name="chosen",
                summary="",
                inputs=[item if isinstance(item, Input) else given(item) for item in inputs],
                lets=[let(entry, value) for entry, value in lets],
                output=lets[-1][0],
                reference="x",
                **options,
            )
        )
    )


def test_softmax_saves_its_output_alone() -> None:
    """Of all sufficient sets {y} has the fewest bytes; {e, s} and {x, s} are candidates too."""
    derivation = derive(read(softmax))
    saved = [candidate.saved for candidate in derivation.candidates]
    assert saved[0] == derivation.saved == ("y",)
    assert ("e", "s") in saved


def test_candidates_are_ranked() -> None:
    """Fewest bytes first, then least recomputation, and every set of saved tensors once."""
    for definition in (softmax, batch_norm):
        candidates = derive(read(definition)).candidates
        assert [c.cost for c in candidates] == sorted(c.cost for c in candidates)
        assert len({c.saved for c in candidates}) == len(candidates)


def test_a_mask_takes_one_byte() -> None:
    """A kink saves a mask of bytes where the argument itself would take eight times as much."""
    mask, *others = derived((y[n], Max(x[n], 0)), inputs=[x[n]]).candidates
    assert mask.saved == ("mask",)
    assert all(other.bytes == 8 * mask.bytes for other in others)


def test_an_output_replaces_an_input() -> None:
    """1 / x, sqrt(x) and exp(x) are their own derivatives' best arguments."""
    for value in (1 / x[n], sqrt(x[n]), exp(x[n])):
        derivation = derived((y[n], value), inputs=[given(x[n], positive())])
        assert derivation.saved == ("y",), value
        prove(derivation)


def test_nothing_divides_by_what_may_be_zero() -> None:
    """u = x z does not give x = u / z, although that would save a tensor: z may be 0."""
    derivation = derived((u[n, d], x[n, d] * z[n]), (y[n], w[n] * Sum(u[n, d] ** 3, d)), inputs=[x[n, d], z[n], w[n]])
    assert derivation.saved == ("x", "z", "w", "t1")
    divided = [
        atom
        for gradient in derivation.gradients.values()
        for term in gradient.value
        for atom, exponent in term.factors
        if exponent < 0
    ]
    assert divided == []


def test_what_the_definition_divides_by_is_not_zero() -> None:
    """y = x / s: the gradient is written with y and s, and divides by s as the definition does."""
    derivation = derived((s[n], Sum(x[n, d], d)), (y[n, d], x[n, d] / s[n]), inputs=[x[n, d]])
    assert derivation.saved == ("s", "y")
    prove(derivation)


def test_a_root_is_not_unfolded() -> None:
    """sqrt(x**2) is |x|: its derivative is x / |x|, never 1."""
    derivation = derived((y[n], sqrt(x[n] ** 2)), inputs=[x[n]])
    assert derivation.saved == ("x", "y")
    prove(derivation)


def test_rules_in_a_circle_are_no_candidate() -> None:
    """a = b c and d = a b: folding both would lead from b to a and back."""
    derivation = derived(
        (u[n], x[n] * w[n]),
        (v[n], u[n] * x[n]),
        (y[n], u[n] * v[n]),
        inputs=[given(x[n], positive()), given(w[n], positive())],
    )
    prove(derivation)
    assert derivation.candidates


def test_many_bindings_are_searched_in_blocks() -> None:
    """A chain of twelve products has millions of combinations; the search still ends, and finds a small set."""
    names = [IndexedBase(f"a{i}") for i in range(12)]
    lets = [(names[0][n], exp(x[n]))]
    lets += [(after[n], before[n] * exp(x[n])) for before, after in pairwise(names)]
    derivation = derived(*lets, inputs=[x[n]])
    assert len(derivation.saved) == 1
    prove(derivation)


def test_a_candidate_costs_bytes_first() -> None:
    """Bytes before operations before the number of tensors."""
    cheap = Candidate((), ("a", "b"), 8, 100)
    assert cheap.cost < Candidate((), ("a",), 16, 1).cost
    assert Candidate((), ("a", "b"), 8, 1).cost < cheap.cost


def test_logarithms() -> None:
    """log(x) is computed again from x, which the gradient divides by, rather than saved beside it."""
    derivation = derived((p[n], log(x[n])), (y[n], p[n] ** 2), inputs=[given(x[n], positive())])
    assert derivation.saved == ("x",)
    prove(derivation)
