"""Flat positions that the forward saves for the backward: right in every memory layout, or not there."""

import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, exp, log, symbols

from gradlab.codegen import numpy_source
from gradlab.operation import labels
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.derive import derive
from gradlab.symbolic.read import read

N, D = symbols("N D", integer=True)
n, d, k = Idx("n", N), Idx("d", D), Idx("k", D)
x, y, label, e, s, at_label = map(IndexedBase, ("x", "y", "label", "e", "s", "at_label"))
loss = symbols("loss")


def cross_entropy(name, weights, *, beside=(), shift=d):
    """Cross-entropy against labels; `weights` multiply p."""
    return Definition(
        name=name,
        summary="Cross-entropy of labels.",
        inputs=[given(x[n, d]), *beside, given(label[n], labels("d"))],
        lets=[
            let(e[n, d], exp(x[n, d])),
            let(s[n], Sum(e[n, k], k)),
            let(at_label[n], x[n, label[n]]),
            let(loss, Sum(log(s[n]) - at_label[n], n) + weights),
        ],
        output=loss,
        shift=shift,
        reference="torch.nn.functional.cross_entropy(x, label)",
    )


COUNTED = cross_entropy("counted", 0)
NOT_SHIFTED = cross_entropy("not_shifted", 0, shift=None)
BESIDE_ANOTHER = cross_entropy("beside_another", Sum(y[n, d] * e[n, d] / s[n], n, d), beside=[given(y[n, d])])


def module(definition):
    """The text and the functions of the NumPy kernel."""
    source, names = numpy_source(derive(read(definition))), {}
    exec(compile(source, definition.name, "exec"), names)
    return source, names


@pytest.mark.parametrize("definition", [COUNTED, NOT_SHIFTED, BESIDE_ANOTHER], ids=lambda each: each.name)
def test_the_gradient_is_the_same_in_every_memory_layout(definition):
    """Positions are counted in C order, whatever order the inputs are in."""
    _, kernel = module(definition)
    rng = np.random.default_rng(5)
    given_label = np.array([2, 0, 2])
    arrays = [rng.normal(size=(3, 4)) for declared in definition.inputs if "label" not in str(declared)]
    results = []
    for order in (np.ascontiguousarray, np.asfortranarray, lambda array: np.repeat(array, 2, axis=1)[:, ::2]):
        output, saved = kernel["forward"](*map(order, arrays), given_label)
        *gradients, _ = kernel["backward"](np.ones_like(output), saved)
        tangent = kernel["jvp"](saved, *map(order, arrays))
        results.append((*gradients, tangent))
    for other in results[1:]:
        for first, found in zip(results[0], other, strict=True):
            np.testing.assert_allclose(found, first, rtol=1e-13)
    along = sum(np.vdot(gradient, array) for gradient, array in zip(results[0], arrays, strict=False))
    np.testing.assert_allclose(results[0][-1], along, rtol=1e-12)


def test_positions_are_saved_only_where_c_order_is_certain():
    """An input as it comes, or another one of that shape, may make the gradient Fortran-ordered."""
    assert ".reshape(-1)[at_label_2] -=" in module(COUNTED)[0]  # at_label is a quantity of the author's
    for definition in (NOT_SHIFTED, BESIDE_ANOTHER):
        assert "[np.arange(n), label] -=" in module(definition)[0]
