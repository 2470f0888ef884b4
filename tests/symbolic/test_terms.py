import itertools
import random
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradlab.errors import DefinitionError
from gradlab.symbolic.components import components
from gradlab.symbolic.draw import numbers
from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.indices import Axis, Gather, Index
from gradlab.symbolic.rings import PrimeField
from gradlab.symbolic.terms import Atom, Delta, Expr, Function, Indicator, Ref, Size, Term, rename_atom
from tests.symbolic.build import delta, index, ref, size, term, total

ROW, COL = index("n"), index("d")
BOUND = (*(index(f"n{k}") for k in range(3)), *(index(f"d{k}") for k in range(2)))
SIZES = {Axis("n"): 3, Axis("d"): 2}
SHAPES = {"a": "nd", "b": "n", "c": "d", "s": "nn", "r": "dd", "q": ""}


def atoms(tensors: str = "abcsrq", indices: tuple[Index, ...] = (ROW, COL, *BOUND)) -> st.SearchStrategy[Atom]:
    """Entries of the tensors in SHAPES."""

    def entry(tensor: str) -> st.SearchStrategy[Atom]:
        choices = ([index for index in indices if index.axis.name == axis] for axis in SHAPES[tensor])
        return st.tuples(*(st.sampled_from(choice) for choice in choices)).map(lambda slots: Ref(tensor, slots))

    return st.sampled_from(tensors).flatmap(entry)


def terms() -> st.SearchStrategy[Term]:
    """Products of up to six atoms, with deltas, functions and indicators, summed over all indices but ROW and COL."""
    deltas = st.lists(st.sampled_from([i for i in (ROW, *BOUND) if i.axis.name == "n"]), min_size=2, max_size=2)
    inner = atoms().map(lambda atom: term(atom))
    atom = st.one_of(
        atoms(),
        atoms(),
        deltas.map(lambda pair: Delta(*pair)),
        inner.map(lambda argument: Function("exp", argument)),
        inner.map(Indicator),
        st.sampled_from([size("n"), size("d")]),
    )
    factors = st.lists(st.tuples(atom, st.sampled_from([1, 1, 2])), max_size=6)

    def closed(several: list[tuple[Atom, int]], idle: list[Index]) -> Term:
        used = (own for own in BOUND if own in term(*several).indices)
        return term(*several, over=tuple(dict.fromkeys((*used, *idle))))

    return st.builds(closed, factors, st.lists(st.sampled_from(BOUND), unique=True, max_size=1))


def value(subject: Term | Expr) -> list[int]:
    """The value at one random point of the field, for every value of the free indices."""
    rng = random.Random(7)
    point = Point(PrimeField(), SIZES, {})
    shapes = {name: tuple(SIZES[Axis(axis)] for axis in axes) for name, axes in SHAPES.items()}
    tensors = {name: numbers(shape, point.ring, rng) for name, shape in shapes.items()}
    expression = Expr.of([subject]) if isinstance(subject, Term) else subject
    return list(evaluate(expression, (ROW, COL), Point(point.ring, SIZES, tensors)).ravel())


def disguised(original: Term, rng: random.Random) -> Term:
    """The same term, with other names of its summed indices and everything in another order."""
    names = {own: Index.fresh(own.axis) for own in original.bound}
    factors = [(rename_atom(atom, names), exponent) for atom, exponent in original.factors]
    flipped = [(Delta(a.right, a.left) if isinstance(a, Delta) else a, e) for a, e in factors]
    bound = list(names.values())
    rng.shuffle(flipped)
    rng.shuffle(bound)
    return Term(original.coefficient, tuple(flipped), tuple(bound))


@given(terms(), st.randoms(use_true_random=False))
def test_names_of_summed_indices_do_not_matter(original: Term, rng: random.Random) -> None:
    """Renaming summed indices and reordering factors never changes the key."""
    other = disguised(original, rng)
    assert other == original
    assert hash(other) == hash(original)


@given(terms(), terms())
def test_terms_of_one_key_have_one_value(left: Term, right: Term) -> None:
    """Different terms never share a key: equal keys mean equal values at a random point."""
    if left.body == right.body:
        assert value(left) == value(right)


def isomorphic(left: list[tuple[int, int]], right: list[tuple[int, int]]) -> bool:
    """Whether a permutation of the nodes makes one directed multigraph the other, by trying them all."""
    return any(
        Counter((p[a], p[b]) for a, b in left) == Counter(right) for p in itertools.permutations(range(len(NODES)))
    )


NODES = tuple(index(f"n{k}") for k in range(4))
EDGES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=4, max_size=5)


@given(EDGES, EDGES, st.permutations(range(4)), st.booleans())
def test_keys_tell_graphs_apart(
    edges: list[tuple[int, int]], others: list[tuple[int, int]], order: list[int], moved: bool
) -> None:
    """Several summed indices of one axis: keys are equal exactly if the graphs of the terms are isomorphic."""
    if moved:
        others = [(order[a], order[b]) for a, b in edges[:-1]] + others[-1:]

    def graph(pairs: list[tuple[int, int]]) -> Term:
        return Term(Fraction(1), tuple((ref("s", NODES[a], NODES[b]), Fraction(1)) for a, b in pairs), NODES)

    assert (graph(edges).body == graph(others).body) == isomorphic(edges, others)


