"""Lookups in generated code: labels on any axis, repeats, places of maxima, ties."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.kernels.door import by_axis  # noqa: E402 - after the check that torch is there
from gradlab.registry import kernel  # noqa: E402 - after the check that torch is there

POOLS = [
    {"kernel_size": 2, "stride": 2, "padding": 0, "dilation": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 1},
    {"kernel_size": 3, "stride": 1, "padding": 1, "dilation": 2},
    {"kernel_size": 2, "stride": 3, "padding": 1, "dilation": 1},
    {"kernel_size": (3, 2), "stride": (1, 2), "padding": (1, 0), "dilation": (1, 3)},
    {"kernel_size": (2, 3), "stride": (3, 2), "padding": 1, "dilation": 1, "ceil_mode": True},
]


def run(name, backend, upstream, *inputs, **parameters):
    """Output and gradients as NumPy arrays."""
    module = kernel(name, backend)
    convert = torch.from_numpy if backend == "torch" else np.asarray
    output, saved = module.forward(*(convert(np.array(array)) for array in inputs), **parameters)
    gradients = module.backward(convert(np.array(upstream, dtype=float)), saved)
    return np.asarray(output), [None if gradient is None else np.asarray(gradient) for gradient in gradients]


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["max", "min"])
def test_at_a_tie_the_first_entry_gets_the_whole_gradient(name, backend):
    """torch's convention for max(dim), whatever the sign and the number of leading dimensions."""
    x = np.array([[[2.0, 2.0, 1.0], [0.0, -1.0, -1.0]]]) * (1 if name == "max" else -1)
    output, (gradient,) = run(name, backend, [[3.0, 5.0]], x)
    np.testing.assert_array_equal(output, [[x[0, 0, 0], x[0, 1, 0]]])
    np.testing.assert_array_equal(gradient, [[[3, 0, 0], [5, 0, 0]]])
    output, (gradient,) = run(name, backend, 3.0, x[0, 0])
    np.testing.assert_array_equal(gradient, [3, 0, 0])


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_the_maximum_of_a_row_with_a_nan_is_nan(backend):
    """As NumPy's and torch's argmax, the search finds the NaN."""
    output, (gradient,) = run("max", backend, [1.0], [[1.0, np.nan, 2.0]])
    assert np.isnan(output).all()
    np.testing.assert_array_equal(gradient, [[0, 1, 0]])


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,), (2, 0)])
def test_rows_that_are_looked_up_several_times_add_up(backend, shape):
    """Labels may have any number of dimensions; a row's gradient is the sum over all of its lookups."""
    rng = np.random.default_rng(0)
    label, weight = rng.integers(0, 3, shape), rng.normal(size=(5, 2))
    upstream = rng.normal(size=(*shape, 2))
    output, (nothing, gradient) = run("embedding", backend, upstream, label, weight)
    assert nothing is None
    np.testing.assert_array_equal(output, weight[label])
    expected = np.zeros((5, 2))
    for place in np.ndindex(*shape):
        expected[label[place]] += upstream[place]
    np.testing.assert_allclose(gradient, expected, atol=1e-15)


@pytest.mark.parametrize("name", ["embedding", "nll"])
@pytest.mark.parametrize("label", [[0, 3], [-1, 2]])
def test_labels_out_of_range_are_refused(name, label):
    """The error shows the values and the range."""
    table = np.zeros((3, 3))
    inputs = (np.array(label), table) if name == "embedding" else (table[:2], np.array(label))
    with pytest.raises(IndexError) as error:
        kernel(name).forward(*inputs)
    assert str(error.value) == (f"label holds values from {label[0]} to {label[1]}; labels are positions from 0 to 2")


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("pool", POOLS, ids=lambda pool: "-".join(map(str, pool.values())))
def test_max_pooling_is_torchs_with_ties(backend, pool):
    """Maxima, their places and gradients are torch's, in windows that overlap, are padded, dilated or full of ties."""
    x = np.random.default_rng(1).integers(-2, 2, (2, 3, 9, 8)).astype(float)
    wanted = torch.tensor(x, requires_grad=True)
    maxima, places = torch.nn.functional.max_pool2d(wanted, **pool, return_indices=True)
    upstream = np.random.default_rng(2).normal(size=maxima.shape)
    maxima.backward(torch.tensor(upstream))
    settings = {"kernel" if name == "kernel_size" else name: value for name, value in pool.items()}
    ceil_mode = int(settings.pop("ceil_mode", False))
    settings = by_axis(settings, 2) | {"ceil_mode": ceil_mode}
    output, (gradient,) = run("max_pool2d", backend, upstream, x, **settings)
    np.testing.assert_array_equal(output, maxima.detach().numpy())
    np.testing.assert_allclose(gradient, wanted.grad.numpy(), atol=1e-14)
    module = kernel("max_pool2d", backend)
    _, saved = module.forward(torch.tensor(x) if backend == "torch" else x, **settings)
    np.testing.assert_array_equal(np.asarray(saved[0]), places.numpy())


