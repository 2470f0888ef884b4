import random
from fractions import Fraction
from math import prod

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gradlab.symbolic.functions import ELEMENTARY
from gradlab.symbolic.rings import Digits, Dual, DualRing, PrimeField, Ring, UndefinedError, objects
from gradlab.symbolic.rings.prime_field import GENERATOR, PRIME, PRIME_POWERS, lift

FIELD = PrimeField()
HALF = Fraction(1, 2)
elements = st.integers(0, PRIME - 1)
nonzero = st.integers(1, PRIME - 1)
small = st.integers(-1000, 1000)
fractions = st.fractions(-1000, 1000, max_denominator=1000)


def one(value: object) -> np.ndarray:
    """An array without axes."""
    return np.asarray(value, dtype=object)


def exp(value: int) -> int:
    """The exponential of a whole number in the field."""
    return FIELD.function("exp", one(value % PRIME))[()]


def log(value: int) -> int:
    """The logarithm in the field."""
    return FIELD.function("log", one(value))[()]


def test_the_constants_are_what_they_are_said_to_be() -> None:
    """The prime powers multiply to p - 1, and 37 has that order."""
    assert prod(PRIME_POWERS) == PRIME - 1
    primes = (2, 3, 5, 7, 11, 13, 31, 41, 61, 151, 331, 1321)
    assert all(pow(GENERATOR, (PRIME - 1) // q, PRIME) != 1 for q in primes)
    assert PRIME % 4 == 3


@given(fractions, fractions)
def test_rational_numbers_are_exact(a: Fraction, b: Fraction) -> None:
    """Sums, products and quotients of fractions are those of their images."""
    left, right = FIELD.constant(a), FIELD.constant(b)
    assert FIELD.add(left, right) == FIELD.constant(a + b)
    assert FIELD.multiply(left, right) == FIELD.constant(a * b)
    assume(b != 0)
    assert FIELD.power(one(right), Fraction(-1))[()] == FIELD.constant(1 / b)


@given(small, small)
def test_exp_of_a_sum(a: int, b: int) -> None:
    """exp(a + b) = exp(a) exp(b) for small whole numbers, negative ones included."""
    assert exp(a + b) == exp(a) * exp(b) % PRIME


@given(small)
def test_log_undoes_exp(a: int) -> None:
    """log(exp(a)) = a."""
    assert lift(log(exp(a))) == a


@given(nonzero)
def test_exp_undoes_log(a: int) -> None:
    """exp(log(a)) = a for every element but 0."""
    assert exp(lift(log(a))) == a


@given(small, small)
def test_log_of_a_product(a: int, b: int) -> None:
    """log(x y) = log(x) + log(y), here for powers of the generator, whose exponents do not wrap around."""
    assert log(exp(a) * exp(b) % PRIME) == FIELD.add(log(exp(a)), log(exp(b)))


@given(nonzero, nonzero)
def test_roots(a: int, b: int) -> None:
    """sqrt(x)**2 = x and sqrt(x y) = sqrt(x) sqrt(y) for squares x and y."""
    x, y = a * a % PRIME, b * b % PRIME
    root = [FIELD.power(one(value), HALF)[()] for value in (x, y, x * y % PRIME)]
    assert root[0] ** 2 % PRIME == x
    assert root[2] == root[0] * root[1] % PRIME
    assert FIELD.power(one(x), -HALF)[()] * root[0] % PRIME == 1
    assert FIELD.power(one(x), 3 * HALF)[()] == root[0] * x % PRIME


@given(nonzero)
def test_half_of_all_numbers_have_a_root(a: int) -> None:
    """Of x and -x exactly one is a square."""
    found = 0
    for value in (a, PRIME - a):
        try:
            FIELD.power(one(value), HALF)
            found += 1
        except UndefinedError:
            pass
    assert found == 1


@given(st.integers(-(10**6), 10**6))
def test_signs(a: int) -> None:
    """[a > 0] and max(a, 0) are those of whole numbers."""
    value = one(a % PRIME)
    assert FIELD.indicator(value)[()] == (a > 0)
    assert lift(FIELD.function("positive_part", value)[()]) == max(a, 0)


def test_undefined_entries_are_marked() -> None:
    """The error says which entries have no value, all of them at once."""
    with pytest.raises(UndefinedError, match="division by zero") as caught:
        FIELD.power(objects([1, 0, 2, 0], (2, 2)), Fraction(-1))
    assert caught.value.where.tolist() == [[False, True], [False, True]]
    with pytest.raises(UndefinedError, match="logarithm of zero"):
        FIELD.function("log", one(0))
    with pytest.raises(UndefinedError, match="no root of order 3 in the field"):
        FIELD.power(one(8), Fraction(1, 3))


def test_the_root_of_zero_is_undefined() -> None:
    """At 0 the square root has no derivative, so that no proof may rest on such a point."""
    for ring, zero in ((FIELD, 0), (Digits(), mpmath.mpf(0))):
        with pytest.raises(UndefinedError):
            ring.power(one(zero), HALF)


@pytest.mark.parametrize(("name", "value"), [("log", -1), ("log", 0)])
def test_digits_are_real(name: str, value: int) -> None:
    """No complex number and no infinity comes out of the 50 digits."""
    with pytest.raises(UndefinedError):
        Digits().function(name, one(mpmath.mpf(value)))


def test_digits_divide_by_no_zero() -> None:
    """1 / 0 and a root of a negative number are undefined, not infinite or complex."""
    with pytest.raises(UndefinedError, match="division by zero"):
        Digits().power(one(mpmath.mpf(0)), Fraction(-1))
    with pytest.raises(UndefinedError, match="root of a number that is not positive"):
        Digits().power(one(mpmath.mpf(-2)), HALF)


def test_functions_without_a_law_are_maps() -> None:
    """A function that the field knows nothing of gives equal values for equal arguments, else different ones."""
    values = FIELD.function("sinc", objects([1, 2, 1], (3,)))
    assert values[0] == values[2] != values[1]
    assert FIELD.function("cosc", one(1))[()] != values[0]


@pytest.mark.parametrize("name", ELEMENTARY)
def test_dual_functions_have_the_slope_of_differences(name: str) -> None:
    """Each rule of the dual numbers agrees with a central difference at 60 digits."""
    base = Digits()
    with mpmath.workdps(base.digits):
        step = mpmath.mpf(10) ** -18
        at = mpmath.mpf("0.7")
        beside = [one(mpmath.mpf(value)) for value in {"clamp": (0, 1), "clip": (0, 1), "power": (3,)}.get(name, ())]
        above, below = (base.function(name, one(at + s * step), *beside)[()] for s in (1, -1))
        ring = DualRing(base)
        found = ring.function(name, Dual(one(at), one(mpmath.mpf(1))), *map(ring.dual, beside))
        assert abs(found.slope - (above - below) / (2 * step)) < mpmath.mpf(10) ** -30


@given(st.lists(st.tuples(elements, elements), min_size=3, max_size=3), st.sampled_from([-2, -1, 2, 3]))
def test_dual_numbers_are_polynomials_modulo_a_square(pairs: list[tuple[int, int]], exponent: int) -> None:
    """(a + a' t)(b + b' t) = ab + (a b' + a' b) t, sums and powers likewise."""
    ring = DualRing(FIELD)
    (a, da), (b, db), (c, dc) = pairs
    product = ring.add(ring.multiply(*(Dual(one(u), one(du)) for u, du in pairs[:2])), Dual(one(c), one(dc)))
    assert product.value == (a * b + c) % PRIME
    assert product.slope == (a * db + da * b + dc) % PRIME
    assume(a != 0)
    power = ring.power(Dual(one(a), one(da)), Fraction(exponent))
    assert power.value == pow(a, exponent, PRIME)
    assert power.slope == exponent * pow(a, exponent - 1, PRIME) * da % PRIME


@pytest.mark.parametrize("ring", [PrimeField(), Digits(), DualRing(PrimeField())], ids=lambda ring: type(ring).__name__)
def test_rings_have_one_interface(ring: Ring) -> None:
    """Every ring has the methods of the protocol, in its order."""
    wanted = [name for name in vars(Ring) if not name.startswith("_")]
    assert [name for name in vars(type(ring)) if name in wanted] == wanted


def test_sums_run_over_axes() -> None:
    """A sum over two of three axes leaves the third."""
    values = objects([random.Random(1).randrange(PRIME) for _ in range(24)], (2, 3, 4))
    assert FIELD.sum(values, (0, 2)).tolist() == [int(sum(values[:, k].ravel()) % PRIME) for k in range(3)]


@pytest.mark.parametrize("ring", [FIELD, Digits(), DualRing(FIELD)], ids=lambda ring: type(ring).__name__)
def test_constants_have_roots(ring: Ring) -> None:
    """pi and 2 are squares in every ring, so that sqrt(2 / pi) has a value; its square is 2 / pi."""
    with mpmath.workdps(60):
        for name in ("pi", "2"):
            root = ring.power(ring.named(name), HALF)
            square = ring.multiply(root, root)
            found, wanted = (getattr(value, "value", value) for value in (square, ring.named(name)))
            assert abs(np.asarray(found)[()] - np.asarray(wanted)[()]) <= mpmath.mpf(10) ** -50
