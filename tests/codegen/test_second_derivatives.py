"""Hessian-vector products of every generated kernel, against what shares no formula with them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: E402 - after the check that torch is there

from gradlab.registry import kernel, operation  # noqa: E402
from tests.catalogue import NAMES  # noqa: E402
from tests.codegen.test_torch_kernels import inputs  # noqa: E402

_STEP = 1e-4  # differences of fourth order: error about step**4, rounding about 1e-16 / step


def arrays(name, dtype=np.float64):
    """Inputs in their domains, as NumPy arrays; whole numbers stay whole."""
    found = [value.numpy() for value in inputs(name)]
    return [value.astype(dtype) if value.dtype.kind == "f" else value for value in found]


def directions(name, seed, dtype=np.float64):
    """A random direction for each differentiable input, in order."""
    rng = np.random.default_rng(seed)
    pairs = zip(arrays(name), operation(name).arguments, strict=True)
    return [rng.normal(size=value.shape).astype(dtype) for value, argument in pairs if argument.differentiable]


def upstream(name, dtype=np.float64):
    """A random gradient of the output."""
    shape = np.shape(kernel(name).forward(*arrays(name))[0])
    return np.asarray(np.random.default_rng(9).normal(size=shape)).astype(dtype)[()]


def moved(name, step, along):
    """The inputs after a step along a direction."""
    rest = iter(along)
    return [
        value + step * next(rest) if argument.differentiable else value
        for value, argument in zip(arrays(name), operation(name).arguments, strict=True)
    ]


def present(gradients):
    """The gradients of the differentiable inputs."""
    return [gradient for gradient in gradients if gradient is not None]


def products(name, along, dtype=np.float64):
    """The Hessian-vector products of the NumPy kernel."""
    _, saved = kernel(name).forward(*arrays(name, dtype))
    return present(kernel(name).hvp(saved, upstream(name, dtype), *along))


@pytest.mark.parametrize("name", NAMES)
def test_numpy_agrees_with_differences_of_the_backward(name):
    """The HVP is the change of the backward along the tangents."""
    along, ends = directions(name, 1), {}
    for count in (-2, -1, 1, 2):
        _, saved = kernel(name).forward(*moved(name, count * _STEP, along))
        ends[count] = present(kernel(name).backward(upstream(name), saved))
    for k, found in enumerate(products(name, along)):
        change = 8 * (ends[1][k] - ends[-1][k]) - (ends[2][k] - ends[-2][k])
        assert np.shape(found) == np.shape(change)
        np.testing.assert_allclose(found, change / (12 * _STEP), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", NAMES)
def test_torch_agrees_with_the_double_backward_of_the_reference(name):
    """H v is what torch's own double backward sends to the inputs of the independent reference."""
    values = inputs(name)
    leaves = [v for v, a in zip(values, operation(name).arguments, strict=True) if a.differentiable]
    along = [torch.from_numpy(direction) for direction in directions(name, 1)]
    grad_output = torch.as_tensor(upstream(name))
    _, saved = kernel(name, "torch").forward(*values)
    found = present(kernel(name, "torch").hvp(saved, grad_output, *along))
    for leaf in leaves:
        leaf.requires_grad_()
    with sdpa_kernel(SDPBackend.MATH):  # the only attention of torch that has second derivatives
        output = kernel(name, "torch").reference(*values)
    first = torch.autograd.grad(output, leaves, grad_output, create_graph=True)
    slope = sum((gradient * direction).sum() for gradient, direction in zip(first, along, strict=True))
    wanted = [torch.zeros_like(leaf) for leaf in leaves]
    if slope.requires_grad:
        wanted = torch.autograd.grad(slope, leaves, materialize_grads=True)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other.reshape(one.shape))


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_are_symmetric(name):
    """<u, H v> = <v, H u>."""
    pair = directions(name, 2), directions(name, 3)
    sides = [
        sum(np.vdot(product, other) for product, other in zip(products(name, v), u, strict=True))
        for u, v in (pair, pair[::-1])
    ]
    np.testing.assert_allclose(*sides, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name):
    """Products have the dtype of the inputs, and float64's values to float32's digits."""
    for found, exact in zip(
        products(name, directions(name, 1, np.float32), np.float32), products(name, directions(name, 1)), strict=True
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-3 * max(1.0, np.abs(exact).max()))


@pytest.mark.parametrize("name", NAMES)
def test_saved_tensors_and_arguments_stay_as_they_are(name):
    """hvp writes into nothing that it is given."""
    _, saved = kernel(name).forward(*arrays(name))
    along, grad_output = directions(name, 1), upstream(name)
    before = [np.array(item) for item in (*saved, grad_output, *along)]
    kernel(name).hvp(saved, grad_output, *along)
    for old, new in zip(before, (*saved, grad_output, *along), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_batch(name):
    """Nothing in the first dimension of the signature: products of the inputs' shapes; no warning but for 0 / 0."""
    first = operation(name).signature.inputs[0][0] if operation(name).signature.inputs[0] else None
    if first is None:
        pytest.skip("a number has no batch")
    given = []
    for value, dims in zip(arrays(name), operation(name).signature.inputs, strict=True):
        given.append(value[tuple(slice(0) if dim == first else slice(None) for dim in dims)])
    along = [value for value, argument in zip(given, operation(name).arguments, strict=True) if argument.differentiable]
    for module, convert in ((kernel(name), np.copy), (kernel(name, "torch"), torch.from_numpy)):
        with np.errstate(invalid="ignore"):  # a mean weighted by the weights of nothing
            output, saved = module.forward(*map(convert, given))
            found = present(module.hvp(saved, output, *map(convert, along)))
        assert [tuple(item.shape) for item in found] == [value.shape for value in along]
