from fractions import Fraction

import pytest
from sympy import Idx, IndexedBase, Rational, Sum, exp, symbols

from derivations.batch_norm import batch_norm, batch_norm_2d
from derivations.softmax import softmax
from derivations.softmax_cross_entropy import softmax_cross_entropy
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.lemmas import discover, fact_rules, simplify, sum_rule
from gradlab.symbolic.program import Program
from gradlab.symbolic.read import read
from gradlab.symbolic.rules import Rule
from gradlab.symbolic.terms import Expr
from tests.symbolic.build import index, ref, size, term, total

N, D = symbols("N D", integer=True)
n, m, d = Idx("n", N), Idx("m", N), Idx("d", D)
x, w, s, e, y = map(IndexedBase, "xwsey")
ROW, COL, K = index("n"), index("d"), index("m", "n")


def program(*lets: tuple[object, object], inputs: list[object]) -> Program:
    """A program whose output is its last binding."""
    return read(
        Definition(
            name="subject",
            summary="",
            inputs=[given(item) for item in inputs],
            lets=[let(entry, value) for entry, value in lets],
            output=lets[-1][0],
            reference="x",
        )
    )


def lemmas(subject: Program) -> dict[str, Expr]:
    """The constant of each sum that was found, by the text of the sum."""
    return {rule.pattern.body: rule.replacement for rule in discover(subject)[0]}


def test_softmax_sums_to_one() -> None:
    """Sum_d y = 1 is found from y = e / s and s = Sum_d e."""
    assert lemmas(read(softmax)) == {"sum[d.1](y[n,d.1]^1)": Expr.number(1)}


def test_batch_norm_sums_to_zero() -> None:
    """Sum_n xc = 0 from xc = x - mu and mu = Sum_n x / N; from it, Sum_n x_hat = 0."""
    assert lemmas(read(batch_norm)) == {"sum[n.1](xc[n.1,c]^1)": Expr(), "sum[n.1](x_hat[n.1,c]^1)": Expr()}
    assert list(lemmas(read(batch_norm_2d)).values()) == [Expr(), Expr()]


def test_attention_rows_sum_to_one() -> None:
    """With two indices of one axis, a sum over the second is tried as well."""
    subject = program((e[n, m], exp(x[n, m])), (s[n], Sum(e[n, m], m)), (y[n, m], e[n, m] / s[n]), inputs=[x[n, m]])
    assert lemmas(subject) == {"sum[n.1](y[n,n.1]^1)": Expr.number(1)}


def test_each_lemma_has_its_steps() -> None:
    """A lemma comes with the steps that prove it: the definition, then the rules."""
    found, steps = discover(read(softmax))
    assert [(step.rule, step.reason) for step in steps] == [
        ("unfold", "by definition of y"),
        ("sum", "by definition of s"),
    ]
    assert steps[0].before == Expr.of([found[0].pattern])
    assert steps[-1].after == Expr.number(1)


def test_a_constant_is_made_of_sizes_only() -> None:
    """A sum that is a tensor, an exponential or a parameter is no lemma."""
    subject = program((e[n], exp(x[n])), (y[d], Sum(e[n], n) * w[d]), inputs=[x[n], w[d]])
    assert lemmas(subject) == {}


def test_the_name_of_a_sum() -> None:
    """mu = Sum_n x / N turns Sum_n x into N mu; 2 s with s = Sum e gives the half."""
    subject = program((s[d], Sum(x[n, d], n) / N), (y[d], Rational(3, 2) * Sum(x[n, d] ** 2, n)), inputs=[x[n, d]])
    mean, squares = (sum_rule(binding) for binding in subject.bindings)
    assert mean is not None
    assert (mean.pattern, mean.replacement) == (
        term(ref("x", ROW, COL), over=[ROW]),
        total(term(size("n"), ref("s", COL))),
    )
    assert squares is not None
    assert squares.replacement == total(term(ref("y", COL), of=Fraction(2, 3)))


def test_no_name_for_products_of_sums() -> None:
    """A binding that is no single sum gives no such rule."""
    subject = program((s[n], Sum(x[n, d], d)), (y[n], Sum(x[n, d] * w[n], d)), inputs=[x[n, d], w[n]])
    assert sum_rule(subject.bindings[0]) is not None
    assert sum_rule(subject.bindings[1]) is None


def test_declared_facts_are_rules() -> None:
    """A fact becomes a rule with its own kind, so that documents can tell it from a lemma."""
    (rule,) = fact_rules(read(softmax_cross_entropy))
    assert (rule.kind, rule.replacement) == ("fact", Expr.number(1))


def test_rules_that_go_round_in_circles() -> None:
    """Rules that never come to rest are an error of the engine, not an endless loop."""
    rules = [
        Rule("fold", term(ref("a", ROW)), total(term(ref("b", ROW))), "there"),
        Rule("fold", term(ref("b", ROW)), total(term(ref("a", ROW))), "back"),
    ]
    with pytest.raises(RecursionError, match="the rewrite rules for grad_x go round in circles"):
        simplify(total(term(ref("a", K))), rules, "grad_x", (K,))


def test_each_rewrite_is_a_step() -> None:
    """The steps lead from the first expression to the last without a gap."""
    rules = [
        Rule("fold", term(ref("a", ROW)), total(term(ref("b", ROW), of=2)), "first"),
        Rule("sum", term(ref("b", ROW), over=[ROW]), Expr.number(3), "second"),
    ]
    start = total(term(ref("a", K), over=[K]), term(ref("q")))
    result, steps = simplify(start, rules, "grad_x", ())
    assert result == total(term(of=6), term(ref("q")))
    assert [step.reason for step in steps] == ["first", "second"]
    assert steps[0].before == start
    assert steps[0].after == steps[1].before
    assert steps[1].after == result
