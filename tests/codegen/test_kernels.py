"""What the generated NumPy kernels compute where other engines fail."""

import inspect
import tracemalloc

import numpy as np
import pytest

from gradlab.registry import kernel, names


def logits(shape, size, dtype):
    """Logits between -size and size, with the extremes in every row."""
    x = np.random.default_rng(5).uniform(-size, size, shape)
    x[:, 0], x[:, -1] = size, -size
    return x.astype(dtype)


@pytest.mark.parametrize("shape", [(16, 64), (64, 128), (128, 1000)])
@pytest.mark.parametrize("size", [103.0, 1e4])
@pytest.mark.parametrize("targets", ["soft", "labels"])
def test_cross_entropy_of_large_logits_in_float32(shape, size, targets):
    """Loss and gradient are finite and agree with longdouble where exp of the logits overflows float32."""
    rng = np.random.default_rng(3)
    x = logits(shape, size, np.float32)
    if targets == "labels":
        module, target = kernel("softmax_cross_entropy_labels"), rng.integers(0, shape[1], shape[0])
        exact_target = target
    else:
        module, target = kernel("softmax_cross_entropy"), rng.dirichlet(np.ones(shape[1]), shape[0]).astype(np.float32)
        exact_target = target.astype(np.longdouble)
    loss, saved = module.forward(x, target)
    gradient = module.backward(np.float32(1), saved)[0]
    exact_loss, exact_saved = module.forward(x.astype(np.longdouble), exact_target)
    exact = module.backward(np.longdouble(1), exact_saved)[0]
    assert loss.dtype == gradient.dtype == np.float32
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(loss, exact_loss, rtol=1e-5)
    np.testing.assert_allclose(gradient, exact, rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("name", ["batch_norm", "batch_norm_2d"])
def test_batch_norm_at_mean_1e4_in_float32(name):
    """Output and gradients stay right to 1e-4 where E[x**2] - E[x]**2 would have lost every digit."""
    rng = np.random.default_rng(4)
    shape = (64, 5) if name == "batch_norm" else (16, 5, 6, 7)
    x = (1e4 + rng.normal(size=shape)).astype(np.float32)
    gamma, beta = rng.normal(size=(2, 5)).astype(np.float32)
    upstream = rng.normal(size=shape).astype(np.float32)
    module = kernel(name)
    y, saved = module.forward(x, gamma, beta)
    gradients = module.backward(upstream, saved)
    exact_y, exact_saved = module.forward(*(a.astype(np.longdouble) for a in (x, gamma, beta)))
    exact = module.backward(upstream.astype(np.longdouble), exact_saved)
    for found, wanted in zip((y, *gradients), (exact_y, *exact), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_integer_labels_take_two_arrays_of_memory():
    """Forward and backward together never hold more than 2 N D elements beside the input."""
    n, d = 256, 1000
    x = np.random.default_rng(0).normal(size=(n, d)).astype(np.float32)
    label = np.random.default_rng(1).integers(0, d, n)
    module = kernel("softmax_cross_entropy_labels")
    tracemalloc.start()
    _, saved = module.forward(x, label)
    module.backward(np.float32(1), saved)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    vectors = 20 * n * 8  # a few arrays of length N: labels, their positions, row sums
    assert peak <= 2 * x.nbytes + vectors


def test_labels_that_no_column_has_are_refused():
    """A label below 0 or above the last column is an error that shows the values."""
    x = np.zeros((2, 3))
    for label, shown in (([0, 3], "from 0 to 3"), ([-1, 2], "from -1 to 2")):
        with pytest.raises(IndexError) as error:
            kernel("softmax_cross_entropy_labels").forward(x, np.array(label))
        assert str(error.value) == f"label holds values {shown}; labels are positions from 0 to 2"


def test_the_mean_over_an_empty_batch_is_nan_without_a_warning():
    """As in torch, the mean loss of nothing is NaN, its gradients are empty; warnings are errors here."""
    loss, saved = kernel("softmax_cross_entropy").forward(np.zeros((0, 3)), np.zeros((0, 3)))
    assert np.isnan(loss)
    assert kernel("softmax_cross_entropy").backward(np.float64(1), saved)[0].shape == (0, 3)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (3, 0, 2), (2, 1, 4)])
def test_relu_takes_any_rank_and_size(shape):
    """Ranks from 0 up and sizes of 0 and 1 give gradients of the input's shape."""
    x = np.array(np.random.default_rng(0).normal(size=shape))
    y, saved = kernel("relu").forward(x)
    (gradient,) = kernel("relu").backward(np.ones(shape), saved)
    assert np.shape(y) == np.shape(gradient) == shape
    np.testing.assert_array_equal(gradient, (x > 0).astype(float))


def test_no_vjp_builds_an_identity_matrix():
    """A Jacobian is never formed: no eye, no outer product of full-size arrays."""
    for name in names():
        for backend in ("numpy", "torch"):
            source = inspect.getsource(kernel(name, backend))
            assert "eye(" not in source
            assert "outer(" not in source
