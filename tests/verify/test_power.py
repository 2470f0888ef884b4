"""The stated power is one that planted errors prove."""

from __future__ import annotations

import numpy as np
import pytest

import gradlab
from gradlab import registry
from gradlab.verify.check import run
from gradlab.verify.planted import Probe, blind, stated_power
from gradlab.verify.registered import references_of, specification_of, subject_of
from tests.verify.planted import planted


def probe(*errors: float) -> Probe:
    """An answer of 1 that opinions with these errors agree with."""
    error = np.array(errors)
    ones = np.ones(error.size)
    return Probe("float64", 1.0, ones, error, ones, np.full(error.size, 1e-15), 0.0, error.size)


def test_the_sharper_of_agreeing_opinions_decides() -> None:
    """Wide bars around the same value acquit nothing that narrow ones have found wrong."""
    assert probe(1e-14).catches(1e-12)
    assert probe(1e-14, 1e-9).catches(1e-12)
    assert not probe(1e-9).catches(1e-12)


def test_the_kinder_of_contradicting_opinions_decides() -> None:
    """Where two families of steps give different values, an error that one of them covers is not caught."""
    sharp, kind = np.array([1.0, 1.1]), np.array([1e-14, 1e-3])
    contradicted = Probe("float64", 1.0, sharp, kind, np.ones(2), np.full(2, 1e-15), 0.0, 2)
    assert not contradicted.catches(0.1)
    assert contradicted.catches(0.3)


def test_another_oracle_acquits() -> None:
    """What the differences dispute, a reference may cover."""
    both = Probe("float64", 1.0, np.ones(2), np.array([1e-14, 1e-3]), np.ones(2), np.full(2, 1e-15), 0.0, 1)
    assert not both.catches(1e-6)


def test_power_is_raised_until_planted_errors_are_found() -> None:
    """The first comparison promised 1e-13; the family that decides hides what is below 3e-10."""
    powers = np.array([1e-13, 1e-12, 1e-9, 1e-8])
    assert stated_power([probe(1e-14)] * 4, 40.0, powers, 1) == pytest.approx(3.25e-13 + 0.0, rel=10)
    stated = stated_power([probe(1e-10)] * 4, 40.0, powers, 1)
    assert stated is not None
    assert 1.5e-10 < stated < 2e-9


def test_rare_sight_promises_nothing() -> None:
    """One case in a hundred elements, or a family that covers everything."""
    assert stated_power([probe(1e-14)], 0.5, np.array([1e-13]), 1) is None
    hidden = Probe("float64", 1.0, np.ones(1), np.full(1, 1e-3), np.ones(1), np.full(1, 10.0), 0.0, 1)
    assert stated_power([hidden], 40.0, np.array([1e-13]), 1) is None
    assert blind([hidden] * 8)
    assert not blind([hidden] * 2)
    assert not blind([hidden] * 8 + [probe(1e-14)])


@pytest.mark.parametrize("name", ["linear", "softmax"])
def test_twice_the_stated_power_is_caught(name: str) -> None:
    """In one element of a kernel, on cases of another seed."""
    operation = registry.operation(name)
    specification, references = specification_of(operation), references_of(operation)[0]
    subject = subject_of(name, "numpy", registry.kernel(name, "numpy"))
    power = run(subject, specification, references, seed=0).power["x"]["float64"]
    assert power < 1e-5
    wrong = planted(subject, 0, 1, {"float64": 2 * power})
    report = run(wrong, specification, references, seed=1000, shrinking=False)
    assert "x" in {finding.argument for finding in report.failures}, str(report)


def test_a_blind_comparison_is_inconclusive() -> None:
    """Where even an answer three times too large agrees, nothing was verified."""
    report = gradlab.check(lambda x: x * 2, lambda g, x: g * 2, "(n)->(n)", names=("x",), profile="quick", seed=0)
    hidden = Probe("float64", 1.0, np.ones(1), np.full(1, 1e-3), np.ones(1), np.full(1, 10.0), 0.0, 1)
    assert report.verdict == "pass"
    report.tally.probes.clear()
    report.tally.probes["x", "float64"] = [hidden] * 8
    assert report.verdict == "inconclusive"
    assert report.reasons == ("x was not verified: no planted error was caught",)
