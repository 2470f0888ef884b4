import random

import mpmath
import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, log, sqrt, symbols

from derivations.batch_norm import batch_norm
from derivations.relu import relu
from gradlab.errors import DefinitionError
from gradlab.operation import Parameter, mask, positive
from gradlab.symbolic.definition import Definition, given, let
from gradlab.symbolic.extents import sizes
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Program
from gradlab.symbolic.read import read
from gradlab.symbolic.rings import Digits, PrimeField
from gradlab.symbolic.sample import draws, reduced_size, sample

N, D = symbols("N D", integer=True)
n, m, d = Idx("n", N), Idx("m", N), Idx("d", D)
x, w, y, keep = map(IndexedBase, ("x", "w", "y", "keep"))


def program(*lets: tuple[object, object], inputs: list[object], **options: object) -> Program:
    """A program whose output is its last binding."""
    return read(
        Definition(
            name="drawn",
            summary="",
            inputs=[item if not hasattr(item, "indices") else given(item) for item in inputs],
            lets=[let(entry, value) for entry, value in lets],
            output=lets[-1][0],
            reference="x",
            **options,
        )
    )


def test_sizes_are_unequal_and_rotate() -> None:
    """All axes differ at the first draw; over the draws each axis has several sizes, 1 among them."""
    for definition in (batch_norm, relu):
        subject = read(definition)
        seen = [sizes(subject, k) for k in range(8)]
        assert len(set(seen[0].values())) == len(subject.axes)
        for axis in subject.axes:
            assert 1 in {size[axis] for size in seen}
            assert len({size[axis] for size in seen}) >= 3


def test_a_root_of_every_entry_is_found() -> None:
    """Twenty independent roots exist at once after a few repairs; drawing all again would need a million draws."""
    subject = program((y[n, d], sqrt(x[n, d] + w[d])), inputs=[x[n, d], w[d]])
    size = {Axis("n"): 4, Axis("d"): 5}
    assert sample(subject, PrimeField(), size, random.Random(1)) is not None


def test_roots_of_pairs_are_found() -> None:
    """sqrt(x[n] + w[m]) ties each entry to two others."""
    subject = program((y[n, m], sqrt(x[n] + w[m])), inputs=[x[n], w[n]])
    points = list(draws(subject, PrimeField(), 3, seed=1))
    assert len(points) == 3


def test_sizes_without_a_value_are_passed_over() -> None:
    """1 / (N - 1) has no value at N = 1."""
    subject = program((y[d], Sum(x[n, d] ** 2, n) / (N - 1)), inputs=[x[n, d]])
    points = list(draws(subject, PrimeField(), 6, seed=2))
    assert all(point.sizes[Axis("n")] > 1 for point in points)


def test_a_domain_that_is_too_wide_is_found() -> None:
    """log(x) over all reals is refused at 50 digits, also where some draws happen to be positive."""
    narrow = program((y[n], log(x[n])), inputs=[given(x[n], positive())])
    wide = program((y[n], log(x[n])), inputs=[given(x[n])])
    with mpmath.workdps(60):
        for seed in range(20):
            assert list(draws(narrow, Digits(), 1, seed))
            with pytest.raises(DefinitionError, match="no random inputs were found"):
                list(draws(wide, Digits(), 1, seed))


def test_a_mask_that_leaves_nothing_is_passed_over() -> None:
    """The mean over a mask has a value wherever one entry is left, and points are found among these."""
    total, count = symbols("total count")
    subject = program(
        (count, Sum(keep[n], n)), (total, Sum(keep[n] * x[n], n) / count), inputs=[x[n], given(keep[n], mask())]
    )
    with mpmath.workdps(60):
        for seed in range(20):
            (point,) = draws(subject, Digits(), 1, seed)
            assert point.tensors["count"] > 0


def test_parameters_stay_in_their_range() -> None:
    """A parameter is drawn between its bounds."""
    scale = symbols("scale")
    subject = program((y[n], scale * x[n]), inputs=[x[n]], parameters=[Parameter("scale", 0.9, 0.85, 0.95)])
    with mpmath.workdps(60):
        (point,) = draws(subject, Digits(), 1, 5)
    assert 0.85 <= point.tensors["scale"] <= 0.95


def test_points_are_reproducible() -> None:
    """The same seed draws the same point, another seed another one."""
    subject = read(batch_norm)

    def values(seed: int) -> list[int]:
        (point,) = draws(subject, PrimeField(), 1, seed)
        return point.tensors["x"].tolist()

    assert values(1) == values(1) != values(2)


def test_a_point_holds_all_that_proofs_use() -> None:
    """Inputs, bindings, upstream gradient, a tangent for each input, and the sizes minus 1."""
    subject = read(batch_norm)
    (point,) = draws(subject, PrimeField(), 1, 1)
    names = {"grad_output", "eps", *(f"tangent_{name}" for name in ("x", "gamma", "beta"))}
    names |= {reduced_size(axis) for axis in subject.axes}
    assert set(point.tensors) == names | set(subject.tensors)
    assert np.shape(point.tensors["y"]) == np.shape(point.tensors["x"])
