"""The derived gradient at 50 digits, against torch autograd."""

from __future__ import annotations

import re

import numpy as np
import pytest

from gradlab import registry
from gradlab.symbolic.oracle import SymbolicReference, symbolic_reference
from gradlab.verify.case import build
from gradlab.verify.plan import round_of_plans
from gradlab.verify.registered import operation_seed, references_of, report_operation, specification_of
from tests.catalogue import NAMES


def oracle(name: str) -> SymbolicReference:
    """The oracle of a registered operation."""
    found = symbolic_reference(name, registry.operation(name).digest)
    assert found is not None
    return found


@pytest.mark.parametrize("name", NAMES)
def test_agrees_with_torch(name: str) -> None:
    """Output and every gradient, on mild numbers of several shapes, to float64 rounding."""
    pytest.importorskip("torch")
    specification = specification_of(registry.operation(name))
    (torch_reference,), _ = references_of(registry.operation(name))
    compared, reference = 0, oracle(name)
    for plan in round_of_plans(specification, (7,))[:8]:
        case = build(plan, specification)
        inputs = [x.astype(np.float64) if x.dtype.kind == "f" else x for x in case.inputs]
        mild = all(np.abs(x).max(initial=0.0) < 20 for x in inputs) and 0 not in case.sizes.values()
        output = reference.output(inputs, case.params) if mild else None
        expected = torch_reference.output(inputs, case.params)
        if output is None or expected is None:
            continue
        np.testing.assert_allclose(output, expected, rtol=1e-9, atol=1e-11)
        grad_output = np.random.default_rng(0).normal(size=output.shape)
        found = reference.gradients(inputs, grad_output, case.params)
        wanted = torch_reference.gradients(inputs, grad_output, case.params)
        assert found is not None
        assert wanted is not None
        for left, right in zip(found, wanted, strict=True):
            assert (left is None) == (right is None)
            if left is not None and right is not None:
                np.testing.assert_allclose(left, right, rtol=1e-7, atol=1e-9)
                compared += left.size
    assert compared > 5


def test_four_small_cases_and_no_more() -> None:
    """Its cost is bounded: large cases and the fifth have no opinion."""
    reference = oracle("softmax")
    assert reference.output([np.zeros((30, 30))], {}) is None
    answers = [reference.output([np.full((2, 3), float(k))], {}) for k in range(6)]
    assert [answer is not None for answer in answers] == [True] * 4 + [False] * 2
    # The case at hand may be asked about again.
    assert reference.output([np.full((2, 3), 3.0)], {}) is not None


def test_undefined_is_no_opinion() -> None:
    """A root of 0: batch norm cannot meet it, a negative variance can."""
    reference = oracle("batch_norm_eval")
    arrays = [np.ones((2, 1)), np.ones(1), np.ones(1), np.zeros(1), np.full(1, -3.0)]
    assert reference.output(arrays, {"eps": 1e-5}) is None
    assert reference.gradients(arrays, np.ones((2, 1)), {"eps": 1e-5}) is None


def test_another_definition_is_no_oracle() -> None:
    """A kernel that was generated from something else must not be judged by this."""
    assert symbolic_reference("softmax", "another digest") is None


def test_its_name_is_in_the_report() -> None:
    """It verifies elements, and is not called independent: kernel and oracle share a definition."""
    seed = operation_seed(3, "softmax", "numpy")
    report = report_operation("softmax", profile="quick", seed=seed, exact=symbolic_reference)
    assert report.verdict == "pass", str(report)
    assert "symbolic (50 digits)" in report.oracles("x")
    assert re.search(r"symbolic \(50 digits\)(?! \(independent\))", str(report))
