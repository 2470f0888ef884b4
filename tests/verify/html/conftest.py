"""One run with something of everything, as a record; made once, read by all tests of the page."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.verify.flat import FlatRow, fault, finding
from gradlab.verify.record import record
from gradlab.verify.rows import Row, rows_of
from tests.verify import course

HOSTILE = "</code></pre><script>alert('x')</script> & \"so on\""


def product_backward(grad_output: Any, x: Any, weight: Any) -> Any:
    """Right for x; its gradient of weight is the transposed one, as far as shapes allow."""
    grad_weight = grad_output.T @ x
    square = grad_weight.ndim == 2 and grad_weight.shape[0] == grad_weight.shape[1]
    return grad_output @ weight, grad_weight.T if square else 2 * grad_weight


def rows_for(name: str, forward: Callable[..., Any], backward: Callable[..., Any], signature: str, **more: Any) -> Any:
    """The rows of one quick check."""
    report = gradlab.check(forward, backward, signature, profile="quick", seed=3, pictures=True, **more)
    return [FlatRow.of(row).data for row in rows_of(report, name, "user")]


@pytest.fixture(scope="session")
def example() -> dict[str, Any]:
    """Passing, failing, skipped and lost checks, notes, exclusions, a diagnosis, and text that must be escaped."""
    wrong = rows_for("product", lambda x, weight: x @ weight.T, product_backward, "(n,i),(o,i)->(n,o)")
    diagnosis = {
        "kind": "constant factor",
        "text": "grad weight is 2 times the correct one",
        "remedy": "divide by 2",
        "evidence": {"factor": 2.0, "R^2": 1.0},
    }
    wrong[0]["findings"][0]["diagnosis"] = wrong[1]["findings"][0]["diagnosis"] = diagnosis
    lost = FlatRow.of(Row("softmax", "torch", "x", (), 0, 0.0, "skipped", 0.0, {}, "torch is not installed"))
    noted = fault("gone", "user", "worker died with exit status 3", seconds=1.5, seed=9).noted(
        [finding(f"prints to standard output: {HOSTILE}", severity="note")]
    )
    nan = rows_for(
        "nan", lambda x: x**3, lambda grad_output, x: np.where(x > 1, np.nan, 3 * grad_output * x**2), "(n)->(n)"
    )
    right = rows_for("square", course.square, course.right, "(n)->(n)", exclude={"layout": "documented: C order only"})
    rows = [*wrong, *right, *nan, lost.data, noted.data]
    data = record(rows, profile="quick", seed=3)
    # Through JSON, as everything that a worker or an earlier run hands over.
    return dict(json.loads(json.dumps(data, allow_nan=False)))


@pytest.fixture(scope="session")
def screenshots() -> Path:
    """Where pictures of the page stay after the run; git ignores it."""
    folder = Path(__file__).resolve().parents[3] / "build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
