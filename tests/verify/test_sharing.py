"""Law "sharing": one array passed as two arguments."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.verify.plan import round_of_plans
from gradlab.verify.specification import specify


def by_identity(grad_output: Any, a: Any, b: Any) -> Any:
    """Gradients of a * b kept per array object, as a tape does that forgets that arguments may be one."""
    gradients = {id(a): np.zeros_like(a), id(b): np.zeros_like(b)}
    gradients[id(a)] += grad_output * b
    gradients[id(b)] += grad_output * a
    return gradients[id(a)], gradients[id(b)]


def raising(grad_output: Any, a: Any, b: Any) -> Any:
    """Right, but refuses one array twice."""
    if a is b:
        raise ValueError("the same array")
    return grad_output * b, grad_output * a


def check(backward: Any, **options: Any) -> gradlab.Report:
    """A quick check of a backward of a * b."""
    return gradlab.check(np.multiply, backward, "(n),(n)->(n)", names=("a", "b"), profile="quick", seed=0, **options)


def test_gradients_kept_by_identity_are_found() -> None:
    """The sum of both comes out twice; the report says so, and its program passes one array."""
    report = check(by_identity)
    assert [(finding.law, finding.argument) for finding in report.failures] == [("sharing", "a"), ("sharing", "b")]
    finding = report.failures[0]
    assert finding.claim == "one array passed as a and b gives 2 in the gradient of a; two equal arrays give 1"
    assert "b = a  # the same array" in finding.reproduction


def test_a_backward_that_refuses_is_found() -> None:
    """It raises for the shared array only."""
    assert {finding.law for finding in check(raising).failures} == {"sharing"}


def test_it_can_be_excluded() -> None:
    """By its name, with the reason in the report."""
    report = check(by_identity, exclude={"sharing": "documented: distinct arrays"})
    assert report.verdict == "pass", str(report)
    assert "excluded sharing: documented: distinct arrays" in str(report)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("signature", ["(n),(n)->(n)", "(n,i),(o,i),(o)->(n,o)", "(...,k),(...,k)->(...)"])
def test_every_round_has_a_shared_array(signature: str, seed: int) -> None:
    """Where two arguments can have one shape, they do in exactly one case."""
    plans = round_of_plans(specify(signature, broadcast="..." in signature), (seed,))
    shared = [plan.shapes[plan.shared[0]] == plan.shapes[plan.shared[1]] for plan in plans if plan.shared]
    assert shared == [True]


def test_other_domains_are_not_shared() -> None:
    """A positive argument and any real one are two arrays."""
    plans = round_of_plans(specify("(n),(n)", domains={"x0": gradlab.positive()}), (0,))
    assert not any(plan.shared for plan in plans)
