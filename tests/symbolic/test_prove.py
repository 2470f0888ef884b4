"""The prover is tested with planted faults: each must be rejected, by the layer that is there for it."""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest
from sympy import Idx, IndexedBase, Max, Sum, exp, log, sqrt, symbols

import gradlab.symbolic.calculus as calculus
from derivations.batch_norm import batch_norm, batch_norm_2d, batch_norm_2d_eval, batch_norm_eval
from derivations.cross_entropy import cross_entropy
from derivations.linear import linear
from derivations.relu import relu
from derivations.softmax import logsumexp, softmax
from derivations.softmax_cross_entropy import softmax_cross_entropy, softmax_cross_entropy_labels
from gradlab.errors import ProofError
from gradlab.operation import Parameter, mask, positive, real
from gradlab.symbolic.calculus import contract
from gradlab.symbolic.components import components
from gradlab.symbolic.definition import Definition, given, let, shift
from gradlab.symbolic.derive import Derivation, Result, derive
from gradlab.symbolic.functions import ELEMENTARY, Elementary
from gradlab.symbolic.mutants import Mutant
from gradlab.symbolic.prove import flat, prove
from gradlab.symbolic.read import read
from gradlab.symbolic.rules import apply_everywhere
from gradlab.symbolic.steps import Factored, Step
from gradlab.symbolic.terms import Delta, Expr, Ref, Size, Term, rename_atom
from tests.catalogue import derivation as shipped
from tests.symbolic.build import delta, index, ref, term, total

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, y, e, s = map(IndexedBase, "xyes")
SHIPPED = [
    softmax,
    relu,
    linear,
    cross_entropy,
    softmax_cross_entropy,
    softmax_cross_entropy_labels,
    batch_norm,
    batch_norm_2d,
    batch_norm_eval,
    batch_norm_2d_eval,
]


def derived(definition: Definition) -> Derivation:
    """Read and derive."""
    return derive(read(definition))


def planted(derivation: Derivation, choose: Callable[[Step], bool], change: Callable[[Step], Step]) -> Derivation:
    """The derivation with its first such step changed."""
    position = next(p for p, step in enumerate(derivation.steps) if choose(step))
    steps = list(derivation.steps)
    steps[position] = change(steps[position])
    return replace(derivation, steps=tuple(steps))


def rewritten(change: Callable[[Term], list[Term]]) -> Callable[[Step], Step]:
    """Change the first term of a step's right side for which that makes a difference."""

    def apply(step: Step) -> Step:
        after = flat(step.after)
        for position, own in enumerate(after.terms):
            expression = Expr.of((*after.terms[:position], *change(own), *after.terms[position + 1 :]))
            if expression != after:
                return replace(step, after=expression)
        raise AssertionError("nothing to change")

    return apply


def swap(atom_type: type, new: Callable[[object], object]) -> Callable[[Term], list[Term]]:
    """Replace the first atom of a type; None drops it."""

    def change(own: Term) -> list[Term]:
        atom = next((atom for atom, _ in own.factors if isinstance(atom, atom_type)), None)
        if atom is None:
            return [own]
        other = new(atom)
        factors = [(a, p) if a != atom else (other, p) for a, p in own.factors if a != atom or other is not None]
        return [Term.make(own.coefficient, factors, own.bound)]

    return change


def misplaced(own: Term) -> Term:
    """x_hat at the row of the result in place of the row that is summed over."""
    row = index("n")
    factors = [
        (rename_atom(a, {a.slots[0]: row}) if isinstance(a, Ref) and a.tensor == "x_hat" else a, p)
        for a, p in own.factors
    ]
    return Term.make(own.coefficient, factors, own.bound)


