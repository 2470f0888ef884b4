"""Rounding is measured also where it stands still under the smallest moves of the inputs."""

from fractions import Fraction

import numpy as np

from gradlab.verify.spread import gradient_spread, rescaled_spread


def _beside_a_large_term(inputs, grad_output, params):
    """(large + small) - large, times the upstream: rounded on the grid of the large number, wherever that is."""
    large, small = inputs
    return [None, grad_output * ((large + small) - large)]


def _left_of_one_hot(inputs, grad_output, params):
    """The softmax gradient of a row whose second probability is 1 - 1e-14."""
    (p,) = inputs
    return [p * (grad_output - (grad_output * p).sum())]


def test_a_sum_on_the_grid_of_its_large_term() -> None:
    """float32 loses it as float64 does, in proportion to their digits."""
    large, small, grad_output = np.array([145541.0]), np.array([0.3503]), np.array([1.0])
    true = 0.3503
    spread = gradient_spread(_beside_a_large_term, [large, small], grad_output, {}, np.random.default_rng(0))[1]
    assert spread is not None
    miss = abs(_beside_a_large_term([large, small], grad_output, {})[1][0] - true)
    assert miss > 1e-13  # far beyond the roundings of a number near 0.35
    assert miss < 10 * spread[0] < 1e-9


def test_what_rescaling_the_upstream_shows() -> None:
    """The last digits of p and g stand still when they are nudged; other digits of g are rounded otherwise."""
    p, grad_output = np.array([9.84e-15, 1 - 9.84e-15]), np.array([-9.17, 181.4])
    probabilities, upstream = [[Fraction(float(number)) for number in array] for array in (p, grad_output)]
    products = (a * b for a, b in zip(probabilities, upstream, strict=True))
    exact = float(probabilities[1] * (upstream[1] - sum(products)))
    miss = abs(_left_of_one_hot([p], grad_output, {})[0][1] - exact)
    assert miss > 1e-3 * exact
    spread = rescaled_spread(_left_of_one_hot, [p], grad_output, {}, np.random.default_rng(0))[0]
    assert spread is not None
    assert miss < 10 * spread[1] < exact


def test_neither_hides_a_downcast_or_a_wrong_factor() -> None:
    """A gradient that is wrong in every precision, or rounded to float32 on its way, is not called rounding."""
    x, grad_output, rng = np.array([0.3, -1.7]), np.array([1.1, 0.7]), np.random.default_rng(0)

    def downcast(inputs, grad_output, params):
        return [(3 * inputs[0] ** 2).astype(np.float32).astype(np.float64) * grad_output]

    def wrong(inputs, grad_output, params):
        return [3.0000001 * inputs[0] ** 2 * grad_output]

    for backward in (downcast, wrong):
        for spread in (gradient_spread, rescaled_spread):
            measured = spread(backward, [x], grad_output, {}, rng)[0]
            assert measured is not None
            assert (10 * measured < 1e-9).all()
