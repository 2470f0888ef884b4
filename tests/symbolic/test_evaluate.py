from fractions import Fraction

import numpy as np
import pytest

from gradlab.symbolic.evaluate import Point, evaluate
from gradlab.symbolic.indices import Axis, Gather
from gradlab.symbolic.terms import Expr, Function, Indicator, Ref
from tests.symbolic.build import delta, index, ref, size, term, total
from tests.symbolic.floats import Floats

n, m, d, k = index("n"), index("m", "n"), index("d"), index("k", "d")
RNG = np.random.default_rng(5)
X, W, B = RNG.normal(size=(3, 4)), RNG.normal(size=(4,)), RNG.uniform(1, 2, size=(3,))
LABEL = np.array([2, 0, 3])
POINT = Point(
    Floats(),
    {Axis("n"): 3, Axis("d"): 4},
    {"x": X.astype(object), "w": W.astype(object), "b": B.astype(object), "label": LABEL, "q": np.asarray(2.5, object)},
)
LOOKUP = Gather("label", (n,), Axis("d"))

CASES = {
    "entry": (total(term(ref("x", n, d))), X),
    "sum over one index": (total(term(ref("x", n, k), over=[k])), np.repeat(X.sum(1), 4).reshape(3, 4)),
    "matrix product": (total(term(ref("x", n, k), ref("w", k), over=[k])), np.repeat(X @ W, 4).reshape(3, 4)),
    "two sums": (
        total(term(ref("x", n, k), ref("x", m, d), over=[k, m])),
        X.sum(1)[:, None] * X.sum(0)[None],
    ),
    "broadcast": (total(term(ref("b", n))), np.repeat(B, 4).reshape(3, 4)),
    "scalar": (total(term(ref("q"))), np.full((3, 4), 2.5)),
    "size": (total(term((size("n"), 2), (size("d"), -1))), np.full((3, 4), 9 / 4)),
    "delta": (total(term(delta(LOOKUP, d))), np.eye(4)[LABEL]),
    "lookup": (total(term(Ref("x", (n, LOOKUP)))), np.repeat(X[range(3), LABEL], 4).reshape(3, 4)),
    "summed lookup": (total(term(Ref("x", (n, LOOKUP)), over=[n])), np.full((3, 4), X[range(3), LABEL].sum())),
    "root": (total(term((ref("b", n), Fraction(-1, 2)))), np.repeat(B**-0.5, 4).reshape(3, 4)),
    "function": (total(term(Function("exp", term(ref("x", n, d), of=2)))), np.exp(2 * X)),
    "indicator": (total(term(Indicator(term(ref("x", n, d), of=-1)))), np.where(X < 0, 1.0, 0.0)),
    "sum of a constant": (total(term(ref("w", d), over=[n])), np.repeat(3 * W[None], 3, axis=0)),
    "sum of terms": (total(term(ref("x", n, d)), term(ref("w", d), of=-2)), X - 2 * W),
    "zero": (Expr(), np.zeros((3, 4))),
}


@pytest.mark.parametrize("case", CASES)
def test_value(case: str) -> None:
    """An expression has the value that NumPy gives it, with one axis for each free index."""
    expression, expected = CASES[case]
    np.testing.assert_allclose(np.asarray(evaluate(expression, (n, d), POINT), float), expected)


def test_the_order_of_free_indices_is_that_of_the_result() -> None:
    """x[n,d] with the free indices (d, n) is the transpose."""
    found = evaluate(total(term(ref("x", n, d))), (d, n), POINT)
    np.testing.assert_allclose(np.asarray(found, float), X.T)
