"""Differences know their own error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradlab.adapters.subject import Array
from gradlab.verify.oracles.differences import LONGDOUBLE_IS_WIDER, Differences
from gradlab.verify.oracles.estimate import Estimate
from gradlab.verify.oracles.kinks import coordinate_sides, flat, standing

FREE = (-np.inf, np.inf)


def slope(function: Callable[[Array], Array], x: float, extended: bool = True) -> tuple[Differences, Estimate]:
    """The derivative of an elementwise function at one point, until no family of steps is left."""
    rng = np.random.default_rng(0)
    differences = Differences(lambda inputs: function(inputs[0]), [np.array([x])], [FREE], rng, extended=extended)
    with np.errstate(all="ignore"):  # steps over the edge of a domain give NaN, which is no opinion
        never = differences.coordinates(0, np.array([0]), np.ones(1), lambda value, error, magnitude, which: 0 * value)
    return differences, never


@pytest.mark.parametrize(
    ("function", "derivative", "x"),
    [
        (np.sin, np.cos, 0.7),
        (np.exp, np.exp, 20.0),
        (np.exp, np.exp, -700.0),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2, 19.0),
        (np.log, lambda x: 1 / x, 1e-8),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e8),
        (lambda x: x**2, lambda x: 2 * x, 1e8),
        (lambda x: x + 1e8, lambda x: 1.0, 1e-3),
        (lambda x: np.sin(1e6 * x), lambda x: 1e6 * np.cos(1e6 * x), 1.0),
        (lambda x: np.tanh(1e4 * x), lambda x: 1e4 / np.cosh(1e4 * x) ** 2, 1e-4),
        (np.abs, np.sign, 1e-9),
    ],
)
@pytest.mark.parametrize("extended", [True, False], ids=["longdouble", "float64"])
def test_the_error_estimate_holds(
    function: Callable[[Array], Array], derivative: Callable[[float], float], x: float, extended: bool
) -> None:
    """The true derivative lies within three error bars, also where steps, periods or magnitudes are awkward."""
    _, estimate = slope(function, x, extended)
    truth = float(derivative(np.float64(x)))
    assert abs(estimate.value[0] - truth) <= 3 * estimate.error[0] + estimate.blur[0] + 1e-12 * abs(truth)


@pytest.mark.skipif(not LONGDOUBLE_IS_WIDER, reason="longdouble is float64 on this platform")
def test_extended_precision_is_sharp() -> None:
    """Thirteen digits at no cost in code."""
    _, estimate = slope(np.sin, 0.7)
    assert estimate.error[0] < 1e-13


def test_a_forward_that_casts_to_float64_is_noticed() -> None:
    """Steps of extended precision would see nothing there."""
    differences, estimate = slope(lambda x: np.sin(x.astype(np.float64)), 0.7)
    assert differences.name == "float64 differences"
    assert estimate.value[0] == pytest.approx(np.cos(0.7), rel=1e-10)


def test_a_hidden_float32_is_in_the_error() -> None:
    """A forward that rounds to float32 inside gives wide bars, not confident nonsense."""
    _, estimate = slope(lambda x: np.sin(x.astype(np.float32)).astype(x.dtype), 0.7)
    assert abs(estimate.value[0] - np.cos(0.7)) <= 3 * estimate.error[0]


def test_sides_of_a_kink() -> None:
    """relu at 0 has slopes 0 and 1; a smooth function has one."""
    differences, _ = slope(lambda x: np.maximum(x, 0), 0.0)
    sides = coordinate_sides(differences, 0, 0, np.ones(1))
    assert (sides.low, sides.high, sides.singular) == (pytest.approx(0), pytest.approx(1), False)
    smooth, _ = slope(np.sin, 0.3)
    assert not coordinate_sides(smooth, 0, 0, np.ones(1)).kinked


def test_a_square_root_at_zero_is_singular() -> None:
    """Slopes that grow with every smaller step belong to no bracket."""
    differences, _ = slope(lambda x: np.sqrt(np.abs(x)), 0.0)
    assert coordinate_sides(differences, 0, 0, np.ones(1)).singular


def test_steps_are_flat() -> None:
    """round does not move around 1e8 + 0.37; x does."""
    differences, _ = slope(np.round, 1e8 + 0.37)
    assert flat(differences, 0, 0, np.ones(1))
    differences, _ = slope(lambda x: x, 1e8 + 0.37)
    assert not flat(differences, 0, 0, np.ones(1))


@pytest.mark.parametrize(
    ("function", "kink"),
    [(np.abs, True), (lambda x: np.maximum(x, 0) + np.sin(x), True), (lambda x: np.exp(30 * x), False)],
    ids=["abs", "bent relu", "exp"],
)
def test_the_bracket_of_a_kink_stands_still(function: Callable[[Array], Array], kink: bool) -> None:
    """Wide steps see a bracket in a steep bend as well; there it closes when they are taken nearer."""
    differences, _ = slope(function, 0.0, extended=False)
    sides = coordinate_sides(differences, 0, 0, np.ones(1), stretch=2.0**8)
    assert sides.kinked
    assert standing(differences, 0, 0, np.ones(1), sides) == kink
