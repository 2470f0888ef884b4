"""Registered operations as torch functions: every first and second derivative, under every transformation of torch."""

import pytest

torch = pytest.importorskip("torch")

from gradlab.errors import DtypeError, ShapeError, UnknownOperationError  # noqa: E402 - after the check that torch is there
from gradlab.registry import kernel, operation  # noqa: E402
from gradlab.torch.function import differentiable  # noqa: E402
from tests.catalogue import NAMES  # noqa: E402
from tests.codegen.test_torch_kernels import inputs  # noqa: E402

# torch's forward mode compiles its own decompositions with it when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")

CURVED = [name for name in NAMES if operation(name).curved]


def leaves(name, seed=0):
    """Inputs of an operation; those that have a gradient require one."""
    pairs = zip(inputs(name, seed), operation(name).arguments, strict=True)
    return [value.requires_grad_(argument.differentiable) for value, argument in pairs]


def scalar(name, call=None):
    """The operation as a function of its differentiable inputs that gives one number, curved at every output."""
    fixed, call = inputs(name), call or differentiable(name)
    places = [k for k, argument in enumerate(operation(name).arguments) if argument.differentiable]

    def function(*moving):
        given = list(fixed)
        for place, value in zip(places, moving, strict=True):
            given[place] = value
        return torch.sin(call(*given)).sum()

    return function, tuple(fixed[place] for place in places)


def directions(moving):
    """A random direction for each input."""
    generator = torch.Generator().manual_seed(4)
    return tuple(torch.randn(value.shape, dtype=value.dtype, generator=generator) for value in moving)


def reference_product(name, moving, along):
    """H v by torch's autograd of the reference; by differences of its gradient where torch has no second derivative."""
    plain, _ = scalar(name, kernel(name, "torch").reference)
    try:
        return torch.autograd.functional.hvp(plain, moving, along)[1]
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
    step = 1e-5
    after, before = (
        torch.autograd.functional.jacobian(plain, tuple(x + sign * v for x, v in zip(moving, along, strict=True)))
        for sign in (step, -step)
    )
    return tuple((high - low) / (2 * step) for high, low in zip(after, before, strict=True))


def forward_over_reverse(function, moving, along):
    """H v as the tangent of the gradient."""
    gradient = torch.func.grad(function, argnums=tuple(range(len(moving))))
    return torch.func.jvp(gradient, moving, along)[1]


def reverse_over_reverse(function, moving, along):
    """H v as the gradient of <gradient, v>."""
    which = tuple(range(len(moving)))
    gradient = torch.func.grad(function, argnums=which)
    return torch.func.grad(
        lambda *x: sum((g * v).sum() for g, v in zip(gradient(*x), along, strict=True)), argnums=which
    )(*moving)


def reverse_over_forward(function, moving, along):
    """H v as the gradient of the directional derivative."""
    which = tuple(range(len(moving)))
    return torch.func.grad(lambda *x: torch.func.jvp(function, x, along)[1], argnums=which)(*moving)


@pytest.mark.parametrize("name", NAMES)
def test_first_derivatives(name):
    """torch's own gradcheck: reverse and forward mode, each also for several vectors at once."""
    assert torch.autograd.gradcheck(
        differentiable(name),
        leaves(name),
        check_forward_ad=True,
        check_batched_grad=True,
        check_batched_forward_grad=True,
    )


