"""The forms that the engine must reach by itself, compared with expressions written by hand."""

import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

from sympy import Idx, IndexedBase, Max, Sum, exp, log, sqrt, symbols

from derivations.batch_norm import batch_norm, batch_norm_2d, batch_norm_eval
from derivations.cross_entropy import cross_entropy
from derivations.linear import linear
from derivations.relu import relu
from derivations.softmax import softmax
from derivations.softmax_cross_entropy import softmax_cross_entropy, softmax_cross_entropy_labels
from gradlab.operation import Parameter, simplex
from gradlab.symbolic.definition import Definition, fact, given, let
from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.indices import Axis, Gather, Index
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from gradlab.symbolic.terms import Atom, Expr
from tests.symbolic.build import delta, index, ref, size, term, total

ROOT = Path(__file__).resolve().parents[2]

n, d, c, i, o = (index(name) for name in "ndcio")
n_, d_, c_, h_, w_, o_ = (Index(f"{name}'", Axis(name)) for name in "ndchwo")
h, w = index("h"), index("w")
N, H, W = size("n"), size("h"), size("w")
SCALAR = ref("grad_output")


def leading(*names: str) -> list[Index]:
    """Indices whose first stands for any number of leading dimensions."""
    first, *rest = names
    return [Index(first, Axis(first[0], ellipsis=True)), *(index(name) for name in rest)]


def g(*slots: Index) -> Atom:
    """The upstream gradient."""
    return ref("grad_output", *slots)


def derived(definition: Definition) -> Derivation:
    """Read and derive."""
    return derive(read(definition))


def gradient(definition: Definition, name: str) -> Expr:
    """The gradient of one input."""
    return derived(definition).gradients[name].value


def test_softmax() -> None:
    """dx = y (g - sum g y), from y alone."""
    own, k = leading("n", "d")
    m = index("m", "d")
    y = ref("y", own, k)
    expected = total(term(y, g(own, k)), term(y, ref("y", own, m), g(own, m), of=-1, over=[m]))
    derivation = derived(softmax)
    assert derivation.gradients["x"].value == expected
    assert derivation.saved == ("y",)
    assert derivation.gradients["x"].display.prefactor == term(y)
    assert derivation.gradients["x"].display.inner == total(
        term(g(own, k)), term(ref("y", own, m), g(own, m), of=-1, over=[m])
    )


def test_softmax_jacobian() -> None:
    """J = diag(y) - y y^T in each row: dy[n',d'] / dx[n,d] = delta[n,n'] (delta[d,d'] y[n,d] - y[n,d] y[n,d'])."""
    own, k = leading("n", "d")
    other, last = Index("n'", own.axis), Index("d'", k.axis)
    row = delta(own, other)
    assert derived(softmax).jacobians["x"].value == total(
        term(row, delta(k, last), ref("y", own, k)), term(row, ref("y", own, k), ref("y", own, last), of=-1)
    )


def test_softmax_tangent() -> None:
    """The Jacobian of softmax is symmetric: the JVP is the VJP with the tangent for g."""
    own, k = leading("n", "d")
    m = index("m", "d")
    y = ref("y", own, k)
    assert derived(softmax).tangent.value == total(
        term(y, ref("tangent_x", own, k)),
        term(y, ref("y", own, m), ref("tangent_x", own, m), of=-1, over=[m]),
    )


def test_relu() -> None:
    """dx = g [x > 0], from one byte per element."""
    (own,) = leading("n")
    derivation = derived(relu)
    assert derivation.gradients["x"].value == total(term(g(own), ref("mask", own)))
    assert derivation.saved == ("mask",)


def test_linear() -> None:
    """dx = g W, dW = g^T x, db = sum g."""
    derivation = derived(linear)
    values = {name: result.value for name, result in derivation.gradients.items()}
    assert values == {
        "x": total(term(g(n, o), ref("weight", o, i), over=[o])),
        "weight": total(term(g(n, o), ref("x", n, i), over=[n])),
        "bias": total(term(g(n, o), over=[n])),
    }
    assert derivation.saved == ("x", "weight")
    assert derivation.jacobians["weight"].value == total(term(delta(o, o_), ref("x", n_, i)))


