"""Cases of operations with a keyword `axis`: which are drawn, and what their shapes are."""

from collections import Counter

import numpy as np
import pytest

from gradlab.adapters.cached import from_cached
from gradlab.operation import Along, Argument, Operation, Signature, real
from gradlab.verify.along import draw_axis, fits, leading_of, shape_of, split
from gradlab.verify.check import run
from gradlab.verify.plan import round_of_plans
from gradlab.verify.registered import specification_of

INPUT, REDUCED = ("...", "d"), ("...",)


def operation(name: str, *, several: bool, reduced: bool = False) -> Operation:
    """A record with one input that has an axis d."""
    signature = Signature((INPUT,), REDUCED if reduced else INPUT)
    argument = (Argument("x", real()),)
    return Operation(name, "", signature, argument, (), "", "", along=Along("d", several=several))


@pytest.mark.parametrize("several", [False, True])
def test_every_round_draws_other_axes_than_the_last(several: bool) -> None:
    """Half of the cases have the default; the others have axes of either sign, and tuples where these are allowed."""
    specification = specification_of(operation("sum", several=several))
    plans = [plan for k in range(8) for plan in round_of_plans(specification, (k,))]
    axes = Counter(plan.params["axis"] for plan in plans)
    assert 0.3 < axes[-1] / len(plans) < 0.75
    assert any(isinstance(axis, int) and axis >= 0 for axis in axes)
    assert any(isinstance(axis, int) and axis < -1 for axis in axes)
    assert any(isinstance(axis, tuple) and len(axis) > 1 for axis in axes) == several
    for plan in plans:
        np.sum(np.zeros(plan.shapes[0]), axis=plan.params["axis"])  # NumPy raises where an axis is out of range


def test_a_drawn_axis_fits_its_array() -> None:
    """Of an array with the leading dimensions it was drawn for."""
    specification = specification_of(operation("sum", several=True))
    rng = np.random.default_rng(0)
    for leading in [(), (2,), (2, 3, 1)]:
        for _ in range(50):
            assert fits(specification, leading, {"axis": draw_axis(Along("d", several=True), leading, rng)})
    assert not fits(specification, (), {"axis": 1})
    assert not fits(specification, (2,), {"axis": (0, -3)})


@pytest.mark.parametrize("axis", [-1, 0, 1, -2, (0, 2), (-1, 1), (1,)])
def test_leading_dimensions_are_found_again(axis: object) -> None:
    """`leading_of` is the inverse of `shape_of`; a reduction leaves the leading dimensions."""
    specification = specification_of(operation("sum", several=True, reduced=True))
    leading, params = (3, 2), {"axis": axis}
    shape = shape_of(specification, INPUT, {"d": 6}, leading, params)
    assert leading_of(specification, INPUT, shape, params) == leading
    assert shape_of(specification, REDUCED, {"d": 6}, leading, params) == leading
    assert np.zeros(shape).sum(axis=axis).shape == leading


def test_several_axes_share_the_size_of_one() -> None:
    """The sizes multiply to that of the dimension, which therefore keeps its legal range."""
    for size in range(13):
        for count in (1, 2, 3):
            assert np.prod(split(size, count)) == size


def forward(x: np.ndarray, *, axis: int = -1) -> tuple[np.ndarray, tuple[int, int]]:
    """Sums of squares."""
    return (x * x).sum(axis=axis), (x, axis)


def forgets(grad_output: np.ndarray, saved: tuple[np.ndarray, int]) -> tuple[np.ndarray]:
    """A gradient that is right along the last axis only."""
    x, _ = saved
    return (2 * x * np.broadcast_to(grad_output[..., None], x.shape),)


def right(grad_output: np.ndarray, saved: tuple[np.ndarray, int]) -> tuple[np.ndarray]:
    """A gradient along any axis."""
    x, axis = saved
    return (2 * x * np.expand_dims(grad_output, axis),)


def test_a_backward_that_forgets_the_axis_is_found() -> None:
    """It fails at another axis than the last; one that does not forget passes."""
    specification = specification_of(operation("squares", several=False, reduced=True))
    verdicts = [run(from_cached(forward, b), specification, profile="quick", seed=1).verdict for b in (right, forgets)]
    assert verdicts == ["pass", "fail"]
