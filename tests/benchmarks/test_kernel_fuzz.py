"""Random formulas have right kernels, and a wrong kernel would be found."""

import pytest

torch = pytest.importorskip("torch")

from benchmarks import kernel_fuzz  # noqa: E402 - after the check that torch is there


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_random_formulas_have_right_kernels(seed: int) -> None:
    """Forward, backward, JVP and HVP of both targets; the same formulas each time."""
    tally = kernel_fuzz.fuzz(25, seed)
    assert not tally.bad, "\n".join(tally.bad)
    assert tally.right > 5


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
