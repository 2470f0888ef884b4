"""Adjoints and tangents that cross a contraction keep names of their own."""

from sympy import Idx, IndexedBase, Max, Sum, symbols

from derivations.attention import scaled_dot_product_attention, scaled_dot_product_attention_mask
from derivations.linear import linear
from derivations.softmax import softmax
from gradlab.codegen.routines import backward, jvp
from gradlab.codegen.statements import Reduce
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read

N, P, H, Q = symbols("N P H Q", integer=True)
n, i, h, o = Idx("n", N), Idx("i", P), Idx("h", H), Idx("o", Q)
x, u, v, z, a, y = map(IndexedBase, "xuvzay")

PERCEPTRON = Definition(
    name="perceptron",
    summary="Two layers with a rectifier between them.",
    inputs=[given(x[n, i]), given(u[h, i]), given(v[o, h])],
    lets=[
        let(z[n, h], Sum(x[n, i] * u[h, i], i)),
        let(a[n, h], Max(z[n, h], 0)),
        let(y[n, o], Sum(a[n, h] * v[o, h], h)),
    ],
    output=y[n, o],
    reference="torch.relu(x @ u.T) @ v.T",
)


def derived(definition: Definition) -> Derivation:
    """The derivation of a definition."""
    return derive(read(definition))


def products(derivation: Derivation) -> list[int]:
    """How many operands each sum of the backward has."""
    return [len(s.operands) for s in backward(derivation).statements if isinstance(s, Reduce)]


def test_attention_names_two_adjoints() -> None:
    """grad_p = g v^T and grad_s = p (grad_p - sum): four products of matrices and a sum, none of three operands."""
    derivation = derived(scaled_dot_product_attention)
    assert list(derivation.adjoints) == ["grad_p", "grad_s"]
    assert derivation.saved == ("query", "key", "value", "p")
    assert products(derivation) == [2, 2, 2, 2, 2]
    assert [s.target.name for s in jvp(derivation).statements if hasattr(s, "target")][2] == "tangent_s"


def test_a_mask_folds_into_the_probabilities() -> None:
    """What the masked softmax saves is p alone: neither the mask nor exp of the scores."""
    assert derived(scaled_dot_product_attention_mask).saved == ("query", "key", "value", "p")


def test_hidden_layers_keep_their_adjoints() -> None:
    """The adjoint of the hidden layer is computed once for the weight and the input below it; the proof covers it."""
    derivation = derived(PERCEPTRON)
    assert list(derivation.adjoints) == ["grad_a", "grad_z"]
    assert products(derivation) == [2, 2, 2, 2]
    proof = prove(derivation)
    assert proof.killed == proof.mutants


def test_without_a_second_contraction_nothing_is_named() -> None:
    """The sum of softmax is a dot product, and a linear layer's adjoint is grad_output itself."""
    for definition in (softmax, linear):
        derivation = derived(definition)
        assert not derivation.adjoints
        assert not derivation.moved.keys() & {"z"}
