"""Computed indices as code: the helpers of the NumPy kernels, and the kernels against torch's own layers."""

import itertools

import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, symbols

torch = pytest.importorskip("torch")

from gradlab.codegen import numpy_source  # noqa: E402 - after the check that torch is there
from gradlab.kernels.door import by_axis  # noqa: E402
from gradlab.kernels.windows import overlaps, spread, window_sums, windows  # noqa: E402
from gradlab.operation import Parameter  # noqa: E402
from gradlab.registry import kernel  # noqa: E402
from gradlab.symbolic.definition import Definition, given, let  # noqa: E402
from gradlab.symbolic.derive import derive  # noqa: E402
from gradlab.symbolic.read import read  # noqa: E402

N, W, A, P = symbols("N W A P", integer=True)
stride = symbols("stride", integer=True)
n, w, a, o = Idx("n", N), Idx("w", W), Idx("a", A), Idx("o", P)
x, k, y = map(IndexedBase, ("x", "k", "y"))
STRIDE = Parameter("stride", 1, 1, 3, integer=True)

GRIDS = [
    ((2, 3), (1, 2), (0, -1), ((1, 2, 1),)),
    ((2, 2), (1, 3), (0, 0), ((1, 2, 2),)),
    ((3, 4), (1, 1), (-1, 1), ((0, 2, 1), (1, 3, 1))),
    ((1, 1), (5, 5), (-4, 7), ()),
]


def entry(array, place):
    """An entry, 0 outside."""
    inside = all(0 <= position < size for position, size in zip(place, array.shape, strict=True))
    return array[tuple(place)] if inside else 0.0


@pytest.mark.parametrize(("shape", "steps", "start", "taps"), GRIDS)
def test_windows_are_what_the_description_says(shape, steps, start, taps):
    """Each entry is that of x at start + step j + tap step i, and 0 where that is outside."""
    array = np.random.default_rng(0).normal(size=(3, 6))
    found = windows(array, shape, steps, start, taps)
    for position in np.ndindex(found.shape):
        inner, outer = position[: len(taps)], position[len(taps) :]
        place = [first + step * j for first, step, j in zip(start, steps, outer, strict=True)]
        for (axis, _, step), i in zip(taps, inner, strict=True):
            place[axis] += step * i
        assert found[position] == entry(array, place)
    assert not found.flags.writeable


@pytest.mark.parametrize(("shape", "steps", "start", "taps"), GRIDS)
def test_spread_is_the_transpose_of_window_sums(shape, steps, start, taps):
    """<y, window_sums(x)> = <spread(y), x>, and overlaps add columns where windows have read them."""
    rng = np.random.default_rng(1)
    array, upstream = rng.normal(size=(3, 6)), rng.normal(size=shape)
    sums = window_sums(array, shape, steps, start, taps)
    seen = windows(array, shape, steps, start, taps)
    np.testing.assert_allclose(sums, seen.sum(axis=tuple(range(len(taps)))))
    back = spread(upstream, (3, 6), shape, steps, start, taps)
    np.testing.assert_allclose((sums * upstream).sum(), (back * array).sum())
    columns, placed = rng.normal(size=seen.shape), np.zeros((3, 6))
    for tap, to, of in overlaps((3, 6), shape, steps, start, taps):
        placed[to] += columns[tap][of]
    np.testing.assert_allclose((seen * columns).sum(), (placed * array).sum())


def test_windows_of_nothing_are_empty():
    """An empty batch has windows of the right shape, and spreads to nothing."""
    found = windows(np.zeros((0, 4)), (0, 2), (1, 2), (0, 0), ((1, 2, 1),))
    assert found.shape == (2, 0, 2)
    assert spread(np.zeros((0, 2)), (0, 4), (0, 2), (1, 2), (0, 0), ((1, 2, 1),)).shape == (0, 4)


SETTINGS = [
    *itertools.product((1, 2, 3), (0, 1, 2), (1, 2), (1, 2)),
    ((1, 3), (2, 0), (1, 2), 2),
    ((2, 1), (0, 1), (2, 1), 1),
]


