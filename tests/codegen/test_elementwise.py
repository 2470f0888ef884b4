"""Elementwise kernels where others overflow, lose digits or divide by zero; any shape, float32 stays float32."""

import mpmath
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.registry import kernel, names, operation  # noqa: E402 - after the check that torch is there

ELEMENTWISE = [
    name
    for name in names()
    if str(operation(name).signature) in ("(...)->(...)", "(...),(...)->()") or name == "dropout"
]
FAR = [-1e4, -1e3, -104.0, -20.5, -1.0, -1e-3, 0.0, 1e-3, 1.0, 20.5, 104.0, 1e3, 1e4]
BACKENDS = ("numpy", "torch")


def inputs(name: str, x: np.ndarray) -> list[np.ndarray]:
    """Legal inputs near x."""
    values = {"positive": np.abs(x) + x.dtype.type(1e-3), "non_negative": np.abs(x), "mask": (x > 0).astype(x.dtype)}
    values |= {"signs": np.where(x > 0, 1, -1).astype(x.dtype), "real": x}
    drawn = [values[argument.domain.kind] for argument in operation(name).arguments]
    if len(drawn) == 2 and operation(name).arguments[1].domain.kind == "real":
        drawn[1] = (x > 0).astype(x.dtype)
    return drawn


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_far_out_all_is_finite(name: str, dtype: type, backend: str) -> None:
    """At 1e3 and 1e4 the output and its gradient are finite, agree with torch's own and keep the dtype, unwarned."""
    far = [value for value in FAR if abs(value) < 21] if name == "exp" else FAR
    values = [torch.from_numpy(value) for value in inputs(name, np.array(far, dtype))]
    wrt = [value.clone().requires_grad_() for value in values]
    expected = kernel(name, "torch").reference(*wrt)
    upstream = torch.ones_like(expected)
    wanted = torch.autograd.grad(expected, wrt, upstream, allow_unused=True)
    convert = (lambda tensor: tensor) if backend == "torch" else (lambda tensor: tensor.numpy())
    module = kernel(name, backend)
    output, saved = module.forward(*map(convert, values))
    with np.errstate(divide="ignore"):  # the slope of the root at 0 is infinite, and NumPy says so
        found = [output, *module.backward(convert(upstream), saved)]
    for ours, theirs in zip(found, [expected, *wanted], strict=True):
        if ours is None:
            continue
        ours, theirs = np.asarray(ours), theirs.detach().numpy()
        if name != "sqrt":
            assert np.isfinite(ours).all()
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, theirs, rtol=300 * np.finfo(dtype).eps, atol=50 * np.finfo(dtype).eps)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 0, 3), (2, 1, 4)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_any_shape(name: str, shape: tuple[int, ...], backend: str) -> None:
    """Gradients and tangents have the shapes of what they belong to, from rank 0 up and with sizes of 0 and 1."""
    arrays = inputs(name, np.random.default_rng(1).normal(size=shape))
    if backend == "torch":
        arrays = [torch.from_numpy(np.asarray(array)) for array in arrays]
    module = kernel(name, backend)
    output, saved = module.forward(*arrays)
    for gradient in module.backward(output, saved):
        assert gradient is None or np.shape(gradient) == shape
    tangents = [array for array, own in zip(arrays, operation(name).arguments, strict=True) if own.differentiable]
    assert np.shape(module.jvp(saved, *tangents)) == np.shape(output)


def test_clamp_is_clip_to_the_last_bit() -> None:
    """No bound is added and taken away again."""
    x = np.random.default_rng(0).normal(size=10_000) * 3
    for name, low, high in (("clamp", "min", "max"), ("hardtanh", "min_val", "max_val")):
        output, _ = kernel(name).forward(x, **{low: -0.3, high: 0.7})
        np.testing.assert_array_equal(output, np.clip(x, -0.3, 0.7))


@pytest.mark.parametrize("backend", BACKENDS)
def test_slopes_keep_their_digits(backend: str) -> None:
    """1 - s and 1 - t**2 are brackets: the slopes of silu and gelu_tanh at 20 keep all digits but one."""
    with mpmath.workdps(40):
        x = mpmath.mpf(20)
        s = 1 / (1 + mpmath.exp(-x))
        wanted = {"silu": float(s * (1 + x * (1 - s))), "gelu_tanh": 1.0}
    for name, slope in wanted.items():
        one = np.array([20.0])
        module = kernel(name, backend)
        values = torch.from_numpy(one) if backend == "torch" else one
        _, saved = module.forward(values)
        (found,) = module.backward(values / values, saved)
        assert abs(float(found[0]) - slope) <= 3e-15


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_mean_squared_error_of_nothing_is_nan(backend: str) -> None:
    """As in torch, and without a warning."""
    empty = torch.zeros(0, 2) if backend == "torch" else np.zeros((0, 2))
    loss, saved = kernel("mse", backend).forward(empty, empty)
    assert np.isnan(float(loss))
    assert kernel("mse", backend).backward(loss, saved)[0].shape == (0, 2)


def test_what_is_saved() -> None:
    """The engine chooses: a mask for pieces of lines, the output of tanh and sigmoid, the input of gelu."""
    saved = {name: operation(name).saved for name in ELEMENTWISE}
    assert {name for name, kept in saved.items() if kept == ("mask",)} >= {"relu", "leaky_relu", "hardtanh", "clamp"}
    assert {name for name, kept in saved.items() if kept == ("y",)} >= {"tanh", "sigmoid", "exp", "sqrt"}
    assert {name for name, kept in saved.items() if kept == ("x",)} >= {"elu", "selu", "gelu", "silu", "log", "abs"}
