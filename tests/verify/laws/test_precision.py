"""Law "precision": float16 beside the wide dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradlab
from gradlab import registry
from gradlab.errors import SignatureError
from gradlab.verify.narrow import rounded

DTYPES = ("float64", "float32", "float16")


def normalised(x):
    """x / sqrt(sum x**2 + 1e-4)."""
    return x / np.sqrt((x * x).sum(axis=-1, keepdims=True) + x.dtype.type(1e-4))


def normalised_backward(grad_output, x):
    """Its gradient."""
    inverse = 1 / np.sqrt((x * x).sum(axis=-1, keepdims=True) + x.dtype.type(1e-4))
    return inverse * (grad_output - x * inverse * inverse * (grad_output * x).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("name", ["relu", "softmax", "linear"])
def test_own_kernels_pass(name: str) -> None:
    """No false alarm on kernels, and every gradient is compared in float16."""
    kernel = registry.kernel(name, "numpy")
    names = [argument.name for argument in kernel.OPERATION.arguments]
    pair = gradlab.from_cached(kernel.forward, kernel.backward)
    report = gradlab.check(*pair, str(kernel.OPERATION.signature), names=names, dtypes=DTYPES, profile="quick", seed=4)
    assert report.verdict == "pass", str(report)
    assert report.tally.comparisons["precision in float16"].count > 50


def test_hard_functions_pass() -> None:
    """tanh and a normalisation in plain NumPy."""
    options: dict[str, Any] = {"dtypes": DTYPES, "profile": "quick", "seed": 5}
    tanh = lambda g, x: g * (1 - np.tanh(x)) * (1 + np.tanh(x))  # noqa: E731
    assert gradlab.check(np.tanh, tanh, "(n)->(n)", names=("x",), **options).verdict == "pass"
    report = gradlab.check(normalised, normalised_backward, "(n,d)->(n,d)", **options)
    assert report.verdict == "pass", str(report)


def wrong_branch(grad_output, x):
    """A factor that only float16 sees."""
    return grad_output * x.dtype.type(2 if x.dtype != np.float16 else 2.5)


def quantised(grad_output, x):
    """Eight-bit steps in float16."""
    gradient = 2 * grad_output
    return np.round(gradient * 2).astype(x.dtype) / x.dtype.type(2) if x.dtype == np.float16 else gradient


def overflowing(grad_output, x):
    """An intermediate result beyond 65504."""
    large = x.dtype.type(6e4)
    return 2 * (grad_output * large * large) / large / large


def vanishing(grad_output, x):
    """A guard of 1e-8, which is 0 in float16: 0 / 0."""
    guard = x.dtype.type(1e-8)
    return 2 * grad_output * ((x * 0 + guard) / (x * 0 + guard))


@pytest.mark.parametrize("backward", [wrong_branch, quantised, overflowing, vanishing])
def test_gross_errors_of_float16_are_found(backward: Any) -> None:
    """Right in float64 and float32, wrong in float16 only."""
    report = gradlab.check(lambda x: 2 * x, backward, "(n)->(n)", names=("x",), dtypes=DTYPES, profile="quick", seed=6)
    assert {finding.law for finding in report.failures} == {"precision"}, str(report)
    assert report.failures[0].claim.startswith("in float16 grad x[")
    assert report.failures[0].dtype == "float16"


def test_hidden_downcast_in_float64_is_found() -> None:
    """The same question one level up, which law "value" answers: float32 digits in a float64 gradient."""
    hidden = lambda g, x: (g * np.cos(x)).astype(np.float32).astype(x.dtype)  # noqa: E731
    report = gradlab.check(np.sin, hidden, "(n)->(n)", names=("x",), profile="quick", seed=1)
    assert "value" in {finding.law for finding in report.failures}


def test_refused() -> None:
    """bfloat16 belongs to torch; float16 alone verifies no formula."""
    with pytest.raises(SignatureError, match=r"^dtypes: NumPy has no 'bfloat16'; check a torch function with"):
        gradlab.check(np.sin, np.cos, "(n)->(n)", dtypes=("float64", "bfloat16"))
    with pytest.raises(SignatureError, match=r"^dtypes=\('float16',\): so few digits verify no formula"):
        gradlab.check(np.sin, np.cos, "(n)->(n)", dtypes=("float16",))
    with pytest.raises(SignatureError, match=r"^dtypes: 'float63' is not a supported dtype; did you mean 'float64'"):
        gradlab.check(np.sin, np.cos, "(n)->(n)", dtypes=("float63",))


def test_rounding_to_bfloat16() -> None:
    """Eight bits of significand, to even, as torch rounds."""
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(0).normal(size=200).astype(np.float32)
    values[:3] = 1 + np.array([1, 3, 2]) * 2.0**-8
    expected = torch.from_numpy(values).to(torch.bfloat16).float().numpy()
    assert np.array_equal(rounded(values, "bfloat16"), expected)
