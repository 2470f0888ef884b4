"""The judge by table: numbers in, verdict out; no Hypothesis, no code under test."""

from __future__ import annotations

import numpy as np
import pytest

from gradlab.verify.judge import Scales, attainable, compare, levels, same

ONE = np.ones(1)
MILD = Scales("float64", upstream=1.0, output=1.0, weighed=1.0, largest=1.0)


def judged(
    answer: float, value: float, error: float, tolerance: float, dtype: str = "float64", blur: float = 0.0
) -> str:
    """The name of the verdict on one element."""
    verdicts = compare(
        answer * ONE, value * ONE, error * ONE, abs(value) * ONE, tolerance * ONE, dtype, blur * ONE
    )  # fmt: skip
    for name in ("agrees", "covered", "differs"):
        if getattr(verdicts, name)[0]:
            return name
    return "no opinion"


@pytest.mark.parametrize(
    ("answer", "value", "error", "tolerance", "expected"),
    [
        (1.0, 1.0, 0.0, 0.0, "agrees"),
        (1.0 + 1e-6, 1.0, 1e-12, 1e-14, "differs"),
        (1.0 + 1e-13, 1.0, 1e-13, 1e-14, "agrees"),  # within three error bars
        (1.0 + 4e-13, 1.0, 1e-13, 1e-14, "differs"),  # beyond them
        (1.0, 1.0, 1e-3, 1e-14, "covered"),  # bars too wide to call it verified
        (1.1, 1.0, 0.02, 1e-14, "no opinion"),  # bars too wide to call it wrong
        (np.nan, 1.0, 1e-13, 1e-14, "differs"),
        (np.inf, 1.0, 1e-13, 1e-14, "differs"),
        (np.nan, 1.0, 0.5, 1e-14, "differs"),  # NaN is wrong however blurred the oracle is
        (np.nan, 0.0, 0.0, 1e-14, "differs"),  # and never stands for a true 0
        (0.0, 0.0, 0.0, 0.0, "agrees"),
        (1.0, np.nan, 0.0, 1.0, "no opinion"),
        (1.0, np.inf, 0.0, 1.0, "no opinion"),
        (np.inf, 1e308, 0.0, 1.0, "no opinion"),  # the true gradient is at the end of the range
        (1.0, 1.0, np.inf, 1.0, "no opinion"),
    ],
)
def test_verdicts(answer: float, value: float, error: float, tolerance: float, expected: str) -> None:
    """A miss fails only beyond the tolerance and three sharp error bars."""
    assert judged(answer, value, error, tolerance) == expected


def test_no_miss_is_none_of_any_tolerance() -> None:
    """Where all is exactly 0, the ratio is 0 and not 0 / 0; that of a NaN is infinite."""
    zero = np.zeros(2)
    verdicts = compare(np.array([0.0, np.nan]), zero, zero, zero, zero, "float64")
    assert verdicts.ratio.tolist() == [0.0, np.inf]
    assert verdicts.verified.tolist() == [True, False]


def test_blur_neither_fails_nor_verifies() -> None:
    """Below the blur of a difference a miss proves nothing."""
    assert judged(1.0, 0.9, 0.0, 0.0, blur=0.2) == "no opinion"
    assert judged(1.0, 0.9, 0.0, 0.0, blur=0.01) == "differs"


def test_levels_rank_verdicts() -> None:
    """An oracle stops trying at 2."""
    verdicts = compare(
        np.array([1.0, 1.0, 2.0]), ONE * 1.0, np.array([0, 1e-3, 0]), np.ones(3), np.zeros(3), "float64"
    )  # fmt: skip
    assert levels(verdicts).tolist() == [2, 1, 0]


def test_tolerance_is_a_few_roundings() -> None:
    """In float64 the tolerance of a gradient of size 1 is below 1e-13: a relative error of 1e-12 cannot pass."""
    assert 1e-15 < attainable(ONE, ONE, ONE, MILD)[0] < 1e-13


def test_tolerance_does_not_grow_with_the_array() -> None:
    """Ten thousand elements have the tolerance of one."""
    many = np.ones(10_000)
    assert (attainable(many, many, many, MILD) == attainable(ONE, ONE, ONE, MILD)[0]).all()


def test_single_precision_catches_a_thousandth() -> None:
    """float32 forgives 2e-4 of the summed terms, so that 1e-3 is seen."""
    scales = Scales("float32", upstream=1.0, output=1.0, weighed=1.0, largest=1.0)
    assert 1e-4 < attainable(ONE, ONE, ONE, scales)[0] < 5e-4


def test_forward_error_is_granted_to_backward() -> None:
    """A backward need not be better than its forward."""
    scales = Scales("float64", 1.0, 1.0, 1.0, 1.0, forward_error=1e-9)
    assert attainable(ONE, ONE, ONE, scales)[0] > 1e-8


def test_cancelling_terms_keep_their_rounding() -> None:
    """A saturated softmax answers 0 +- eps * grad_output: accepted for a large upstream, not for a small one."""
    zero = np.zeros(1)
    large = Scales("float64", upstream=1e6, output=1.0, weighed=0.0, largest=0.0)
    assert attainable(zero, zero, ONE, large)[0] > 1e-10
    assert attainable(zero, zero, ONE, Scales("float64", 1e-6, 1.0, 0.0, 0.0))[0] < 1e-20


def test_same_accepts_rounding_and_equal_infinities() -> None:
    """Two runs may differ by rounding; NaN equals NaN in the same place only."""
    left, right = np.array([1.0, np.inf, np.nan, 1.0]), np.array([1.0 + 1e-15, np.inf, np.nan, np.nan])
    assert same(left, right, 2.2e-16, 64).tolist() == [True, True, True, False]