def test_cross_entropy() -> None:
    """dp = -g t / (N p)."""
    assert gradient(cross_entropy, "p") == total(term(SCALAR, ref("t", n, d), (ref("p", n, d), -1), (N, -1), of=-1))


def test_softmax_cross_entropy() -> None:
    """dx = g (p - t) / N, from the one fact that targets sum to 1."""
    derivation = derived(softmax_cross_entropy)
    assert derivation.gradients["x"].value == total(
        term(SCALAR, ref("p", n, d), (N, -1)), term(SCALAR, ref("t", n, d), (N, -1), of=-1)
    )
    assert derivation.gradients["x"].display.prefactor == term(SCALAR, (N, -1))
    assert derivation.saved == ("t", "p")


def test_softmax_cross_entropy_of_labels() -> None:
    """dx = g (p - delta[label[n], d]) / N: with integer labels no fact is needed."""
    label = Gather("label", (n,), d.axis)
    derivation = derived(softmax_cross_entropy_labels)
    assert derivation.gradients["x"].value == total(
        term(SCALAR, ref("p", n, d), (N, -1)), term(SCALAR, delta(label, d), (N, -1), of=-1)
    )
    assert derivation.saved == ("label", "p")


def test_batch_norm() -> None:
    """dx = gamma inv_std / N (N g - sum g - x_hat sum g x_hat); dgamma and dbeta are its two sums."""
    derivation = derived(batch_norm)
    x_hat = ref("x_hat", n, c)
    front = (ref("gamma", c), ref("inv_std", c), (N, -1))
    sum_g, sum_gx = term(g(n_, c), over=[n_]), term(g(n_, c), ref("x_hat", n_, c), over=[n_])
    display = derivation.gradients["x"].display
    assert display.prefactor == term(*front)
    assert display.inner == total(
        term(N, g(n, c)), sum_g.scaled(Fraction(-1)), term(x_hat).times(sum_gx).scaled(Fraction(-1))
    )
    assert derivation.gradients["beta"].value == total(sum_g)
    assert derivation.gradients["gamma"].value == total(sum_gx)
    assert derivation.saved == ("gamma", "inv_std", "x_hat")


def test_batch_norm_jacobian() -> None:
    """J = delta[c,c'] gamma inv_std / N (N delta[n,n'] - 1 - x_hat x_hat')."""
    display = derived(batch_norm).jacobians["x"].display
    assert display.prefactor == term(delta(c, c_), ref("gamma", c), ref("inv_std", c), (N, -1))
    assert display.inner == total(
        term(N, delta(n, n_)), term(of=-1), term(ref("x_hat", n, c), ref("x_hat", n_, c), of=-1)
    )


def test_batch_norm_2d() -> None:
    """The same over n, h and w, with N H W for N."""
    own, other = (n, c, h, w), (n_, c, h_, w_)
    display = derived(batch_norm_2d).gradients["x"].display
    summed = [n_, h_, w_]
    assert display.prefactor == term(ref("gamma", c), ref("inv_std", c), (N, -1), (H, -1), (W, -1))
    product = term(ref("x_hat", *own)).times(term(g(*other), ref("x_hat", *other), over=summed))
    assert display.inner == total(
        term(N, H, W, g(*own)), term(g(*other), of=-1, over=summed), product.scaled(Fraction(-1))
    )


def test_batch_norm_in_evaluation_mode() -> None:
    """dx = gamma inv_std g: the statistics are constants."""
    derivation = derived(batch_norm_eval)
    assert derivation.gradients["x"].value == total(term(ref("gamma", c), ref("inv_std", c), g(n, c)))
    assert set(derivation.gradients) == {"x", "gamma", "beta"}
    assert derivation.saved == ("gamma", "inv_std", "x_hat")


