"""The complex step: exact where it may be trusted, silent elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab.verify.oracles.complex_step import ComplexStep
from gradlab.verify.oracles.differences import Differences

Array = np.ndarray[Any, Any]
FREE = (-np.inf, np.inf)


def asked(function: Callable[[Array], Array], x: Sequence[float]) -> tuple[ComplexStep, Any]:
    """The oracle on float64 differences, and its answer for every element of x with weights 1."""
    point = np.array(x)

    def run(inputs: Sequence[Array]) -> Array | None:
        try:
            return np.asarray(function(inputs[0]))
        except (TypeError, np.exceptions.ComplexWarning):
            return None

    rng = np.random.default_rng(0)
    differences = Differences(run, [point], [FREE], rng, extended=False)
    oracle = ComplexStep(run, differences, rng)
    weights = np.ones(differences.output.size)
    return oracle, oracle.coordinates(0, np.arange(point.size), weights, lambda v, e, m, _: np.full(v.size, 2))


def test_exact_on_analytic_functions() -> None:
    """A thousand times sharper than float64 differences, and within its own bar of the truth."""
    x = [0.3, -1.2, 2.5]
    oracle, estimate = asked(lambda x: np.tanh(x) * np.exp(x), x)
    truth = np.exp(x) * (1 - np.tanh(x) ** 2 + np.tanh(x))
    assert oracle.trusted == 3
    assert oracle.name == "float64 differences with complex step"
    assert (np.abs(estimate.value - truth) <= 3 * estimate.error).all()
    assert (estimate.error < 1e-14 * (1 + np.abs(truth))).all()


@pytest.mark.parametrize(
    "function",
    [
        np.abs,
        lambda x: np.sqrt((x * np.conj(x)).sum()),
        lambda x: np.linalg.norm(x),
        lambda x: np.where(np.abs(x) > 1, x * x.real, np.abs(x)),
        lambda x: np.array([float(value) for value in x]),
        lambda x: x.real * 2,
    ],
    ids=["abs", "conj", "norm", "where abs", "float", "real"],
)
def test_silent_where_it_would_be_wrong(function: Callable[[Array], Array]) -> None:
    """abs, norms, conj and casts: differences stay as they are and keep their name."""
    with np.errstate(all="ignore"):
        oracle, estimate = asked(function, [0.3, -1.2, 2.5])
    assert oracle.trusted == 0
    assert oracle.name == "float64 differences"
    assert np.isfinite(estimate.value).all()


def test_silent_at_the_kink_of_max() -> None:
    """NumPy compares complex numbers by their real part: right beside the kink, silently wrong at it."""
    oracle, estimate = asked(lambda x: np.maximum(x, 0), [0.0, 1.0])
    assert oracle.trusted == 1
    assert estimate.value[1] == 1
    assert estimate.value[0] != 1


def inverse(x: Array) -> Array:
    """LAPACK: no longdouble, but complex numbers."""
    return np.asarray(np.linalg.inv(x + 4 * np.eye(x.shape[-1])))


def inverse_backward(grad_output: Array, x: Array) -> Array:
    """-Y' G Y'."""
    y = inverse(x).T
    return np.asarray(-y @ grad_output @ y)


def test_joins_where_longdouble_is_refused() -> None:
    """It is named in the report of a forward that calls LAPACK, and catches what float64 differences miss."""
    options: dict[str, Any] = {
        "domains": {"x": gradlab.real(-1, 1)},
        "dims": {"n": (1, 3)},
        "dtypes": ("float64",),
        "profile": "quick",
        "seed": 1,
    }
    report = gradlab.check(inverse, inverse_backward, "(n,n)->(n,n)", **options)
    assert report.verdict == "pass", str(report)
    assert any("with complex step" in name for name in report.oracles("x"))
    report = gradlab.check(inverse, lambda g, x: inverse_backward(g, x) * (1 + 4e-12), "(n,n)->(n,n)", **options)
    assert report.verdict == "fail", str(report)
