import itertools
from typing import Any

import numpy as np
import pytest

from gradlab import registry
from gradlab.codegen.needs import guarded
from gradlab.registry import Backend
from tests.catalogue import NAMES
from tests.drawn import drawn

SEVERAL = [name for name in NAMES if len(registry.operation(name).differentiable) > 1]


def small_inputs(name: str, backend: Backend) -> list[Any]:
    """Legal inputs of small sizes."""
    inputs: list[Any] = drawn(name, seed=3)
    if backend == "torch":
        torch = pytest.importorskip("torch")
        inputs = [torch.from_numpy(np.array(value)) for value in inputs]
    return inputs


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("name", SEVERAL)
def test_leaving_out_gradients_changes_no_other(name: str, backend: Backend) -> None:
    """Whichever gradients are asked for, each is the number for number the one of a full backward."""
    kernel, inputs = registry.kernel(name, backend), small_inputs(name, backend)
    output, saved = kernel.forward(*inputs)
    grad_output = output + 1
    full = kernel.backward(grad_output, saved)
    for needs in itertools.product((False, True), repeat=len(inputs)):
        some = kernel.backward(grad_output, saved, needs)
        for needed, gradient, expected in zip(needs, some, full, strict=True):
            if needed and expected is not None:
                np.testing.assert_array_equal(np.asarray(gradient), np.asarray(expected))


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_linear_layer_computes_only_what_is_needed(backend: Backend) -> None:
    """The three products of a linear layer's backward are each left out where nobody needs them."""
    kernel, inputs = registry.kernel("linear", backend), small_inputs("linear", backend)
    output, saved = kernel.forward(*inputs)
    for needs in itertools.product((False, True), repeat=3):
        gradients = kernel.backward(output, saved, needs)
        assert tuple(gradient is not None for gradient in gradients) == needs


def test_lines_that_two_gradients_share_are_not_guarded() -> None:
    """A sum that two gradients use is computed without a question; what only one uses is not."""
    lines, results = guarded(["s = (g * x).sum()", "a = s * x", "b = s * y"], ["a", "b"], "Array")
    none = ["a: Array | None = None", "b: Array | None = None"]
    assert lines == [*none, "s = (g * x).sum()", "if needs[0]:", "    a = s * x", "if needs[1]:", "    b = s * y"]
    assert results == ["a", "b"]


def test_writing_into_a_view_writes_into_its_array() -> None:
    """Lines that change a result through a part of it belong to that result."""
    lines = ["a = np.zeros(3)", "part = a[1:]", "part += g", "other = g[1:]", "b = other * x"]
    guards, _ = guarded(lines, ["a", "b"], "Array")
    assert guards[2:] == [
        "if needs[0]:",
        "    a = np.zeros(3)",
        "    part = a[1:]",
        "    part += g",
        "if needs[1]:",
        "    other = g[1:]",
        "    b = other * x",
    ]


def test_lines_that_no_result_uses_are_left_alone() -> None:
    """Where it cannot be told what a line is for, nothing is guarded."""
    lines = ["a = g * x", "c = g + 1", "b = g * y"]
    assert guarded(lines, ["a", "b"], "Array") == (lines, ["a", "b"])
