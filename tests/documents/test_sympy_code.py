"""SymPy programs: they run, and build exactly what the engine exports."""

from typing import Any

import pytest
import sympy as sp

from gradlab.documents import sympy_code
from gradlab.symbolic.export import to_sympy
from tests.catalogue import NAMES, derivation


def run(source: str) -> dict[str, Any]:
    """What a program defines."""
    namespace: dict[str, Any] = {}
    exec(compile(source, "program", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", NAMES)
def test_program_builds_the_results(name: str) -> None:
    """Every result of the program equals the exported expression, and so does every binding."""
    found = derivation(name)
    built = run(sympy_code(found))
    second = (*found.moved.values(), *found.products.values())
    for result in (*found.gradients.values(), found.tangent, *found.jacobians.values(), *second):
        assert built[result.name] == to_sympy(result, found.program)
    values = {str(entry): value for entry, value in built["definition"].items()}
    for binding in found.program.bindings:
        (value,) = (value for entry, value in values.items() if entry.partition("[")[0] == binding.name)
        assert value == to_sympy(binding, found.program)


def test_program_is_readable() -> None:
    """The results of softmax as a reader sees them, without srepr."""
    source = sympy_code(derivation("softmax"))
    assert "grad_x = (grad_output[n, d] - Sum(grad_output[n, k]*y[n, k], (k, 0, D - 1)))*y[n, d]\n" in source
    assert "jacobian_x = (KroneckerDelta(d, d_) - y[n, d_])*KroneckerDelta(n, n_)*y[n, d]\n" in source
    assert "    s[n]: Sum(e[n, d], (d, 0, D - 1)),  # (2)\n" in source


def test_indices_know_their_axes() -> None:
    """An index runs over the whole of its axis."""
    built = run(sympy_code(derivation("softmax")))
    assert (built["d"].lower, built["d"].upper) == (0, built["D"] - 1)
    assert isinstance(built["d_"], sp.Idx)
