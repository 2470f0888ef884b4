"""Law "repeatability" says what kind of randomness it met."""

from __future__ import annotations

import random

import numpy as np

import gradlab

OPTIONS = {"names": ("x",), "profile": "quick", "seed": 1}
MASK = "a dropout mask is an input: draw it outside and pass it as an argument (domain gradlab.mask())"


def claims(forward, backward) -> list[str]:
    """The claims of this law."""
    report = gradlab.check(forward, backward, "(n)->(n)", **OPTIONS)
    return [finding.claim for finding in report.failures if finding.law == "repeatability"]


def test_backward_that_draws_from_the_global_generator() -> None:
    """Named as such, and the global state is as it was."""
    np.random.seed(0)  # noqa: NPY002
    (claim,) = claims(lambda x: 2 * x, lambda g, x: 2 * g * (np.random.random(g.shape) < 0.5))  # noqa: NPY002
    assert "backward is nondeterministic: it draws random numbers, also with identical saved state" in claim
    assert claim.endswith(MASK)


def test_backward_with_a_generator_of_its_own() -> None:
    """Identical saved state, other numbers every time."""
    rng = np.random.default_rng(0)
    (claim,) = claims(lambda x: 2 * x, lambda g, x: 2 * g + rng.normal(size=g.shape).astype(g.dtype))
    assert "backward is nondeterministic: with identical inputs and saved state every call gives other numbers" in claim


def test_forward_that_draws_its_mask() -> None:
    """Dropout without a mask argument, through a cache: the remedy is named."""
    rng = np.random.default_rng(0)

    def forward(x):
        mask = rng.random(x.shape) < 0.5
        return x * mask, mask

    pair = gradlab.from_cached(forward, lambda g, mask: (g * mask,))
    found = claims(*pair)
    assert any("with the same numbers gives" in claim for claim in found)
    assert all(MASK in claim and "forward is nondeterministic" in claim for claim in found)


def test_noise_that_backward_does_not_see() -> None:
    """Equal gradients of an output that is never the same."""
    found = claims(lambda x: x + np.asarray(random.random(), dtype=x.dtype), lambda g, x: g)
    assert found == [f"forward gives other numbers when it is called twice; forward draws random numbers; {MASK}"]


def test_a_sum_that_is_never_set_back() -> None:
    """A state is no randomness."""
    total = {}

    def backward(grad_output, x):
        total[x.shape] = total.get(x.shape, 0) + grad_output
        return total[x.shape] + 0

    (claim,) = claims(lambda x: 1 * x, backward)
    assert claim.endswith("backward keeps a state that grows with every call: set gradients, do not add to them")
