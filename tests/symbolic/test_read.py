from fractions import Fraction

from hypothesis import given as draw
from hypothesis import strategies as st
from sympy import Expr, Idx, IndexedBase, Max, Sum, exp, log, pi, sqrt, symbols

from derivations.batch_norm import batch_norm
from derivations.softmax import softmax
from gradlab.operation import Parameter, labels
from gradlab.symbolic.definition import Definition, Input, given, let
from gradlab.symbolic.indices import Axis, Gather, Index
from gradlab.symbolic.program import Program, Shift
from gradlab.symbolic.read import read
from gradlab.symbolic.terms import Constant, Function, Ref
from gradlab.symbolic.terms import Expr as Expression
from tests.symbolic.build import index, ref, size, term, total

N, D = symbols("N D", integer=True)
n, m, d, k, j = Idx("n", N), Idx("m", N), Idx("d", D), Idx("k", D), Idx("j", D)
x, w, y, z, label, t1 = map(IndexedBase, ("x", "w", "y", "z", "label", "t1"))
ROW, COL, K, M = index("n"), index("d"), index("k", "d"), index("m", "n")


def program(*lets: tuple[Expr, Expr], inputs: tuple[Input | Expr, ...] = (x[n, d],), **options: object) -> Program:
    """Read an operation whose output is its last binding."""
    definition = Definition(
        name="read_in",
        summary="",
        inputs=[item if isinstance(item, Input) else given(item) for item in inputs],
        lets=[let(entry, value) for entry, value in lets],
        output=lets[-1][0],
        reference="x",
        **options,
    )
    return read(definition)


def values(subject: Program) -> dict[str, Expression]:
    """The value of each binding, by name."""
    return {binding.name: binding.value for binding in subject.bindings}


def test_named_parts_stay_as_they_are() -> None:
    """A definition in let form is read one to one."""
    subject = read(softmax)
    own = Index("n", Axis("n", ellipsis=True))
    assert values(subject) == {
        "e": total(term(Function("exp", term(ref("x", own, COL))))),
        "s": total(term(ref("e", own, K), over=[K])),
        "y": total(term(ref("e", own, COL), (ref("s", own), -1))),
    }
    assert not any(binding.automatic for binding in subject.bindings)
    assert subject.shift == Shift(subject.inputs[0].tensor, Axis("d"))


def test_unnamed_parts_get_names() -> None:
    """A sum, an addition, a function and a root inside a product are bound in their turn."""
    subject = program((y[n, d], sqrt(exp(x[n, d]) + 1) * Sum(x[n, k], k)))
    found = values(subject)
    assert [binding.automatic for binding in subject.bindings] == [True, True, True, True, False]
    assert total(term(ref("x", ROW, K), over=[K])) in found.values()
    exponential = next(name for name, value in found.items() if "exp" in repr(value))
    added = next(name for name, value in found.items() if value == total(term(ref(exponential, ROW, COL)), term()))
    assert total(term((ref(added, ROW, COL), Fraction(1, 2)))) in found.values()


def test_equal_parts_get_one_name() -> None:
    """exp(x[n,d]) and exp(x[n,k]) are one tensor; Sum_k and Sum_l of it are one as well."""
    subject = program((y[n, d], exp(x[n, d]) / Sum(exp(x[n, k]), k) + Sum(exp(x[n, j]), j)))
    found = list(values(subject).values())
    assert len(found) == 3
    assert found[0] == total(
        term(Function("exp", term(ref("x", ROW, COL)))).rename({COL: subject.bindings[0].tensor.indices[1]})
    )
    assert found[1] == total(term(ref("t1", ROW, COL), over=[COL]))


def test_transposed_parts_get_two_names() -> None:
    """x[n] - x[m] and x[m] - x[n] are different, x[n] + x[m] and x[m] + x[n] are not."""
    differences = program((y[n, m], exp(x[n] - x[m]) * exp(x[m] - x[n])), inputs=(x[n],))
    subject = program((y[n, m], (x[n] + x[m]) ** 2 * exp(x[m] + x[n])), inputs=(x[n],))
    assert list(values(subject)) == ["t1", "t2", "y"]
    assert differences.output.name == "y"


def test_automatic_names_avoid_all_others() -> None:
    """Names of inputs, parameters and of bindings that come later are not taken."""
    t2 = symbols("t2")
    subject = program(
        (y[n, d], x[n, d] * Sum(t1[n, k], k) * t2),
        (z[n, d], y[n, d] ** 2),
        inputs=(x[n, d], t1[n, d]),
        parameters=[Parameter("t2", 1.0, 0.5, 2.0)],
    )
    assert list(values(subject)) == ["t3", "y", "z"]


def test_a_bound_index_may_have_the_name_of_a_free_one() -> None:
    """y[n,d] = x[n,d] * Sum_d x[n,d]: the d under the sum is another d."""
    subject = program((z[n], Sum(x[n, d], d)), (y[n, d], x[n, d] * z[n]))
    direct = program((y[n, d], x[n, d] * Sum(x[n, d], d)))
    assert values(subject)["z"] == values(direct)["t1"]
    assert values(direct)["y"] == total(term(ref("x", ROW, COL), ref("t1", ROW)))


