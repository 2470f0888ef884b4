"""The keyword `axis`, broadcast operands and packed axes: shapes, views, errors and zeros, in both libraries."""

import functools

import numpy as np
import pytest

from gradlab.kernels.axes import from_last, pack, positions, to_last, unpack
from gradlab.kernels.broadcasting import sum_to_shape
from gradlab.registry import kernel

AXES = [-1, 0, 1, 2, -3, (0, 2), (2, 0), (-1, 0), (0, 1, 2), (1,)]


@pytest.fixture
def torch():
    """The torch module, where there is one."""
    return pytest.importorskip("torch")


def numbers(*shape, seed=0):
    """Normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("axis", AXES)
def test_the_way_back_undoes_the_way_there(axis):
    """`from_last` puts every entry where `to_last` took it from."""
    x = numbers(2, 3, 4)
    np.testing.assert_array_equal(from_last(to_last(x, axis), axis, x.shape), x)


def test_the_default_axis_costs_no_view():
    """At -1 the very array comes back, both ways."""
    x = numbers(2, 3)
    assert to_last(x, -1) is x
    assert from_last(x, -1, x.shape) is x


def test_an_axis_is_moved_without_a_copy():
    """One axis, and several that lie together at the end, share the memory of the array."""
    x = numbers(2, 3, 4)
    for axis in (0, 1, (1, 2)):
        assert np.shares_memory(to_last(x, axis), x)


def test_an_axis_out_of_range_is_an_axis_error():
    """AxisError, a ValueError, shows the axis and the number of dimensions."""
    with pytest.raises(np.exceptions.AxisError, match=r"axis=2 is out of range for an array with ndim=2: -2 to 1"):
        kernel("softmax").forward(numbers(2, 3), axis=2)
    with pytest.raises(ValueError, match=r"axis=\(0, -4\) is out of range for an array with ndim=3: -3 to 2"):
        kernel("sum").forward(numbers(2, 3, 4), axis=(0, -4))


REDUCTIONS = ["sum", "mean", "var", "std", "prod", "max", "min"]


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")
@pytest.mark.parametrize("axis", [0, -2, (0, 2), (2, 1), None])
@pytest.mark.parametrize("name", [*REDUCTIONS, "logsumexp"])
def test_axes_can_be_kept(torch, name, axis):
    """With keepdims the output has axes of size 1, as NumPy's; gradients and tangents are those without, reshaped."""
    x, u = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    for backend, convert in (("numpy", np.asarray), ("torch", torch.from_numpy)):
        module = kernel(name, backend)
        plain, saved = module.forward(convert(x), axis=axis)
        y, kept = module.forward(convert(x), axis=axis, keepdims=True)
        assert tuple(y.shape) == x.sum(axis=axis, keepdims=True).shape
        np.testing.assert_array_equal(np.asarray(y).reshape(plain.shape), plain)
        g = numbers(*plain.shape, seed=2)
        shaped = (convert(np.asarray(g).reshape(y.shape)), convert(np.asarray(g)))
        np.testing.assert_array_equal(*(module.backward(a, b)[0] for a, b in zip(shaped, (kept, saved), strict=True)))
        np.testing.assert_array_equal(
            *(module.hvp(b, a, convert(u))[0] for a, b in zip(shaped, (kept, saved), strict=True))
        )
        tangent = module.jvp(kept, convert(u))
        assert tangent.shape == y.shape
        np.testing.assert_array_equal(np.asarray(tangent).reshape(plain.shape), module.jvp(saved, convert(u)))
    from gradlab.torch.function import differentiable

    leaf = torch.from_numpy(x).requires_grad_()
    call = functools.partial(differentiable(name), axis=axis, keepdims=True)
    assert torch.autograd.gradcheck(call, leaf, check_forward_ad=True, check_batched_grad=True)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_no_axis_means_all(torch, name):
    """axis=None gives NumPy's number, of one entry too, and the gradient has the input's shape."""
    options = {"ddof": 1} if name in ("var", "std") else {}
    for shape in ((2, 3, 4), (5,), *(((),) if not options else ())):
        x = numbers(*shape)
        y, saved = kernel(name).forward(np.asarray(x), axis=None)
        np.testing.assert_allclose(y, getattr(np, name)(x, **options), rtol=1e-12)
        assert kernel(name).backward(np.float64(1), saved)[0].shape == shape


