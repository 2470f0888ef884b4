"""Sensitivity: a tiny relative error in a single element of any generated backward is caught at default settings."""

from __future__ import annotations

import pytest

from gradlab import registry
from gradlab.registry import Backend
from gradlab.verify.check import run
from gradlab.verify.registered import references_of, specification_of, subject_of
from gradlab.verify.report import Report
from tests.sharing import WHOLE
from tests.verify.planted import planted

ERRORS = {"float64": 1e-6, "float32": 1e-3}

TARGETS = [(name, argument) for name in registry.names() for argument in registry.operation(name).differentiable]
POSITIONS = {"first": 0, "last": -1, "middle": 57}
EVERY = [(*target, dtype, place) for target in TARGETS for dtype in ERRORS for place in POSITIONS]
# Where time is short, one of an argument's six cases or none, each kind in turn.
CASES = EVERY if WHOLE else EVERY[::13]
TORCH_CASES = tuple(dict.fromkeys(case[:3] for case in CASES))


def report_of(name: str, backend: Backend, argument: str, position: int, errors: dict[str, float], seed: int) -> Report:
    """A default check of the kernel with these relative errors in one element of the argument's gradient."""
    operation = registry.operation(name)
    specification = specification_of(operation)
    k = [other.name for other in specification.arguments].index(argument)
    subject = planted(subject_of(name, backend, registry.kernel(name, backend)), k, position, errors)
    return run(subject, specification, references_of(operation)[0], seed=seed, shrinking=False)


def broken_promise(name: str, backend: Backend, argument: str, position: int, dtype: str, seed: int) -> Report | None:
    """The report that missed the error, where the same run without one says that it would have caught it."""
    report = report_of(name, backend, argument, position, {dtype: ERRORS[dtype]}, seed)
    if argument in {finding.argument for finding in report.failures}:
        return None
    stated = report_of(name, backend, argument, position, {}, seed).power[argument].get(dtype, 1.0)
    return report if 2 * stated <= ERRORS[dtype] else None


def assert_caught(name: str, backend: Backend, argument: str, position: int, dtype: str, seed: int) -> None:
    """A default check of the planted kernel fails for the argument that holds the error, or says that it could not.

    A power is a promise for 99 of 100 runs: after a broken one two others must hold. tests/test_laws.py bounds how
    large the stated power may be.
    """
    if broken_promise(name, backend, argument, position, dtype, seed):
        for other in (seed + 1000, seed + 2000):
            report = broken_promise(name, backend, argument, position, dtype, other)
            assert report is None, str(report)


@pytest.mark.parametrize(("name", "argument", "dtype", "place"), CASES)
def test_single_element(name: str, argument: str, dtype: str, place: str) -> None:
    """1e-6 in float64 and 1e-3 in float32, in the first, the last or some element (modulo the size)."""
    assert_caught(name, "numpy", argument, POSITIONS[place], dtype, seed=POSITIONS[place] + 1)


@pytest.mark.parametrize(("name", "argument", "dtype"), TORCH_CASES)
def test_single_element_in_torch(name: str, argument: str, dtype: str) -> None:
    """The same in the torch kernels, which are differentiated in float64 only."""
    pytest.importorskip("torch")
    assert_caught(name, "torch", argument, -1, dtype, seed=3)


def test_unplanted_kernel_passes() -> None:
    """The harness itself plants nothing: an error of zero passes."""
    operation = registry.operation("softmax")
    subject = planted(subject_of("softmax", "numpy", registry.kernel("softmax", "numpy")), 0, 0, {})
    assert run(subject, specification_of(operation), references_of(operation)[0], profile="quick").verdict == "pass"
