"""The laws of `gradlab.verify`, one test each, over every registered operation and both backends."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from gradlab.registry import Backend
from gradlab.verify.laws import LAWS
from gradlab.verify.registered import BACKENDS, operation_seed, report_operation
from gradlab.verify.report import Report
from tests.catalogue import NAMES

# A test's verdict is the same every day; `gradlab verify` draws a new seed each time it runs.
SEED = 20261123

# What a run of this seed proves of its own sharpness, float64 and float32, where that is less than the rest: windows or
# masks leave entries alone, and means of 1e8 round; None where it may prove nothing.
# tests/verify/test_planted.py plants errors in these too.
BLUNT: dict[tuple[str, str], tuple[float | None, float]] = {
    ("avg_pool2d", "numpy"): (1e-6, 0.2),
    ("conv1d", "torch"): (1e-8, 0.3),
    ("conv2d", "torch"): (1e-8, 1.0),
    ("group_norm", "torch"): (1e-6, 0.2),
    ("layer_norm", "torch"): (1e-7, 0.2),
    ("max_pool2d", "numpy"): (None, 0.2),
    ("scaled_dot_product_attention_mask", "numpy"): (None, 0.2),
}


@cache
def examined(name: str, backend: Backend) -> Report:
    """One check per kernel serves the tests of all laws."""
    if backend == "torch":
        pytest.importorskip("torch")
    return report_operation(name, backend, seed=operation_seed(SEED, name, backend))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("law", LAWS)
def test_law(law: str, name: str, backend: Backend) -> None:
    """No generated kernel breaks this law; the report in the message holds the seed and the shrunk case."""
    report = examined(name, backend)
    assert [finding for finding in report.failures if finding.law == law] == [], str(report)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NAMES)
def test_every_argument_is_verified(name: str, backend: Backend) -> None:
    """Each differentiable argument is verified by differences and by torch autograd, in both dtypes, sharply."""
    report = examined(name, backend)
    assert report.verdict == "pass", str(report)
    for argument in report.arguments:
        assert {"torch autograd"} < set(report.oracles(argument))
        # Proved on planted errors: twice these are found.
        # torch has no extended precision: its differences may promise nothing in a run.
        float64, float32 = BLUNT.get((name, backend), (1e-8, 0.2))
        missing = 0.0 if backend == "torch" or float64 is None else np.inf
        assert report.power[argument].get("float64", missing) < (float64 or 1e-8)
        assert report.power[argument].get("float32", 0.0) < float32
