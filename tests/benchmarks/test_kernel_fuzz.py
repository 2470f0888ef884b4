"""Random formulas have right kernels, and a wrong kernel would be found."""

import pytest

torch = pytest.importorskip("torch")

from benchmarks import kernel_fuzz  # noqa: E402 - after the check that torch is there


@pytest.mark.parametrize("seed", range(4))
def test_random_formulas_have_right_kernels(seed: int) -> None:
    """Forward, backward, JVP and HVP of both targets; the same formulas each time."""
    tally = kernel_fuzz.fuzz(25, seed)
    assert not tally.bad, "\n".join(tally.bad)
    assert tally.right > 5


# Each was wrong once, and says where.
FOUND = {
    "a let in another order": "t[d,n] = exp(x[n,d])\ny[d,n] = t[d,n]*z[d]",
    "a sum in another order": "q[n,d] = x[n,d] + z[d]\ny[n,d,k] = T[n,d,k] + B[k,d]*q[n,d]",
    "an addition to a view": "y[n,m] = A[n,m]*delta(n, m) + A[m,n]",
    "a scalar times itself": "y = tanh(0.5 - mean[d](z[d])) + mean[n](v[n])",
    "a sum of two negative arrays": "q[n,m] = A[m,n] - (A[n,n] + c)*(A[n,m]*c)\ny[n,m] = A[m,n] + q[n,n]",
    "a product met twice": "y[k,d] = w[d,k]*(w[d,k]*(sum[l](B[l,d]) + B[k,d]))",
    "a product under other indices": "y[d,n] = x[n,d]*tanh((x[n,d] + z[d])*(A[n,n] + v[n]))",
    "rows of a transposed array": "y[n,d,k] = abs(mean[l](sum[m](w[d,l]))) - sum[m](A[n,m]*T[n,d,k])*0.5",
    "a buffer read before it is written": "y[n,m] = tanh(A[n,m]**2)",
    "a sum that is broadcast": "y[d,n] = sum[e](x[n,e] + A[n,n]) - sin(z[d])",
    "a factor beside a delta": "y[n,m] = 1/(2 + (delta(m, n)*v[n] - max(v[m], 0))**2)",
    "a delta inside a function": "y[n,m] = sin(delta(m, n)*v[n])",
    "a transposed mask": "y[k,d] = max(w[d,k] + w[d,k], 0)",
    "a parameter alone": "y[n,m] = delta(m, n)*c + A[m,n]",
    "a function of a parameter": "y[n] = v[n] + exp(0.3*c)",
    "a root of a power": "y[n,m] = sqrt(1 + A[n,m]**2*sin(A[n,n])**2)",
}


@pytest.mark.parametrize("name", FOUND)
def test_what_random_formulas_found(name: str) -> None:
    """Kernels that were wrong, or could not be written, are right."""
    assert kernel_fuzz.check(FOUND[name], 0) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("y = np.exp(x)", "y = np.exp(x) * (1 + 1e-7)", "forward: off by"),
        ("grad_x = ", "grad_x = 2 * ", "backward: off by"),
        ("tangent_y = ", "tangent_y = 2 * ", "jvp: off by"),
        ("hvp_x = ", "hvp_x = 2 * ", "hvp: off by"),
    ],
)
def test_a_wrong_kernel_is_found(monkeypatch: pytest.MonkeyPatch, right: str, wrong: str, problem: str) -> None:
    """A factor in any of the four."""
    original = kernel_fuzz.numpy_source
    assert kernel_fuzz.check("y[n,d] = exp(x[n,d])", 0) == ""
    monkeypatch.setattr(kernel_fuzz, "numpy_source", lambda derivation: original(derivation).replace(right, wrong, 1))
    assert kernel_fuzz.check("y[n,d] = exp(x[n,d])", 0).startswith(problem)