FAULTS: dict[str, tuple[Callable[[Step], bool], Callable[[Term], list[Term]]]] = {
    "wrong sign": (lambda step: step.rule == "chain rule", lambda own: [own.scaled(Fraction(-1))]),
    "dropped term": (lambda step: step.rule == "chain rule" and len(step.after.terms) > 1, lambda own: []),
    "dropped factor 2": (
        lambda step: step.rule == "chain rule" and step.subject == "tangent_var",
        # The other term has the factor Sum_n xc = 0: half of it is as right as the whole.
        lambda own: [own.scaled(Fraction(1, 2)) if len(components(own)[1]) == 1 else own],
    ),
    "missing delta": (lambda step: step.rule == "chain rule", swap(Delta, lambda atom: None)),
    "missing factor": (lambda step: step.rule == "chain rule", swap(Ref, lambda atom: None)),
    "N - 1 for N": (
        lambda step: step.rule == "chain rule" and step.subject == "tangent_var",
        swap(Size, lambda atom: Ref("n-1", ())),
    ),
    "wrong index": (lambda step: step.rule == "chain rule" and step.subject == "grad_xc", lambda own: [misplaced(own)]),
    "wrong lemma": (lambda step: step.subject == "lemma", lambda own: [own.scaled(Fraction(2))]),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_field_rejects_wrong_steps(fault: str) -> None:
    """A wrong chain-rule step has the right form, and a wrong value in the field."""
    choose, change = FAULTS[fault]
    wrong = planted(derived(batch_norm), choose, rewritten(change))
    with pytest.raises(ProofError) as caught:
        prove(wrong)
    problem = r"the two sides differ|one side is undefined where the operation is defined: division by zero"
    assert re.fullmatch(rf"batch_norm: \w+: step '[\w ]+' \(.*\): ({problem}) \(F_p, draw \d\)", str(caught.value))


@pytest.mark.parametrize("rule", ["contract", "fold", "factor", "sum", "lemma"])
def test_structure_rejects_what_a_rule_does_not_do(rule: str) -> None:
    """A contraction, rewrite or factorisation that gives something else is found without any arithmetic."""
    definition = {"sum": softmax, "lemma": batch_norm}.get(rule, softmax)
    wrong = planted(
        derived(definition),
        lambda step: step.rule == rule and bool(flat(step.after).terms),
        lambda step: replace(step, after=flat(step.after).scaled(Fraction(2))),
    )
    with pytest.raises(ProofError) as caught:
        prove(wrong)
    assert str(caught.value).rsplit(": ", 1)[1] in (
        "contraction gives something else",
        "the rule does not rewrite the left side into the right",
        "multiplying out does not give the left side back",
    )


def test_structure_rejects_a_foreign_index() -> None:
    """A right side with an index that the left side does not have."""
    wrong = planted(
        derived(softmax),
        lambda step: step.rule == "contract",
        lambda step: replace(step, after=step.after + total(term(ref("y", index("a", "n"), index("b", "d"))))),
    )
    with pytest.raises(ProofError, match=r"the right side has the free index a, b, which the left side does not have$"):
        prove(wrong)


def test_structure_rejects_axes_that_are_mixed_up() -> None:
    """x indexed by two rows instead of a row and a column."""
    wrong = planted(
        derived(softmax),
        lambda step: step.rule == "chain rule" and step.subject == "grad_e",
        lambda step: replace(step, after=total(term(ref("y", step.free[0], step.free[0])))),
    )
    with pytest.raises(ProofError, match=r"y is indexed along other axes than it has$"):
        prove(wrong)


def test_a_wrong_rule_is_rejected() -> None:
    """A fold that loses a factor does rewrite the left side as it says, and has the wrong value."""
    derivation = derived(softmax)

    def wrong(step: Step) -> Step:
        assert step.rewrite is not None
        (value,) = step.rewrite.replacement.terms
        rule = replace(step.rewrite, replacement=total(value.scaled(Fraction(3))))
        found = apply_everywhere(rule, step.before)
        assert found is not None
        return replace(step, rewrite=rule, path=found[0], after=found[1])

    with pytest.raises(ProofError, match=r"step 'fold' \(by definition of \w\): the two sides differ \(F_p, draw 1\)$"):
        prove(planted(derivation, lambda step: step.rule == "fold", wrong))


def test_a_false_lemma_is_rejected() -> None:
    """Sum_n x_hat = 1 instead of 0, where a gradient uses it."""
    derivation = derived(batch_norm)

    def wrong(step: Step) -> Step:
        assert step.rewrite is not None
        rule = replace(step.rewrite, replacement=Expr.number(1))
        found = apply_everywhere(rule, step.before)
        assert found is not None
        return replace(step, rewrite=rule, path=found[0], after=found[1])

    with pytest.raises(ProofError, match=r"step 'lemma' \(lemma: the sum of x_hat is constant\): the two sides differ"):
        prove(planted(derivation, lambda step: step.rule == "lemma" and step.subject == "grad_mu", wrong))


CONSTANTS = {
    "clamp": [Parameter("low", -1.0, -2.0, 0.0), Parameter("high", 1.0, 0.5, 2.0)],
    "clip": [Parameter("low", -1.0, -2.0, 0.0), Parameter("high", 1.0, 0.5, 2.0)],
    "power": [Parameter("exponent", 2.0, -3.0, 3.0)],
}


def one_function(name: str) -> Definition:
    """y = f(x), where the derivative of f is defined."""
    constants = CONSTANTS.get(name, [])
    domain = positive() if name in ("log", "log1p", "safe_sqrt", "safe_rsqrt", "power") else real()
    return Definition(
        name="one_function",
        summary="",
        inputs=[given(x[n], domain)],
        lets=[let(y[n], ELEMENTARY[name].to_sympy(x[n], *(symbols(constant.name) for constant in constants)))],
        output=y[n],
        parameters=constants,
        reference="x",
    )


@pytest.mark.parametrize("name", ELEMENTARY)
def test_a_wrong_derivative_is_rejected(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong row in the table of functions is found by the dual numbers, which do not use the table."""
    row = ELEMENTARY[name]
    wrong = replace(row, derivative=lambda *operands: row.derivative(*operands) + Expr.number(1))
    monkeypatch.setitem(ELEMENTARY, name, wrong)
    with pytest.raises(ProofError, match=r"step 'chain rule' .*: the two sides differ \(F_p, draw 1\)$"):
        prove(derived(one_function(name)))


def test_a_wrong_kink_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """The derivative of max(u, 0) taken as 1 everywhere."""
    row = ELEMENTARY["positive_part"]
    monkeypatch.setitem(ELEMENTARY, "positive_part", replace(row, derivative=lambda u: Expr.number(1)))
    with pytest.raises(ProofError, match=r"the two sides differ"):
        prove(derived(one_function("positive_part")))


def test_a_wrong_product_rule_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    """A differentiation that forgets the exponent is found at the first step that uses it."""
    original = calculus._product_rule

    def forgetful(own: Term, target: Ref) -> list[Term]:
        return [part.scaled(1 / max(p for _, p in own.factors)) for part in original(own, target)]

    monkeypatch.setattr(calculus, "_product_rule", forgetful)
    with pytest.raises(ProofError, match=r"step 'chain rule' .*: the two sides differ"):
        prove(derived(batch_norm))


def changed(result: Result, value: Expr) -> Result:
    """A result with another value."""
    return replace(result, value=value)


def test_the_ends_reject_a_wrong_gradient() -> None:
    """All steps are right, and the gradient that is handed on is another: the end-to-end identities find it."""
    derivation = derived(softmax)
    gradient = derivation.gradients["x"]
    wrong = replace(derivation, gradients={"x": changed(gradient, gradient.value.scaled(Fraction(2)))})
    with pytest.raises(ProofError) as caught:
        prove(wrong)
    assert str(caught.value) == "softmax: <JVP(u), grad_output> differs from <u, VJP(grad_output)> (F_p, draw 1)"


def test_the_ends_reject_a_gradient_and_a_tangent_that_agree() -> None:
    """Twice the gradient and twice the tangent satisfy the dot-product identity, but not differences."""
    derivation = derived(softmax)
    gradient, tangent = derivation.gradients["x"], derivation.tangent
    wrong = replace(
        derivation,
        gradients={"x": changed(gradient, gradient.value.scaled(Fraction(2)))},
        tangent=changed(tangent, tangent.value.scaled(Fraction(2))),
    )
    with pytest.raises(ProofError) as caught:
        prove(wrong)
    assert str(caught.value) == "softmax: the VJP differs from central differences of the definition (50 digits)"


def test_a_forgotten_input_is_rejected() -> None:
    """A gradient of 0 where the output depends on the input."""
    derivation = derived(linear)
    gradients = dict(derivation.gradients)
    gradients["bias"] = changed(gradients["bias"], Expr())
    with pytest.raises(ProofError, match=r"differs from"):
        prove(replace(derivation, gradients=gradients))


def test_undefined_gradients_are_rejected() -> None:
    """A step that divides by what may be 0 is refused where that is 0."""
    definition = Definition(
        name="cut", summary="", inputs=[given(x[n])], lets=[let(y[n], Max(x[n], 0))], output=y[n], reference="x"
    )
    own = index("n")
    wrong = planted(
        derived(definition),
        lambda step: step.rule == "chain rule" and step.subject == "grad_x",
        lambda step: replace(
            step, after=total(term(ref("grad_output", own), ref("y", own), (ref("y", own), -2), (ref("x", own), 1)))
        ),
    )
    with pytest.raises(
        ProofError, match=r"one side is undefined where the operation is defined: division by zero \(F_p"
    ):
        prove(wrong)


@pytest.mark.parametrize(
    ("value", "changes"),
    [(x[n, d] ** 2, "y"), (log(Sum(exp(x[n, k]), k)), "y, t1, t2"), (exp(x[n, d]), "y")],
    ids=["square", "logsumexp", "exponential"],
)
def test_a_wrong_shift_is_refused(value: object, changes: str) -> None:
    """A shift is declared on an operation that it changes."""
    definition = Definition(
        name="shifted",
        summary="",
        inputs=[given(x[n, d])],
        lets=[let(y[n, d], value)],
        output=y[n, d],
        reference="x",
        shift=d,
    )
    with pytest.raises(ProofError) as caught:
        prove(derived(definition))
    assert str(caught.value) == (
        f"shifted: shift=d is wrong: subtracting a constant along d from x changes {changes}; leave the shift out "
        "(50 digits)"
    )


def test_a_shift_must_leave_saved_tensors_alone() -> None:
    """The output of softmax does not change under a shift; e and s, were they saved, would."""
    wrong = replace(derived(softmax), saved=("e", "y"))
    with pytest.raises(ProofError, match=r"changes e; leave the shift out"):
        prove(wrong)


def test_a_surviving_mutant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant with the value of the step itself, and no reason to be equal, means that the proof is blind."""
    own = index("n")

    def harmless(expression: Expr, *_: object) -> list[Mutant]:
        # sqrt(x**2 + 1)**2 is x**2 + 1: equal, by a rule that this derivation does not know.
        return [
            Mutant(
                "harmless", expression + total(term((ref("t1", own), 1)), term((ref("x", own), 2), of=-1), term(of=-1))
            )
        ]

    definition = Definition(
        name="blind",
        summary="",
        inputs=[given(x[n])],
        lets=[let(y[n], sqrt(x[n] ** 2 + 1))],
        output=y[n],
        reference="x",
    )
    monkeypatch.setattr("gradlab.symbolic.prove.mutants", harmless)
    with pytest.raises(ProofError, match="the mutant 'harmless' was not rejected; leave out what changes nothing"):
        prove(derived(definition))


def test_mutants_that_change_nothing_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that the rules turn back into the step is no mutant."""
    monkeypatch.setattr("gradlab.symbolic.prove.mutants", lambda expression, *_: [Mutant("same", expression)])
    assert prove(derived(softmax)).mutants == 0


def test_axes_of_equal_size_are_not_confused() -> None:
    """A delta between two axes is refused as a form, before any size is drawn."""
    wrong = planted(
        derived(softmax),
        lambda step: step.rule == "chain rule",
        lambda step: replace(step, after=total(term(delta(step.free[0], index("d"))))),
    )
    with pytest.raises((ProofError, ValueError), match=r"axis|free index"):
        prove(wrong)


def test_parameters_are_part_of_the_proof() -> None:
    """A forgotten eps is found."""
    scale = symbols("scale")
    definition = Definition(
        name="scaled",
        summary="",
        inputs=[given(x[n])],
        lets=[let(y[n], scale * x[n] + scale)],
        output=y[n],
        reference="x",
        parameters=[Parameter("scale", 1.0, 0.5, 2.0)],
    )
    derivation = derived(definition)
    assert prove(derivation).killed == prove(derivation).mutants
    wrong = planted(derivation, lambda step: step.rule == "chain rule", rewritten(swap(Ref, lambda atom: None)))
    with pytest.raises(ProofError, match=r"the two sides differ"):
        prove(wrong)


@pytest.mark.parametrize("seed", range(30))
def test_no_seed_fails(seed: int) -> None:
    """Correct derivations are proved, and all their mutants rejected, whatever the seed; three seeds for each."""
    derivation = shipped(SHIPPED[seed % len(SHIPPED)].name)
    proof = prove(derivation, seed=seed)
    assert proof.killed == proof.mutants > 40
    assert len(proof.steps) == len(derivation.steps)


def test_the_record() -> None:
    """A proof says what was proved, how, and with which seed."""
    proof = prove(derived(softmax))
    assert str(proof) == (
        f"{len(proof.steps)} steps proved (structure, F_p at 3 draws of sizes, 50 digits), "
        f"{proof.mutants} of {proof.mutants} mutants rejected, seed 20261123"
    )
    assert proof.ends == (
        "dot-product identity of JVP and VJP",
        "symmetry of the HVP",
        "VJP against central differences of the definition at 50 digits",
        "HVP against second differences of the definition at 50 digits",
        "invariance under the shift",
    )


def test_proofs_are_reproducible() -> None:
    """The same seed gives the same record."""
    first, second = (prove(derived(relu), seed=9) for _ in range(2))
    assert [p.mutants for p in first.steps] == [p.mutants for p in second.steps]


def test_contract_and_factor_steps_are_checked_against_the_engine() -> None:
    """Contraction and factoring have one result, which the structural layer computes again."""
    for step in derived(batch_norm).steps:
        if step.rule == "contract":
            assert contract(step.before) == step.after
        if step.rule == "factor":
            assert isinstance(step.after, Factored)
            assert flat(step.after) == step.before


def test_the_table_of_functions_is_the_engine_s_only_source() -> None:
    """Rows are named as they are found, and are complete."""
    for name, row in ELEMENTARY.items():
        assert isinstance(row, Elementary)
        assert row.name == name


keep, dot, weight, norm, share = map(IndexedBase, ("keep", "dot", "weight", "norm", "share"))


def masked_softmax(weighted: object) -> Definition:
    """The softmax of 3 x over the entries to keep, 0 where there are none; shifted at the binding 3 x."""
    return Definition(
        name="masked",
        summary="",
        inputs=[given(x[n, d]), given(keep[n, d], mask())],
        lets=[
            let(dot[n, d], 3 * x[n, d]),
            let(weight[n, d], weighted),
            let(norm[n], Sum(weight[n, d], d) + Max(1 - Sum(keep[n, d], d), 0)),
            let(share[n, d], weight[n, d] / norm[n]),
        ],
        output=share[n, d],
        reference="x",
        shift=shift(dot[n, d], d, where=keep[n, d]),
    )


def test_a_shift_under_a_mask_is_proved() -> None:
    """What the entries that do not count hold may be anything."""
    derivation = derived(masked_softmax(keep[n, d] * exp(dot[n, d])))
    assert derivation.saved == ("share",)
    assert "invariance under the shift" in prove(derivation).ends


def test_a_shift_under_a_mask_that_is_not_applied_is_refused() -> None:
    """Without the factor keep, the entries that do not count change the output."""
    with pytest.raises(ProofError, match=r"subtracting a constant along d from dot changes share; leave the shift out"):
        prove(derived(masked_softmax(exp(dot[n, d]))))


def test_a_restored_binding_gets_back_what_was_subtracted() -> None:
    """The logarithm of the sum moves with the shift; without `restored`, that is an error."""
    assert "invariance under the shift" in prove(derived(logsumexp)).ends
    with pytest.raises(ProofError, match=r"subtracting a constant along d from x changes y; leave the shift out"):
        prove(derived(replace(logsumexp, shift=d)))