@pytest.mark.parametrize(("stride", "padding", "dilation", "groups"), SETTINGS)
@pytest.mark.parametrize("backend", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["conv1d", "conv2d"])
def test_convolution_equals_torch(name, backend, stride, padding, dilation, groups):
    """Output and gradients are those of torch's layer at every stride, padding, dilation and number of groups."""
    rng = np.random.default_rng(2)
    places = (8, 7) if name == "conv2d" else (9,)
    if len(places) == 1 and isinstance(stride, tuple):
        stride, padding, dilation = stride[0], padding[0], dilation[0]
    filters = (6, 4 // groups, *(3, 2)[: len(places)])
    values = [rng.normal(size=shape) for shape in ((2, 4, *places), filters, (6,))]
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    leaves = [torch.tensor(value, requires_grad=True) for value in values]
    expected = getattr(torch.nn.functional, name)(*leaves, **options)
    upstream = rng.normal(size=tuple(expected.shape))
    wanted = torch.autograd.grad(expected, leaves, torch.tensor(upstream))
    cast = torch.tensor if backend == "torch" else np.asarray
    windows = by_axis({key: value for key, value in options.items() if key != "groups"}, len(places))
    output, saved = kernel(name, backend).forward(*map(cast, values), **windows, groups=groups)
    gradients = kernel(name, backend).backward(cast(upstream), saved)
    for found, true in zip((output, *gradients), (expected, *wanted), strict=True):
        np.testing.assert_allclose(np.asarray(found), true.detach().numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_window_larger_than_the_padded_image_is_refused(backend):
    """The message names the sizes that the output would have."""
    cast = torch.tensor if backend == "torch" else np.asarray
    arrays = [cast(np.zeros(shape)) for shape in ((1, 1, 2, 5), (1, 1, 4, 3), (1,))]
    with pytest.raises(ValueError, match="no window fits: o = -1, q = 3; pad the input, or use a smaller window"):
        kernel("conv2d", backend).forward(*arrays)


def test_convolution_keeps_float32():
    """Output and gradients of float32 arrays are float32."""
    rng = np.random.default_rng(3)
    arrays = [rng.normal(size=shape).astype(np.float32) for shape in ((2, 3, 5, 5), (4, 3, 3, 3), (4,))]
    module = kernel("conv2d")
    output, saved = module.forward(*arrays, padding_h=1, padding_w=1)
    assert {output.dtype, *(gradient.dtype for gradient in module.backward(output, saved))} == {np.dtype(np.float32)}


def made(value, inputs, parameters=()):
    """A derivation whose output y[n, o] is the value."""
    return derive(
        read(
            Definition(
                name="made",
                summary="",
                inputs=[given(item) for item in inputs],
                lets=[let(y[n, o], value)],
                output=y[n, o],
                parameters=parameters,
                reference="x",
            )
        )
    )


def ran(source):
    """The names of a kernel's source."""
    scope = {}
    exec(compile(source, "made", "exec"), scope)
    return scope


OTHERS = {
    "every other": (made(x[n, 2 * o], [x[n, w]]), {}, lambda v: v[:, ::2]),
    "squares of windows": (
        made(Sum(x[n, stride * o + a] ** 2 * k[a], a), [x[n, w], k[a]], [STRIDE]),
        {"stride": 2},
        lambda v, c: (v.unfold(1, len(c), 2) ** 2 * c).sum(-1),
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_sums_over_computed_indices_have_code(case):
    """What is no convolution is read as windows and summed; the gradients are torch's of the same in torch."""
    derivation, options, reference = OTHERS[case]
    rng = np.random.default_rng(4)
    values = [rng.normal(size=(2, 7)), rng.normal(size=3)][: len(derivation.program.inputs)]
    leaves = [torch.tensor(value, requires_grad=True) for value in values]
    expected = reference(*leaves)
    upstream = rng.normal(size=tuple(expected.shape))
    wanted = torch.autograd.grad(expected, leaves, torch.tensor(upstream))
    made_numpy = ran(numpy_source(derivation))
    output, saved = made_numpy["forward"](*values, **options)
    np.testing.assert_allclose(output, expected.detach().numpy())
    for found, true in zip(made_numpy["backward"](upstream, saved), wanted, strict=True):
        np.testing.assert_allclose(found, true.numpy())
