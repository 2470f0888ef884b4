"""The test file of a formula passes as it was generated, and fails where the kernel in it is wrong."""

from __future__ import annotations

import importlib.util
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from gradlab.codegen.pytest_file import pytest_source
from gradlab.errors import GradientError
from gradlab.symbolic.formula import formula
from gradlab.symbolic.formula.stable import proved
from tests.codegen.formulas import FORMULAS


def generated(name: str) -> str:
    """The file of one formula, as text."""
    text = textwrap.dedent(FORMULAS[name]).strip()
    derivation, proof = proved(formula(text))
    assert proof.killed == proof.mutants > 0
    return pytest_source(derivation)


def loaded(source: str, folder: Path) -> ModuleType:
    """The file as a module, with a fixed seed for its checks."""
    path = folder / "test_formula.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("test_formula", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.DECLARED["seed"] = 20261126
    return module


@pytest.mark.parametrize("name", FORMULAS)
def test_passes_as_generated(name: str, tmp_path: Path) -> None:
    """Text -> proof -> kernel -> passing test."""
    module = loaded(generated(name), tmp_path)
    module.test_gradient()
    module.test_forward()


def test_fails_where_the_kernel_is_wrong(tmp_path: Path) -> None:
    """A factor in the backward, and one in the forward, are found by the test that is about it."""
    source = generated("distances")
    wrong = source.replace("    return grad_x, grad_z", "    return 2 * grad_x, grad_z")
    assert wrong != source
    with pytest.raises(GradientError, match="constant factor"):
        loaded(wrong, tmp_path).test_gradient()
    wrong = source.replace("    return d2, ", "    return 2 * d2, ").replace("    return D2, (", "    return 2 * D2, (")
    assert wrong != source
    with pytest.raises(GradientError, match="reference"):
        loaded(wrong, tmp_path).test_forward()
