"""Operations that the library does not ship go through the whole engine: derived, proved, and compared with torch."""

from functools import cache

import numpy as np
import pytest

from gradlab.symbolic.derive import Derivation, derive
from gradlab.symbolic.prove import prove
from gradlab.symbolic.read import read
from tests.symbolic.examples import EXAMPLES
from tests.symbolic.floats import autograd, number, point

SIZES = (
    {"n": 4, "m": 6, "d": 5, "k": 3, "p": 2},
    {"n": 2, "m": 1, "d": 3, "k": 5, "p": 4},
)


BY_NAME = {definition.name: definition for definition in EXAMPLES}


@cache
def derived(name: str) -> Derivation:
    """The derivation of an example."""
    return derive(read(BY_NAME[name]))


@pytest.mark.parametrize("name", BY_NAME)
def test_the_engine_proves_it(name: str) -> None:
    """Every step is proved and every mutant of it is rejected."""
    proof = prove(derived(name))
    assert proof.steps
    assert proof.killed == proof.mutants > 0


@pytest.mark.parametrize("name", BY_NAME)
def test_it_agrees_with_torch(name: str) -> None:
    """Output, VJP, JVP, HVP and Jacobian agree with torch's autograd of the reference, at unequal sizes."""
    derivation = derived(name)
    for seed, sizes in enumerate(SIZES):
        at = point(derivation, sizes, seed)
        output, gradients, products = autograd(derivation, at)
        np.testing.assert_allclose(np.asarray(at.tensors[derivation.program.output.name], float), output, atol=1e-10)
        upstream = np.asarray(at.tensors["grad_output"], float)
        tangent = 0.0
        for wrt, expected in gradients.items():
            np.testing.assert_allclose(number(derivation.gradients[wrt], at), expected, rtol=1e-9, atol=1e-10)
            jacobian = number(derivation.jacobians[wrt], at)
            np.testing.assert_allclose(np.tensordot(upstream, jacobian, upstream.ndim), expected, rtol=1e-9, atol=1e-9)
            direction = np.asarray(at.tensors[f"tangent_{wrt}"], float)
            tangent = tangent + np.tensordot(jacobian, direction, direction.ndim)
        np.testing.assert_allclose(number(derivation.tangent, at), tangent, rtol=1e-9, atol=1e-9)
        for wrt, product in derivation.products.items():
            np.testing.assert_allclose(number(product, at), products[wrt], rtol=1e-8, atol=1e-8)