def test_an_axis_named_twice_is_refused():
    """Twice the same axis, also counted from both ends."""
    with pytest.raises(ValueError, match=r"axis=\(0, -2\) names an axis twice \(ndim=2\); give each axis once"):
        kernel("sum").forward(numbers(2, 3), axis=(0, -2))
    with pytest.raises(ValueError, match=r"axis=\(\) names no axis of an array with ndim=2; give at least one"):
        positions((), 2)


@pytest.mark.parametrize("axis", [0, 1, -2, (0, 2), (2, 1)])
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod"])
def test_reductions_agree_with_numpy(name, axis):
    """Forward along an axis is what NumPy computes along it; torch's kernel gives the same."""
    x = numbers(2, 3, 4)
    options = {"ddof": 1} if name in ("var", "std") else {}
    y, _ = kernel(name).forward(x, axis=axis)
    np.testing.assert_allclose(y, getattr(np, name)(x, axis=axis, **options), rtol=1e-13)


@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "prod", "softmax", "log_softmax", "logsumexp", "cumsum"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_gradients_and_tangents_along_any_axis_are_torchs(torch, name, axis):
    """Both kernels' backward, and <JVP(u), g> = <u, VJP(g)>, where the axis is not the last."""
    x, u = numbers(2, 3, 4), numbers(2, 3, 4, seed=1)
    leaf = torch.from_numpy(x).requires_grad_()
    output = kernel(name, "torch").reference(leaf, axis=axis)
    g = numbers(*output.shape, seed=2)
    output.backward(torch.from_numpy(g))
    _, saved = kernel(name).forward(x, axis=axis)
    (gradient,) = kernel(name).backward(g, saved)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose((kernel(name).jvp(saved, u) * g).sum(), (gradient * u).sum(), rtol=1e-10)
    _, saved = kernel(name, "torch").forward(torch.from_numpy(x), axis=axis)
    (gradient,) = kernel(name, "torch").backward(torch.from_numpy(g), saved)
    torch.testing.assert_close(gradient, leaf.grad)


@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_the_gradient_of_a_product_with_zeros_is_exact(zeros):
    """No zero, one, two: each entry's gradient is the product of the others, computed without a division."""
    x = np.array([2.0, -3.0, 5.0, 7.0])
    x[:zeros] = 0.0
    _, saved = kernel("prod").forward(x)
    (gradient,) = kernel("prod").backward(np.float64(1), saved)
    np.testing.assert_array_equal(gradient, [np.prod(np.delete(x, k)) for k in range(4)])


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_the_hessian_of_a_product_is_that_of_its_other_factors(torch, backend):
    """hvp of prod: the sum over j of u[j] times the product of all entries but i and j, zeros included."""
    x, u = np.array([0.0, -3.0, 5.0, 0.5]), np.array([1.0, 2.0, -1.0, 3.0])
    pairs = [sum(u[j] * np.prod(np.delete(x, [i, j])) for j in range(4) if j != i) for i in range(4)]
    convert = np.asarray if backend == "numpy" else torch.from_numpy
    module = kernel("prod", backend)
    _, saved = module.forward(convert(x))
    (product,) = module.hvp(saved, convert(np.array(1.0)), convert(u))
    np.testing.assert_allclose(np.asarray(product), pairs, rtol=1e-14)


def test_cumsum_makes_no_matrix():
    """The gradient of 200 000 running sums, whose matrix of places would have 4e10 entries, is a reversed one."""
    x = np.ones(200_000)
    _, saved = kernel("cumsum").forward(x)
    (gradient,) = kernel("cumsum").backward(x, saved)
    np.testing.assert_array_equal(gradient, np.arange(200_000, 0, -1))


def test_variance_at_a_large_mean():
    """At mean 1e8 the two passes keep seven digits and more; E[x**2] - E[x]**2 would have none."""
    x = numbers(1000)
    y, _ = kernel("var").forward(x + 1e8)
    np.testing.assert_allclose(y, x.var(ddof=1), rtol=1e-7)


def test_standard_deviation_of_equal_entries_has_the_slope_zero(torch):
    """As torch has it; the slope of the root there is infinite."""
    x = np.full((2, 3), 5.0)
    y, saved = kernel("std").forward(x)
    (gradient,) = kernel("std").backward(np.ones(2), saved)
    np.testing.assert_array_equal(y, 0)
    np.testing.assert_array_equal(gradient, 0)
    _, saved = kernel("std", "torch").forward(torch.from_numpy(x))
    assert not kernel("std", "torch").backward(torch.ones(2, dtype=torch.float64), saved)[0].any()