@pytest.mark.parametrize("name", NAMES)
def test_double_backward(name):
    """torch's own gradgradcheck: nothing that the forward saves is taken for a constant."""
    assert torch.autograd.gradgradcheck(differentiable(name), leaves(name), check_batched_grad=True)


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_over_the_backward(name):
    """The tangent of the gradient, as torch.func.hvp-like code takes it."""
    assert torch.autograd.gradgradcheck(
        differentiable(name),
        leaves(name),
        check_fwd_over_rev=True,
        check_rev_over_rev=False,
        check_undefined_grad=False,
    )


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("way", [forward_over_reverse, reverse_over_reverse, reverse_over_forward])
def test_hessian_vector_products_by_function_transforms(name, way):
    """torch.func gives what torch itself gives for the reference, whichever mode goes over which."""
    function, moving = scalar(name)
    along = directions(moving)
    expected = reference_product(name, moving, along)
    for one, wanted in zip(way(function, moving, along), expected, strict=True):
        torch.testing.assert_close(one, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_several_samples_at_once(name):
    """torch.func.vmap of the gradient gives what a loop gives."""
    function, moving = scalar(name)
    which = tuple(range(len(moving)))
    several = tuple(torch.stack([value, value * 0.5, value * 0.25]) for value in moving)
    gradient = torch.func.grad(function, argnums=which)
    for position, rows in enumerate(zip(*torch.func.vmap(gradient)(*several), strict=True)):
        for one, other in zip(rows, gradient(*(value[position] for value in several)), strict=True):
            torch.testing.assert_close(one, other)


def along_axes(name):
    """The operation along each axis of a cube, of which all axes look alike, and along several where it may be."""
    several = ((0, 2), (2, 1)) if operation(name).along.several else ()
    x = torch.rand(3, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) + 0.5
    for axis in (0, 1, -2, 2, *several):
        yield lambda x, axis=axis: torch.sin(differentiable(name)(x, axis=axis)).sum(), x, axis


@pytest.mark.parametrize("name", [name for name in NAMES if operation(name).along])
@pytest.mark.parametrize("way", [forward_over_reverse, reverse_over_reverse, reverse_over_forward])
def test_transforms_along_any_axis(name, way):
    """Tangents, gradients and Hessian-vector products are those of the last axis, moved to it."""
    for function, x, axis in along_axes(name):
        axes = axis if isinstance(axis, tuple) else (axis,)

        def last(x, axes=axes):
            moved = x.movedim(axes, tuple(range(-len(axes), 0))).flatten(-len(axes))
            return torch.sin(differentiable(name)(moved)).sum()

        (along,) = directions((x,))
        torch.testing.assert_close(*(torch.func.jvp(call, (x,), (along,))[1] for call in (function, last)))
        torch.testing.assert_close(*(torch.func.grad(call)(x) for call in (function, last)))
        torch.testing.assert_close(*(way(call, (x,), (along,))[0] for call in (function, last)))
        samples = torch.stack([x, x * 0.5])
        torch.testing.assert_close(*(torch.func.vmap(torch.func.grad(call))(samples) for call in (function, last)))


@pytest.mark.parametrize("name", NAMES)
def test_it_compiles_whole(name):
    """torch.compile takes forward and backward without a graph break, with the same numbers."""
    function, moving = scalar(name)
    torch.compiler.reset()
    compiled = torch.compile(function, backend="aot_eager", fullgraph=True)
    results = []
    for call in (function, compiled):
        given = tuple(value.detach().clone().requires_grad_() for value in moving)
        value = call(*given)
        value.backward()
        results.append((value.detach(), *(item.grad for item in given)))
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", CURVED)
def test_third_derivatives_are_refused(name):
    """What is not derived is an error in both modes, never a wrong number."""
    function, moving = scalar(name)
    second = torch.func.grad(lambda *x: sum(part.sum() for part in torch.func.grad(function, (0,))(*x)))
    with pytest.raises(NotImplementedError, match=f"{name}: third derivatives are not derived"):
        torch.func.grad(lambda *x: second(*x).sum())(*moving)
    with pytest.raises(NotImplementedError, match=f"{name}: third derivatives are not derived"):
        torch.func.jvp(second, moving, moving)


@pytest.mark.parametrize("name", CURVED)
def test_forward_mode_twice_is_refused(name):
    """The second derivative along two directions by forward mode alone is not derived; the message says what is."""
    function, moving = scalar(name)
    with pytest.raises(NotImplementedError, match=r"use torch\.func\.jacfwd over jacrev"):
        torch.func.jacfwd(torch.func.jacfwd(function))(*moving)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_but_the_derived_set_is_kept(name):
    """Between forward and backward only the saved tensors take memory; an input that is not among them is free."""
    held = []
    with torch.autograd.graph.saved_tensors_hooks(lambda tensor: held.append(tensor), lambda _: None):
        differentiable(name)(*leaves(name))
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in held}
    _, saved = kernel(name, "torch").forward(*inputs(name))
    tensors = [item for item in saved if isinstance(item, torch.Tensor)]
    wanted = sum({t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors}.values())
    assert sum(storages.values()) <= wanted + 8 * len(operation(name).curved)


def test_parameters_are_keywords():
    """A parameter changes the result; one that the operation does not have is refused with those that it has."""
    x, gamma, beta = inputs("batch_norm")
    call = differentiable("batch_norm")
    expected = torch.nn.functional.batch_norm(x, None, None, gamma, beta, training=True, eps=0.5)
    torch.testing.assert_close(call(x, gamma, beta, eps=0.5), expected)
    with pytest.raises(TypeError, match=r"^batch_norm takes x, gamma, beta, eps=1e-05$"):
        call(x, gamma, beta, epsilon=0.5)
    with pytest.raises(TypeError, match=r"^batch_norm takes x, gamma, beta, eps=1e-05$"):
        call(x, gamma)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_that_do_not_fit_are_turned_away_at_the_door(name):
    """Another kind of dtype, too few dimensions and what is no tensor: each is named, never an error from inside."""
    given, call = inputs(name), differentiable(name)
    argument = operation(name).arguments[0].name
    other = given[0].to(torch.float64 if not given[0].is_floating_point() else torch.int64)
    with pytest.raises(DtypeError, match=f"^{name}: {argument} is {other.dtype}; .* are expected: cast it"):
        call(other, *given[1:])
    if given[0].ndim:
        with pytest.raises(TypeError, match=rf"^{name}: {argument} is \[.*; give a torch.Tensor"):
            call(given[0].tolist(), *given[1:])
    if any(dim != "..." for dim in operation(name).signature.inputs[0]):
        with pytest.raises(ShapeError, match=rf"^{name}: {argument} is \(\); .*dimensions are expected"):
            call(given[0].new_zeros(()), *given[1:])


# torch looks into the door alone when it has given up on the whole.
@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")
def test_the_door_under_transformations():
    """A mapped function sees the shapes of one example; what is compiled is turned away as what is not."""
    x, weight, bias = torch.ones(4, 5, 3), torch.ones(2, 3), torch.ones(2)
    call = differentiable("linear")
    assert torch.func.vmap(call, in_dims=(0, None, None))(x, weight, bias).shape == (4, 5, 2)
    with pytest.raises(ShapeError, match=r"^linear: x has 5 features, weight expects 3 .*; x is \(4, 5\)$"):
        torch.func.vmap(call, in_dims=(2, None, None))(x, weight, bias)
    compiled = torch.compile(call, backend="eager")
    assert compiled(x[0], weight, bias).shape == (5, 2)
    with pytest.raises(ShapeError, match=r"^linear: x has 5 features, weight expects 3"):
        compiled(x[:, :, 0], weight, bias)


def test_an_unknown_operation():
    """The error of the registry, with the nearest name."""
    with pytest.raises(UnknownOperationError, match="did you mean 'softmax'"):
        differentiable("sofmax")


def test_the_same_function_each_time():
    """Made once for each operation; its name stands in the graph."""
    assert differentiable("relu") is differentiable("relu")
    assert type(differentiable("relu")(*leaves("relu")).grad_fn).__name__ == "ReluBackward"