def test_pooling_takes_large_batches_in_blocks():
    """More than one block of rows gives what torch gives."""
    x = np.random.default_rng(3).normal(size=(40, 16, 32, 32)).astype(np.float32)
    wanted, places = torch.nn.functional.max_pool2d(torch.tensor(x), 2, 2, return_indices=True)
    output, saved = kernel("max_pool2d").forward(x)
    assert output.dtype == np.float32
    np.testing.assert_array_equal(output, wanted.numpy())
    np.testing.assert_array_equal(saved[0], places.numpy())


@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_weighted_cross_entropy_is_torchs(backend, smoothing):
    """Class weights, label smoothing and rows left out together, in value and gradient."""
    rng = np.random.default_rng(4)
    x, label, weight = rng.normal(size=(6, 4)), np.array([0, 3, 3, 1, 2, 0]), rng.uniform(0.2, 2, 4)
    keep = np.array([True, False, True, True, False, True])
    logits = torch.tensor(x, requires_grad=True)
    wanted = torch.nn.functional.cross_entropy(
        logits,
        torch.tensor(np.where(keep, label, -7)),
        weight=torch.tensor(weight),
        ignore_index=-7,
        label_smoothing=smoothing,
    )
    wanted.backward()
    output, gradients = run(
        "softmax_cross_entropy_weighted", backend, 1.0, x, label, weight, keep, label_smoothing=smoothing
    )
    np.testing.assert_allclose(output, wanted.item(), rtol=1e-13)
    np.testing.assert_allclose(gradients[0], logits.grad.numpy(), atol=1e-15)
    assert gradients[1:] == [None, None, None]


def test_cross_entropy_of_no_row_is_nan():
    """Where every row is left out the mean is NaN, as torch has it."""
    module = kernel("softmax_cross_entropy_weighted", "torch")
    nothing = torch.zeros(2, dtype=torch.bool)
    loss, _ = module.forward(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64), torch.ones(3), nothing)
    assert torch.isnan(loss)


def test_torch_lookups_are_taken_by_vmap_and_compile():
    """Backwards of a batch by vmap equal those one by one; a whole graph is traced without a break."""
    pool, x = kernel("max_pool2d", "torch"), torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    y, saved = pool.forward(x)
    upstream = torch.randn(4, *y.shape, generator=torch.Generator().manual_seed(1))
    batched = torch.func.vmap(lambda g: pool.backward(g, saved)[0])(upstream)
    torch.testing.assert_close(batched, torch.stack([pool.backward(g, saved)[0] for g in upstream]))
    whole = torch.compile(lambda t: pool.backward(*pool.forward(t))[0], fullgraph=True, backend="eager")
    torch.testing.assert_close(whole(x), pool.backward(y, saved)[0])


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_query_that_sees_no_key(backend):
    """The boolean mask gives it 0, with gradients of 0, as torch does; a bias of -inf is the softmax of nothing."""
    rng = np.random.default_rng(5)
    query, key, value = (rng.normal(size=(2, 3, 4)) for _ in range(3))
    seen = np.ones((2, 3, 3), bool)
    seen[0, 1] = False
    output, gradients = run("scaled_dot_product_attention_mask", backend, np.ones((2, 3, 4)), query, key, value, seen)
    leaves = [torch.tensor(array, requires_grad=True) for array in (query, key, value)]
    expected = torch.nn.functional.scaled_dot_product_attention(*leaves, torch.tensor(seen))
    wanted = torch.autograd.grad(expected.sum(), leaves)
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(output[0, 1], np.zeros(4))
    for own, other in zip(gradients, wanted, strict=False):
        np.testing.assert_allclose(own, other.numpy(), rtol=1e-10, atol=1e-12)
    bias = np.where(seen, 0.0, -np.inf)
    with np.errstate(invalid="ignore"):
        output, _ = run("scaled_dot_product_attention_bias", backend, np.ones((2, 3, 4)), query, key, value, bias)
    assert np.isnan(output[0, 1]).all()
    np.testing.assert_allclose(output[1], expected[1].detach().numpy(), rtol=1e-10, atol=1e-12)
