"""Worked examples: small, readable numbers, and gradients that the definition confirms."""

import numpy as np
import pytest

from gradlab.symbolic.worked import worked
from tests.catalogue import NAMES, derivation


@pytest.mark.parametrize("name", NAMES)
def test_difference_quotients_confirm_the_gradients(name: str) -> None:
    """At the entry that is shown, the difference quotient of the definition is the gradient."""
    found = worked(derivation(name))
    assert found.quotients.keys() == found.gradients.keys()
    for wrt, (place, value) in found.quotients.items():
        assert value == pytest.approx(found.gradients[wrt][place], rel=1e-12, abs=1e-12)


def test_numbers_are_simple() -> None:
    """Inputs and upstream gradients are whole numbers and halves other than 0, the sizes are at most 3."""
    found = worked(derivation("linear"))
    for name in ("x", "weight", "bias", "grad_output"):
        values = np.asarray(found.tensors[name])
        assert np.all(values * 2 == np.round(values * 2))
        assert np.all(values != 0)
    assert max(found.sizes.values()) <= 3


def test_the_same_example_each_time() -> None:
    """Two calls give equal numbers."""
    first, second = (worked(derivation("softmax")) for _ in range(2))
    assert all(np.array_equal(first.tensors[name], second.tensors[name]) for name in first.tensors)


def test_gradients_tell_something() -> None:
    """Batch normalisation of two rows has no gradient to speak of: three are taken."""
    found = worked(derivation("batch_norm"))
    assert np.abs(found.gradients["x"]).max() > 0.01
