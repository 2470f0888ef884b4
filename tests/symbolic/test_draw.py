import random
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from gradlab.operation import (
    Domain,
    integers,
    labels,
    mask,
    non_negative,
    one_hot,
    positive,
    real,
    signs,
    simplex,
)
from gradlab.symbolic.draw import draw, numbers
from gradlab.symbolic.rings import Digits, PrimeField
from gradlab.symbolic.rings.prime_field import PRIME, lift

SHAPE = (40, 5)


def drawn(domain: Domain, ring: Any) -> np.ndarray:
    """Two hundred values of a domain."""
    return draw(domain, SHAPE, ring, {"d": 5}, random.Random(3))


@pytest.mark.parametrize(
    ("domain", "low", "high"),
    [
        (real(), -3, 3),
        (real(-1, 1), -1, 1),
        (real(0.25, 0.5), 0.25, 0.5),
        (real(100), 100, 103),
        (real(maximum=-100), -103, -100),
        (real(7, 7), 7, 7),
        (non_negative(), 0, 3),
        (positive(), 3 / 32, 3),
    ],
    ids=str,
)
def test_reals_stay_in_their_domain(domain: Domain, low: float, high: float) -> None:
    """Values at 50 digits lie in the domain, and within 3 of 0 where the domain allows it."""
    with mpmath.workdps(60):
        values = drawn(domain, Digits()).ravel()
    assert all(low <= value <= high for value in values)
    assert len(set(values)) == (1 if low == high else len(values))


@pytest.mark.parametrize(
    ("domain", "low"), [(real(), -9), (non_negative(), 0), (positive(), 1), (real(-3, 5), -3)], ids=str
)
def test_the_field_gets_small_whole_numbers(domain: Domain, low: int) -> None:
    """In the field values are small whole numbers of the domain: for them exp and signs keep their laws."""
    values = {lift(value) for value in drawn(domain, PrimeField()).ravel()}
    assert min(values) == low
    assert max(values) == min(9, domain.maximum)


def test_narrow_domains_get_fractions() -> None:
    """Where a domain holds few whole numbers, the field gets exact fractions of it."""
    values = drawn(real(0, 0.5), PrimeField()).ravel()
    scaled = [lift(value * 2**21 % PRIME) for value in values]
    assert all(0 <= value <= 2**20 for value in scaled)
    assert len(set(scaled)) > 100


@pytest.mark.parametrize("ring", [PrimeField(), Digits()], ids=["field", "digits"])
def test_discrete_domains(ring: Any) -> None:
    """Labels are indices; masks, signs, one-hot rows and integers are numbers of the ring."""
    zero, one, minus = (ring.constant(Fraction(k)) for k in (0, 1, -1))
    found = drawn(labels("d"), ring)
    assert found.dtype == np.intp
    assert set(found.ravel()) == set(range(5))
    assert set(drawn(mask(), ring).ravel()) == {zero, one}
    assert set(drawn(signs(), ring).ravel()) == {minus, one}
    assert set(drawn(integers(2, 3), ring).ravel()) == {ring.constant(Fraction(k)) for k in (2, 3)}
    rows = drawn(one_hot(), ring)
    assert all(sorted(row, key=lambda v: v == one) == [zero] * 4 + [one] for row in rows)


def test_rows_of_a_simplex_sum_to_one() -> None:
    """Exactly in the field, to all digits otherwise."""
    assert all(sum(row) % PRIME == 1 for row in drawn(simplex(), PrimeField()))
    with mpmath.workdps(60):
        assert all(abs(sum(row) - 1) < mpmath.mpf(10) ** -55 for row in drawn(simplex(), Digits()))


def test_numbers_are_never_zero() -> None:
    """Directions and upstream gradients hide nothing behind a 0."""
    assert all(numbers((1000,), PrimeField(), random.Random(1)))
