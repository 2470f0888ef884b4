"""Rounds of cases: pure, and each of them complete."""

from __future__ import annotations

import numpy as np
import pytest

import gradlab
from gradlab.operation import Domain
from gradlab.verify.case import build
from gradlab.verify.layouts import LAYOUTS, flatten_for_broadcast, place
from gradlab.verify.plan import QUICK, STRATA, Stratum, round_of_plans
from gradlab.verify.regimes import REGIMES, cast, draw
from gradlab.verify.scouts import scouting_plans
from gradlab.verify.specification import specify

TWO = specify("(n,d),(d)->(n,d)", names=("x", "b"))


@pytest.mark.parametrize("strata", [STRATA, QUICK], ids=["whole", "quick"])
@pytest.mark.parametrize("seed", range(5))
def test_every_round_holds_every_stratum(seed: int, strata: tuple[Stratum, ...]) -> None:
    """A size 0, a size 1, a large size, equal sizes, both dtypes, every layout and 11 regimes in every round.

    Scouts count as well for the regimes.
    """
    plans, scouts = round_of_plans(TWO, (seed,), strata=strata), scouting_plans(TWO, (seed,))
    sizes = [size for plan in plans for size in plan.sizes.values()]
    assert len(plans) == len(strata)
    assert {0, 1} < set(sizes)
    assert max(sizes) >= 9
    assert any(len(set(plan.sizes.values())) == 1 for plan in plans)
    assert {plan.dtype for plan in plans} == {"float64", "float32"}
    assert {layout for plan in plans for layout in plan.layouts} == set(LAYOUTS)
    assert len({regime for plan in plans + scouts for regime in plan.regimes}) >= 11
    assert {plan.upstream for plan in plans} >= {"one hot", "huge", "tiny", "sparse", "normal"}


def test_a_round_is_a_pure_function_of_its_seed() -> None:
    """The same seed draws the same bytes."""
    first = [build(plan, TWO) for plan in round_of_plans(TWO, (1, 2))]
    second = [build(plan, TWO) for plan in round_of_plans(TWO, (1, 2))]
    for one, other in zip(first, second, strict=True):
        assert [array.tobytes() for array in one.inputs] == [array.tobytes() for array in other.inputs]


def test_sizes_respect_ranges_and_relations() -> None:
    """`dims` bounds sizes, `where` relates them, whatever the stratum wants."""
    bounded = specify("(n),(k)", dims={"n": (2, 5)}, where=lambda dims, params: dims["k"] <= dims["n"])
    for seed in range(20):
        for plan in round_of_plans(bounded, (seed,)):
            assert 2 <= plan.sizes["n"] <= 5
            assert plan.sizes["k"] <= plan.sizes["n"]


def test_square_matrices_stay_smaller_than_vectors() -> None:
    """A matrix of 260 by 260 would take most of a minute: extended precision has no BLAS."""
    drawn = {
        signature: max(
            size for s in range(20) for plan in round_of_plans(specify(signature), (s,)) for size in plan.shapes[0]
        )
        for signature in ("(n)->(n)", "(n,n)->(n,n)")
    }
    assert drawn == {"(n)->(n)": 260, "(n,n)->(n,n)": 130}


def test_every_rank_is_drawn() -> None:
    """`...` stands for 0 to 3 leading dimensions."""
    plans = [plan for s in range(10) for plan in round_of_plans(specify("(...,d)->(...,d)"), (s,))]
    assert {len(plan.shapes[0]) - 1 for plan in plans} == {0, 1, 2, 3}


def test_leading_dimensions_broadcast() -> None:
    """With `broadcast` the `...` of two arguments differ in rank and in sizes 1, and always fit together."""
    signature = specify("(...,k),(...,k)->(...)", broadcast=True)
    pairs = []
    for seed in range(4):
        for plan in round_of_plans(signature, (seed,)):
            a, b = plan.shapes
            assert a[-1] == b[-1] == plan.sizes["k"]
            pairs.append((a[:-1], b[:-1], np.broadcast_shapes(a[:-1], b[:-1])))
    assert any(a == b != () for a, b, _ in pairs)
    assert any(len(a) != len(b) and a for a, b, _ in pairs)
    assert any(a == () != b for a, b, _ in pairs)
    assert any(a != both != b for a, b, both in pairs)
    assert any(0 in both for *_, both in pairs)


def test_broadcast_backward_is_checked() -> None:
    """Sums over broadcast axes pass; a backward that forgets them fails, and so does one that sums only the first."""

    def back(gradient, shape):
        extra = tuple(range(gradient.ndim - len(shape)))
        gradient = gradient.sum(axis=extra)
        kept = tuple(axis for axis, size in enumerate(shape) if size == 1)
        return gradient.sum(axis=kept, keepdims=True)

    def right(grad_output, a, b):
        return back(grad_output, a.shape), back(grad_output, b.shape)

    def only_rank(grad_output, a, b):
        return back(grad_output, a.shape), grad_output.sum(axis=tuple(range(grad_output.ndim - b.ndim)))

    options = {"broadcast": True, "profile": "quick", "seed": 0}
    report = gradlab.check(np.add, right, "(...),(...)->(...)", names=("a", "b"), **options)
    assert report.verdict == "pass", str(report)
    report = gradlab.check(np.add, only_rank, "(...),(...)->(...)", names=("a", "b"), **options)
    assert {finding.argument for finding in report.failures} == {"b"}
    finding = report.failures[0]
    assert (finding.case["a"].shape, finding.case["b"].shape) == ((2,), (1,)), "shrunk to the axis that matters"


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0), (2, 3), (2, 3, 4)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_keeps_the_numbers(layout: str, shape: tuple[int, ...]) -> None:
    """Placing changes strides only, and 0-d arrays stay 0-d."""
    values = flatten_for_broadcast(np.random.default_rng(0).normal(size=shape))
    placed = place(values, layout)
    assert placed.array.shape == shape
    np.testing.assert_array_equal(placed.array, values)


def test_guards_are_poison() -> None:
    """Memory around a guarded slice is NaN, so that reading it shows."""
    placed = place(np.ones((2, 3)), "guarded slice")
    assert np.isnan(placed.buffer).sum() == placed.buffer.size - 6


@pytest.mark.parametrize("regime", REGIMES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    "domain",
    [
        gradlab.real(-3, 3),
        gradlab.real(0.1),
        gradlab.positive(),
        gradlab.non_negative(),
        gradlab.simplex(),
        gradlab.simplex(zeros=True),
        gradlab.one_hot(),
    ],
    ids=str,
)
def test_values_stay_in_their_domain(domain: Domain, dtype: str, regime: str) -> None:
    """Also after rounding to float32."""
    values = cast(draw(domain, regime, (4, 5), {}, np.random.default_rng(0)), domain, dtype)
    assert np.isfinite(values).all()
    assert (values.astype(float) >= domain.minimum).all()
    assert (values.astype(float) <= domain.maximum).all()
    if domain.kind == "positive" or (domain.kind == "simplex" and not domain.zeros):
        assert (values > 0).all()
    if domain.kind in ("simplex", "one_hot"):
        np.testing.assert_allclose(values.sum(axis=-1), 1, rtol=1e-6)
