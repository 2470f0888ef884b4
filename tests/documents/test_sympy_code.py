"""SymPy programs: they run, and build exactly what the engine exports."""

from typing import Any

import pytest
import sympy as sp

from gradlab.documents import sympy_code
from gradlab.symbolic.definition import argmax
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
    second = (*found.jacobians.values(), *found.products.values())
    for result in (*found.gradients.values(), found.tangent, *second):
        assert same(built[result.name], to_sympy(result, found.program))
    entries = {**built["definition"], **built.get("named", {})}
    values = {str(entry).partition("[")[0]: value for entry, value in entries.items()}
    moved = (result for name, result in found.moved.items() if name != found.program.output.name)
    for item in (*found.program.bindings, *found.adjoints.values(), *moved):
        assert same(values.pop(item.name), to_sympy(item, found.program))
    assert values == {}


def same(built: Any, exported: Any) -> bool:
    """Whether they are one expression.

    Python reads 2*(a + b)*c from the left, and SymPy then multiplies the sum out; a program declares argmax by itself.
    """
    exported = exported.replace(argmax, sp.Function("argmax"))
    return built == exported or sp.expand(built - exported) == 0


def test_program_is_readable() -> None:
    """The results of softmax as a reader sees them, without srepr."""
    source = sympy_code(derivation("softmax"))
    assert "grad_x = (grad_output[n, d] - Sum(grad_output[n, k]*y[n, k], (k, 0, D - 1)))*y[n, d]\n" in source
    assert "jacobian_x = (KroneckerDelta(d, d_) - y[n, d_])*KroneckerDelta(n, n_)*y[n, d]\n" in source
    assert "\nhvp_x = grad_output[n, d]*tangent_y[n, d]" in source
    assert "    s[n]: Sum(e[n, d], (d, 0, D - 1)),  # (2)\n" in source


def test_indices_know_their_axes() -> None:
    """An index runs over the whole of its axis."""
    built = run(sympy_code(derivation("softmax")))
    assert (built["d"].lower, built["d"].upper) == (0, built["D"] - 1)
    assert isinstance(built["d_"], sp.Idx)