def test_a_cycle_is_not_two_cycles() -> None:
    """s[a,b] s[b,c] s[c,d] s[d,a] and s[a,b] s[b,a] s[c,d] s[d,c] look alike at every index, and are told apart."""
    a, b, c, d = NODES
    long = term(ref("s", a, b), ref("s", b, c), ref("s", c, d), ref("s", d, a), over=NODES)
    short = term(ref("s", a, b), ref("s", b, a), ref("s", c, d), ref("s", d, c), over=NODES)
    assert long != short


@given(terms(), terms())
def test_products_keep_sums_apart(left: Term, right: Term) -> None:
    """The product of two terms has the product of their values, also where both use the same summed indices."""
    expected = [a * b % (2**61 - 1) for a, b in zip(value(left), value(right), strict=True)]
    assert value(left.times(right)) == expected


@given(terms())
def test_renaming_captures_nothing(original: Term) -> None:
    """Renaming a free index to the name of a summed one first moves the summed one out of the way."""
    moved = original.rename({ROW: BOUND[0], COL: BOUND[3]}).rename({BOUND[0]: ROW, BOUND[3]: COL})
    assert moved == original


@given(st.lists(terms(), max_size=4))
def test_like_terms_merge(several: list[Term]) -> None:
    """An expression minus itself is 0, and twice itself is itself scaled."""
    expression = Expr.of(several)
    assert expression + expression.scaled(Fraction(-1)) == Expr()
    assert expression + expression == expression.scaled(Fraction(2))


@given(terms())
def test_components_multiply_back(original: Term) -> None:
    """Splitting a term into independent sums keeps its value, and no index is shared between the parts."""
    outer, parts = components(original)
    whole = outer
    for part in parts:
        whole = whole.times(part)
    assert whole == original
    counts = Counter(own for part in parts for own in part.bound)
    assert all(count == 1 for count in counts.values())


@given(terms(), st.integers(1, 3))
def test_powers_of_monomials(original: Term, exponent: int) -> None:
    """A term without sums is raised atom by atom."""
    if not original.bound:
        expected = [pow(v, exponent, 2**61 - 1) for v in value(original)]
        assert value(original.power(Fraction(exponent))) == expected


def test_a_sum_over_nothing_counts() -> None:
    """Sum_d b[n] is D b[n]."""
    assert term(ref("b", ROW), over=[COL]) == term(size("d"), ref("b", ROW))


def test_deltas_and_indicators_are_their_own_powers() -> None:
    """delta**2 is delta, and delta[i,j] delta[j,i] is delta[i,j]."""
    other = index("m", "n")
    assert term((delta(ROW, other), 2)) == term(delta(ROW, other))
    assert term(delta(ROW, other), delta(other, ROW)) == term(delta(ROW, other))
    positive = Indicator(term(ref("b", ROW)))
    assert term((positive, 3)) == term(positive)


def test_a_tensor_may_be_called_delta() -> None:
    """The key of a delta is not that of an entry of a tensor with that name."""
    other = index("m", "n")
    assert term(ref("delta", ROW, other)) != term(delta(ROW, other))


def test_axes_make_sizes_different() -> None:
    """The sizes of two axes are different factors, whatever their values."""
    assert term(size("n")) != term(size("d"))
    assert Size(Axis("n")) == Size(Axis("n"))


def test_a_power_of_a_sum_is_refused() -> None:
    """(Sum_n b[n])**2 has no form as one term."""
    with pytest.raises(DefinitionError, match=r"^a power of a sum; bind the sum to a name first$"):
        term(ref("b", ROW), over=[ROW]).power(Fraction(2))


def test_an_irrational_number_is_refused() -> None:
    """sqrt(2) is no coefficient."""
    with pytest.raises(DefinitionError, match=r"^cannot raise 2 to 1/2 exactly; bind the base to a name first$"):
        term(ref("b", ROW), of=2).power(Fraction(1, 2))


def test_a_lookup_in_a_lookup_is_refused() -> None:
    """Renaming an index inside a lookup to another lookup has no form."""
    inner = Gather("label", (ROW,), Axis("k"))
    outer = term(Ref("x", (Gather("other", (index("k"),), Axis("m")),)))
    with pytest.raises(DefinitionError, match=r"^the index other\[k\] would depend on a computed index; bind"):
        outer.rename({index("k"): inner})


def test_expressions_are_sorted() -> None:
    """Two sums of the same terms are equal in whatever order they are written."""
    first, second = term(ref("b", ROW)), term(ref("q"), of=3)
    assert total(first, second) == total(second, first)
    assert total(first, second).tensors == {"b", "q"}
    assert total(first, second).free == (ROW,)
