import mpmath
import numpy as np
import pytest

from gradlab.mutate.digits import Digits, digits, divided

X = digits(np.array([[1.0, -2.0, 3.0], [0.0, 0.5, 7.0]]))


def test_fifty_digits() -> None:
    """A third has fifty digits, also where both numbers are plain."""
    for third in (divided(1, 3), divided(np.float64(1), 3), 1 / Digits(3), Digits(1) / 3.0):
        assert abs(third * 3 - 1) < 1e-49
    assert divided(np.ones(2), 4).tolist() == [0.25, 0.25]
    assert digits(np.array([1, 2])).dtype == np.int64


@pytest.mark.parametrize("name", ["exp", "log", "log1p", "sqrt", "tanh", "arctan", "cosh", "expm1", "cbrt", "floor"])
def test_functions(name: str) -> None:
    """NumPy's functions give what they give in floats."""
    values = np.array([0.3, 1.7])
    np.testing.assert_allclose(getattr(np, name)(digits(values)).astype(float), getattr(np, name)(values), rtol=1e-15)


def test_array_functions() -> None:
    """Reductions, products, comparisons and places to write to work as with floats."""
    floats = X.astype(float)
    for compute in (
        lambda x: np.einsum("nc,nc->c", x, x),
        lambda x: np.vecdot(x, x),
        lambda x: x @ x.T,
        lambda x: x.max(axis=-1, keepdims=True, initial=-np.inf),
        lambda x: np.maximum(x, 0),
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda x: x.mean(axis=0) + np.var(x, axis=0),
        lambda x: np.abs(x) ** 2 + np.square(x) - np.sign(x),
        lambda x: np.ones(len(x), x.dtype) @ x,
        lambda x: np.multiply(x, 2, out=x.copy()),
        lambda x: np.float64(2) * x - np.arange(3.0),
    ):
        np.testing.assert_allclose(compute(X).astype(float), compute(floats), rtol=1e-15)


def test_beyond_the_numbers() -> None:
    """As floats do: infinity, NaN; mpmath alone would raise or leave the reals."""
    one, zero = Digits(1), Digits(0)
    assert (one / zero).value == mpmath.inf
    assert (-one / zero).value == -mpmath.inf
    for nothing in (zero / zero, np.sqrt(digits(np.array([-1.0])))[0], np.log(digits(np.array([-1.0])))[0]):
        assert mpmath.isnan(nothing.value)
    assert float(np.exp(digits(np.array([1000.0])))[0] / Digits(10) ** 434) == pytest.approx(1.970071114)
    with pytest.raises(TypeError):
        one + "x"