@pytest.mark.parametrize("name", ["var", "std"])
def test_too_few_entries_for_the_correction_give_nan(name):
    """One entry with correction 1, or none: NaN without a warning, as the mean of nothing."""
    for x in (np.ones((2, 1)), np.ones((2, 0))):
        y, saved = kernel(name).forward(x)
        assert np.isnan(y).all()
        assert kernel(name).backward(np.ones(2), saved)[0].shape == x.shape


@pytest.mark.parametrize("shapes", [((2, 3), (3,)), ((3, 1), (1, 4)), ((), (2, 2)), ((2, 1, 3), (4, 1)), ((1,), (0,))])
@pytest.mark.parametrize("name", ["add", "sub", "mul", "div"])
def test_operands_broadcast(torch, name, shapes):
    """Gradients have the shapes of their operands, summed over what was repeated; jvp has the output's."""
    a, b = (numbers(*shape, seed=k) + 3 for k, shape in enumerate(shapes))
    leaves = [torch.from_numpy(np.asarray(x)).requires_grad_() for x in (a, b)]
    output = getattr(torch, name)(*leaves)
    g = numbers(*output.shape, seed=3)
    output.backward(torch.from_numpy(np.asarray(g)))
    a, b = np.asarray(a), np.asarray(b)
    y, saved = kernel(name).forward(a, b)
    np.testing.assert_allclose(y, output.detach().numpy())
    gradients = kernel(name).backward(np.asarray(g), saved)
    for gradient, leaf in zip(gradients, leaves, strict=True):
        assert np.shape(gradient) == tuple(leaf.shape)
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-12)
    assert np.shape(kernel(name).jvp(saved, a, b)) == np.shape(y)


def test_sums_to_a_shape_are_those_of_torch(torch):
    """`sum_to_shape` is `Tensor.sum_to_size`, on arrays and on tensors."""
    g = numbers(2, 3, 4)
    for shape in [(2, 3, 4), (4,), (3, 1), (1, 1, 1), (), (2, 1, 4)]:
        wanted = torch.from_numpy(g).sum_to_size(shape)
        np.testing.assert_allclose(sum_to_shape(g, shape), wanted.numpy())
        torch.testing.assert_close(sum_to_shape(torch.from_numpy(g), shape), wanted)


def test_groups_that_do_not_divide_are_an_error():
    """The message shows the channels and the parameter."""
    with pytest.raises(ValueError, match=r"^group_norm: 6 channels do not divide into num_groups=4$"):
        kernel("group_norm").forward(numbers(2, 6, 3, 3), np.ones(6), np.ones(6), num_groups=4)


def test_a_packed_axis_is_taken_apart_without_a_copy():
    """Channel c is entry c % k of group c // k, in the same memory."""
    x = numbers(2, 6, 3)
    apart = unpack(x, 1, "group_norm", num_groups=2)
    assert apart.shape == (2, 2, 3, 3)
    assert np.shares_memory(apart, x)
    np.testing.assert_array_equal(apart[:, 1, 2], x[:, 5])
    np.testing.assert_array_equal(pack(apart, 1), x)


@pytest.mark.parametrize("num_groups", [1, 2, 3, 6])
def test_group_norm_is_torchs(torch, num_groups):
    """Output and gradients of torch.nn.functional.group_norm, for every number of groups."""
    values = numbers(4, 6, 3, 2), numbers(6, seed=1), numbers(6, seed=2)
    leaves = [torch.from_numpy(value).requires_grad_() for value in values]
    output = torch.nn.functional.group_norm(leaves[0], num_groups, *leaves[1:])
    g = numbers(*output.shape, seed=3)
    output.backward(torch.from_numpy(g))
    y, saved = kernel("group_norm").forward(*values, num_groups=num_groups)
    np.testing.assert_allclose(y, output.detach().numpy(), rtol=1e-12, atol=1e-12)
    for gradient, leaf in zip(kernel("group_norm").backward(g, saved), leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-10, atol=1e-12)


def test_axes_can_be_mapped_and_compiled(torch):
    """torch.func.vmap and torch.compile go through the moves of axes and the sums to shapes."""
    softmax, add = kernel("softmax", "torch"), kernel("add", "torch")
    x = torch.from_numpy(numbers(5, 2, 3))

    def step(row):
        y, saved = softmax.forward(row, axis=0)
        total, shapes = add.forward(y, row[0])
        return total, softmax.backward(add.backward(total, shapes)[0], saved)[0]

    mapped = torch.func.vmap(step)(x)
    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)(x[0])
    for one, several, fast in zip(step(x[0]), mapped, compiled, strict=True):
        torch.testing.assert_close(one, several[0])
        torch.testing.assert_close(one, fast)
