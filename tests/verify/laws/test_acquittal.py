"""An answer is acquitted where the wide steps of a difference mislead, and only there."""

from types import SimpleNamespace

import numpy as np
import pytest

from gradlab.verify.laws.acquittal import _TIE_POINTS, Acquittal
from gradlab.verify.oracles.differences import Differences
from gradlab.verify.oracles.kinks import limiting_coordinate, limiting_sides
from gradlab.verify.tally import Tally


def _differences(forward, x: np.ndarray) -> Differences:
    return Differences(lambda inputs: forward(*inputs), [x], [(-np.inf, np.inf)], np.random.default_rng(0))


@pytest.mark.parametrize(
    ("answer", "right"), [(-2.0, True), (-2.0 + 1e-12, True), (-1.9, False), (-1.0, False), (0.0, False)]
)
def test_a_kink_within_nearly_all_steps(answer: float, right: bool) -> None:
    """|x1 - x0| + |x2 - x1| has slope -2 at x1, and -1 over all steps that reach beyond x2, 1.6e-7 away."""
    differences = _differences(lambda x: np.abs(np.diff(x)).sum(keepdims=True), np.array([8e6, 2e-8, 1.8e-7]))
    trial = SimpleNamespace(differences=differences, weights=np.ones(1), tally=Tally())
    assert Acquittal(trial).near(0, 1, answer, -1.0) is right
    assert trial.tally.skipped["kink"] == right  # the report counts it


def test_an_error_that_differences_see_is_not_acquitted() -> None:
    """Where they are right, the slope close by is theirs, however small the error."""
    differences = _differences(np.exp, np.array([0.5, 1e-3]))
    trial = SimpleNamespace(differences=differences, weights=np.array([1.0, 1.0]))
    true = float(np.exp(0.5))
    for error in (1e-9, 1e-6, 1e-3, 1.0):
        assert not Acquittal(trial).near(0, 0, true * (1 + error), true)


def test_any_of_many_equal_elements_may_come_first() -> None:
    """At a tie of thirty, each place of the sorted array may have the largest and the smallest of their slopes."""
    tangent = np.linspace(-1.0, 3.0, 30)
    differences = _differences(np.sort, np.full(30, 0.75))
    for seed in range(3):
        rng = np.random.default_rng(seed)
        sides = limiting_sides(differences, [tangent], np.ones(30), rng, _TIE_POINTS)
        assert (sides.low, sides.high) == (pytest.approx(-30.0), pytest.approx(90.0))


@pytest.mark.parametrize("size", [3, 65, 201])
@pytest.mark.parametrize("x", [0.0, 1e-5, 0.75])
def test_any_of_many_equal_numbers_may_be_the_median(size: int, x: float) -> None:
    """At the point itself none moves it, and at random points around it one in so many does."""
    differences = _differences(lambda x: np.median(x, keepdims=True), np.full(size, x))
    for element in (0, size // 2):
        sides = limiting_coordinate(differences, 0, element, np.ones(1), np.random.default_rng(0))
        assert (sides.low, sides.high) == (pytest.approx(0.0), pytest.approx(1.0))


def test_a_million_equal_numbers_take_no_million_calls() -> None:
    """The points around them are bounded in number."""
    differences = _differences(lambda x: x.sum(keepdims=True), np.zeros(10_000))
    limiting_coordinate(differences, 0, 0, np.ones(1), np.random.default_rng(0))
    assert differences.evaluations < 2_000


@pytest.mark.parametrize(("answer", "right"), [(-1.0, True), (-1.0 + 1e-9, True), (-0.5, False), (1.0, False)])
def test_a_kink_between_a_tiny_number_and_absolute_steps(answer: float, right: bool) -> None:
    """|x0 - 2e-5| beside numbers of 1e8: steps of x0's own size drown in rounding, the others reach across the kink."""
    others = np.full(20, 7e7)
    differences = Differences(
        lambda inputs: np.abs(inputs[0] - 1.9e-5).sum(keepdims=True),
        [np.array([1.2e-8, *others])],
        [(-np.inf, np.inf)],
        np.random.default_rng(0),
        extended=False,
    )
    trial = SimpleNamespace(differences=differences, weights=np.ones(1), tally=Tally())
    assert Acquittal(trial).near(0, 0, answer, 0.0) is right


def test_tiny_equal_elements_may_stand_in_any_order() -> None:
    """The points around three numbers of 1e-5 are as small, and what tells their slopes apart is smaller."""
    tangent = np.array([1.0, 0.0, 1.0]) * 2.0**-17
    sides = limiting_sides(
        _differences(np.sort, np.full(3, 1e-5)), [tangent], np.array([-2.0, 2.0, -3.0]), np.random.default_rng(0)
    )
    assert (sides.low, sides.high) == (pytest.approx(-5 * 2.0**-17), pytest.approx(2 * 2.0**-17))