def test_nested_sums_keep_their_indices_apart() -> None:
    """Sum_k x[n,k] Sum_k w[k] has two different k."""
    subject = program((y[n], Sum(x[n, k] * Sum(w[k], k), k)), inputs=(x[n, d], w[d]))
    assert values(subject)["t1"] == total(term(ref("w", K), over=[K]))
    assert values(subject)["y"] == total(term(ref("x", ROW, K), ref("t1"), over=[K]))


def test_roots_stay_whole() -> None:
    """sqrt(x**2) is not x and sqrt(x w) is not sqrt(x) sqrt(w): what stands under a root gets a name."""
    square = program((y[n, d], sqrt(x[n, d] ** 2)))
    assert values(square)["y"] == total(term((ref("t1", ROW, COL), Fraction(1, 2))))
    product = program((y[n, d], 1 / sqrt(x[n, d] * w[d])), inputs=(x[n, d], w[d]))
    assert values(product)["t1"] == total(term(ref("x", ROW, COL), ref("w", COL)))
    assert values(product)["y"] == total(term((ref("t1", ROW, COL), Fraction(-1, 2))))


def test_roots_of_sizes_and_numbers() -> None:
    """1 / sqrt(D) is a power of the size, sqrt(2 / pi) one of constants; sqrt(8) is 2 sqrt(2)."""
    scaled = program((y[n, d], x[n, d] / sqrt(D)))
    assert values(scaled)["y"] == total(term(ref("x", ROW, COL), (size("d"), Fraction(-1, 2))))
    half, two = Fraction(1, 2), Constant("2")
    constant = program((y[n, d], sqrt(2 / pi) * x[n, d]))
    assert values(constant)["y"] == total(term(ref("x", ROW, COL), (two, half), (Constant("pi"), -half)))
    assert term((two, 3 * half)) == term((two, half), of=2)
    assert term((two, -half)) == term((two, half), of=half)


def test_sums_over_nothing_count() -> None:
    """Sum_k w[n] is D w[n]."""
    subject = program((y[n], Sum(w[n], k)), inputs=(w[n],))
    assert values(subject)["y"] == total(term(size("d"), ref("w", ROW)))


def test_labels_index() -> None:
    """x[n, label[n]] looks up, and the label belongs to the axis that its domain names."""
    subject = program((y[n], x[n, label[n]]), inputs=(x[n, d], given(label[n], labels("d"))))
    assert values(subject)["y"] == total(term(Ref("x", (ROW, Gather("label", (ROW,), Axis("d"))))))
    assert [item.differentiable for item in subject.inputs] == [True, False]


def test_kinks() -> None:
    """Max(u, 0) is max(u, 0) on either side."""
    for value in (Max(x[n, d], 0), Max(0, x[n, d])):
        assert values(program((y[n, d], value)))["y"] == total(
            term(Function("positive_part", term(ref("x", ROW, COL))))
        )


def test_powers_of_functions() -> None:
    """exp(x)**2 is exp(2 x), as SymPy has it; log(x)**2 is a power of a named logarithm."""
    assert values(program((y[n, d], exp(x[n, d]) ** 2)))["y"] == total(
        term(Function("exp", term(ref("x", ROW, COL), of=2)))
    )
    assert values(program((y[n, d], log(x[n, d]) ** 2)))["y"] == total(term((ref("t1", ROW, COL), 2)))


def test_like_terms_cancel() -> None:
    """x[n] x[m] - x[m] x[n] is 0."""
    subject = program((z[n, m], x[n] * x[m] * 2 - x[m] * x[n] * 2 + x[n]), (y[n, m], z[n, m] + x[m]), inputs=(x[n],))
    assert values(subject)["z"] == total(term(ref("x", ROW)))


def test_the_digest_follows_the_mathematics() -> None:
    """The digest is that of the definition's content: stable, and another for another formula."""
    assert read(softmax).digest == read(softmax).digest
    first, second = program((y[n, d], x[n, d])), program((y[n, d], 2 * x[n, d]))
    assert first.digest != second.digest
    assert len(first.digest) == 16


def test_letters_are_the_author_s() -> None:
    """The index names of each axis are kept for display."""
    subject = program((y[n, m], Sum(x[n, k] * x[m, k], k)))
    assert {axis.name: letters for axis, letters in subject.letters.items()} == {"n": ("n", "m"), "d": ("d", "k")}


def test_axes_are_in_order_of_appearance() -> None:
    """The first axis is that of the first input."""
    assert [axis.name for axis in read(batch_norm).axes] == ["n", "c"]


@draw(st.permutations([n, m, Idx("i", N)]), st.permutations([d, k, j]))
def test_letters_do_not_matter(rows: list[Idx], columns: list[Idx]) -> None:
    """A definition with other letters for its indices has the same bindings."""
    (a, b, _), (c, e, _) = rows, columns
    subject = program(
        (y[a, b], exp(Sum(x[a, c] * x[b, c], c)) / Sum(exp(Sum(x[a, e] * x[b, e], e)), b)), inputs=(x[a, c],)
    )
    formal = [
        binding.value.rename({own: Index(str(p), own.axis) for p, own in enumerate(binding.tensor.indices)})
        for binding in subject.bindings
    ]
    assert [len(value.terms) for value in formal] == [1, 1, 1, 1]
    assert formal[0] == total(term(ref("x", Index("0", M.axis), K), ref("x", Index("1", M.axis), K), over=[K]))