# One-line definitions -----------------------------------------------------------------------------------------------

x, y, t, gamma, beta = map(IndexedBase, ("x", "y", "t", "gamma", "beta"))
loss = symbols("loss")
eps = symbols("eps", positive=True)
sizes = symbols("N D C", integer=True)
A, J, L, D, E, C = (
    Idx(name, size) for name, size in zip("nmldkc", (*[sizes[0]] * 3, *[sizes[1]] * 2, sizes[2]), strict=True)
)


def one_line(value: object, entry: object, inputs: list[object], **options: object) -> Definition:
    """A definition of one binding."""
    return Definition(
        name="one_line",
        summary="",
        inputs=[given(item) if not hasattr(item, "domain") else item for item in inputs],
        lets=[let(entry, value)],
        output=entry,
        reference="x",
        **options,
    )


def test_batch_norm_in_one_line() -> None:
    """A batch norm written as one expression, with other letters for its dummies, reaches the three-term dx."""
    means = [Sum(x[own, C], own) / sizes[0] for own in (J, L)]
    variance = Sum((x[L, C] - means[0]) ** 2, L) / sizes[0]
    definition = one_line(
        gamma[C] * (x[A, C] - means[1]) / sqrt(variance + eps) + beta[C],
        y[A, C],
        [x[A, C], gamma[C], beta[C]],
        parameters=[Parameter("eps", 1e-5, 1e-8, 1e-1)],
    )
    derivation = derived(definition)
    # The mean and the centred input are found to be the same, whatever their dummies are called.
    assert [binding.name for binding in derivation.program.bindings] == ["t1", "t2", "t3", "t4", "t5", "y"]
    centred, inv_std = ref("t2", n, c), ref("t5", c)
    display = derivation.gradients["x"].display
    assert display.prefactor == term(ref("gamma", c), inv_std, (N, -1))
    product = term(centred, (inv_std, 2)).times(term(g(n_, c), ref("t2", n_, c), over=[n_]))
    assert display.inner == total(term(N, g(n, c)), term(g(n_, c), of=-1, over=[n_]), product.scaled(Fraction(-1)))
    prove(derivation)


def test_softmax_in_one_line() -> None:
    """exp(x[n,d]) and exp(x[n,k]) under the sum are one binding, and the gradient needs y alone."""
    derivation = derived(one_line(exp(x[A, D]) / Sum(exp(x[A, E]), E), y[A, D], [x[A, D]]))
    assert [binding.name for binding in derivation.program.bindings] == ["t1", "t2", "y"]
    m = index("m", "d")
    own = ref("y", n, d)
    assert derivation.gradients["x"].value == total(
        term(own, g(n, d)), term(own, ref("y", n, m), g(n, m), of=-1, over=[m])
    )
    assert derivation.saved == ("y",)
    prove(derivation)


def test_cross_entropy_in_one_line() -> None:
    """From logits in one expression: without a name for the probabilities, dx = g (e / s - t) / N."""
    definition = one_line(
        -Sum(t[A, D] * (x[A, D] - log(Sum(exp(x[A, E]), E))), A, D) / sizes[0],
        loss,
        [given(x[A, D]), given(t[A, D], simplex(zeros=True), differentiable=False)],
        facts=[fact(Sum(t[A, D], D), 1)],
    )
    derivation = derived(definition)
    # t1 = exp(x), t2 = its sum, t3 = log t2, t4 = x - t3
    assert [binding.name for binding in derivation.program.bindings] == ["t1", "t2", "t3", "t4", "loss"]
    assert derivation.gradients["x"].value == total(
        term(SCALAR, ref("t1", n, d), (ref("t2", n), -1), (N, -1)),
        term(SCALAR, ref("t", n, d), (N, -1), of=-1),
    )
    prove(derivation)


