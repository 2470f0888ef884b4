"""Law "second_order": symmetry of the Jacobian of backward, and the user's double backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.errors import SignatureError
from tests.verify.laws.functions import cube, cube_backward, linear, linear_backward, relu, relu_backward

OPTIONS: dict[str, Any] = {"profile": "quick", "seed": 2, "order": 2, "exclude": {"value": "tested elsewhere"}}


def cube_double(grad_grads, grad_output, x):
    """The gradient of sum(w * 3 x**2 g) in g and in x."""
    (w,) = grad_grads
    return 3 * x * x * w, 6 * x * w * grad_output


def test_gradients_have_a_symmetric_jacobian() -> None:
    """Of one argument, of two together, and of a function that is linear almost everywhere."""
    for forward, backward, signature in (
        (cube, cube_backward, "(n)->(n)"),
        (linear, linear_backward, "(n,i),(o,i)->(n,o)"),
        (relu, relu_backward, "(n)->(n)"),
    ):
        report = gradlab.check(forward, backward, signature, **OPTIONS)
        assert report.verdict == "pass", str(report)


def test_a_backward_that_is_no_gradient_is_seen_without_an_oracle() -> None:
    """A matrix that is not symmetric: B(x) = A x is the gradient of nothing."""

    def backward(grad_output, x):
        return (x * x + np.roll(x, 1)) * grad_output * x.size

    report = gradlab.check(lambda x: (x**3).sum() / 3, backward, "(n)->()", names=("x",), **OPTIONS)
    assert [finding.law for finding in report.failures] == ["second_order"]
    assert report.failures[0].claim.startswith("backward is the gradient of nothing: <u, DB[v]> = ")


def test_right_double_backward_passes() -> None:
    """Both of its gradients are compared."""
    report = gradlab.check(cube, cube_backward, "(n)->(n)", double_backward=cube_double, **OPTIONS)
    assert report.verdict == "pass", str(report)
    assert report.tally.comparisons["second_order of double_backward"].count >= 4


@pytest.mark.parametrize("place", [0, 1])
def test_wrong_double_backward_is_found(place: int) -> None:
    """A factor of 1.000001 in either of its gradients."""

    def double(grad_grads, grad_output, x):
        gradients = list(cube_double(grad_grads, grad_output, x))
        gradients[place] = gradients[place] * 1.000001
        return tuple(gradients)

    report = gradlab.check(cube, cube_backward, "(n)->(n)", double_backward=double, **OPTIONS)
    assert [finding.argument for finding in report.failures] == [("grad_output", "x")[place]]


def test_arity_of_the_double_backward() -> None:
    """One gradient for grad_output, one per input."""
    report = gradlab.check(cube, cube_backward, "(n)->(n)", double_backward=lambda w, g, x: (w[0],), **OPTIONS)
    assert "returns 1 gradients; one for grad_output and one per input are 2" in report.failures[0].claim


def test_refused() -> None:
    """Third derivatives, and a double backward that nobody would look at."""
    with pytest.raises(SignatureError, match=r"^order=3 is not supported; use 1"):
        gradlab.check(cube, cube_backward, "(n)->(n)", order=3)
    with pytest.raises(SignatureError, match=r"^order=1 does not look at double_backward; pass order=2"):
        gradlab.check(cube, cube_backward, "(n)->(n)", double_backward=cube_double)