# Special positions --------------------------------------------------------------------------------------------------


def small(*lets: tuple[object, object], inputs: list[object], **options: object) -> Derivation:
    """Derive an operation whose output is its last binding."""
    return derived(
        Definition(
            name="small",
            summary="",
            inputs=[given(item) for item in inputs],
            lets=[let(entry, value) for entry, value in lets],
            output=lets[-1][0],
            reference="x",
            **options,
        )
    )


def test_identity() -> None:
    """An output that equals an input passes the gradient on."""
    derivation = small((y[A], x[A]), inputs=[x[A]])
    assert derivation.gradients["x"].value == total(term(g(n)))
    assert derivation.saved == ()
    prove(derivation)


def test_an_input_without_influence() -> None:
    """An input that the output does not depend on has the gradient 0, which is proved like any other."""
    derivation = small((y[A], x[A] ** 2), inputs=[x[A], t[A, D]])
    assert derivation.gradients["t"].value == Expr()
    assert derivation.jacobians["t"].value == Expr()
    assert derivation.saved == ("x",)
    prove(derivation)


def test_a_binding_without_influence() -> None:
    """A binding that the output does not depend on is neither saved nor differentiated."""
    derivation = small((t[A], exp(x[A])), (y[A], x[A] ** 3), inputs=[x[A]])
    assert derivation.gradients["x"].value == total(term(g(n), (ref("x", n), 2), of=3))
    assert not [step for step in derivation.steps if step.subject == "grad_t"]
    prove(derivation)


def test_a_square_counts_twice() -> None:
    """x * x is one atom to the power 2; its derivative is 2 x."""
    derivation = small((y[A], x[A] * x[A]), inputs=[x[A]])
    assert derivation.gradients["x"].value == total(term(g(n), ref("x", n), of=2))


def test_an_entry_used_twice() -> None:
    """x[n] x[m] gives two terms, one for each place."""
    derivation = small((y[A, J], x[A] * x[J]), inputs=[x[A]])
    m = index("m", "n")
    assert derivation.gradients["x"].value == total(
        term(g(n, m), ref("x", m), over=[m]), term(g(m, n), ref("x", m), over=[m])
    )


def test_scalars() -> None:
    """Operations without any index."""
    value = symbols("value")
    derivation = small((loss, exp(value) * value), inputs=[value])
    assert derivation.gradients["value"].free == ()
    prove(derivation)


def test_a_repeated_index() -> None:
    """The trace: only the diagonal has a gradient."""
    derivation = small((loss, Sum(x[A, A], A)), inputs=[x[A, J]])
    assert derivation.gradients["x"].value == total(term(SCALAR, delta(n, index("m", "n"))))
    prove(derivation)


def test_names_of_masks_avoid_parameters() -> None:
    """A mask does not take a name that a parameter or binding has."""
    mask = symbols("mask")
    derivation = small((y[A], mask * Max(x[A], 0)), inputs=[x[A]], parameters=[Parameter("mask", 1.0, 0.5, 2.0)])
    assert derivation.gradients["x"].value == total(term(g(n), ref("mask"), ref("mask2", n)))
    prove(derivation)


def test_derivations_do_not_depend_on_the_hash_seed() -> None:
    """Texts of all steps are the same in processes with different hash seeds, and after other derivations."""
    program = """
from derivations.batch_norm import batch_norm, batch_norm_2d
from gradlab.symbolic.derive import derive
from gradlab.symbolic.read import read
from gradlab.symbolic.show import text
if SEED == 1:
    derive(read(batch_norm_2d))
derivation = derive(read(batch_norm))
for step in derivation.steps:
    print(step.subject, *(text(side, derivation.program, step.free) for side in (step.before, step.after)))
"""

    def texts(seed: str) -> str:
        command = [sys.executable, "-c", program.replace("SEED", seed)]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=ROOT).stdout

    assert texts("0") == texts("1") != ""
