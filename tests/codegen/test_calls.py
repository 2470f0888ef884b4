"""Which statements become one call of the vendor's, and which must not."""

import itertools

import numpy as np
import pytest
from sympy import Idx, IndexedBase, Sum, symbols

torch = pytest.importorskip("torch")

from gradlab.codegen import numpy_source, torch_source  # noqa: E402 - after the check that torch is there
from gradlab.operation import Parameter  # noqa: E402
from gradlab.symbolic.definition import Definition, given, let  # noqa: E402
from gradlab.symbolic.derive import derive  # noqa: E402
from gradlab.symbolic.formula import formula  # noqa: E402
from gradlab.symbolic.read import read  # noqa: E402

# Formula, and how often each call stands in the forward of its torch kernel.
FORMULAS = {
    "a row is added": ("z[n,o] = sum[i](x[n,i] * w[o,i]); y[n,o] = z[n,o] + b[o]", {"addmm": 1}),
    "a function follows": ("z[n,o] = sum[i](x[n,i] * w[o,i]) + b[o]; y[n,o] = tanh(z[n,o])", {"addmm": 1}),
    "a column is added": ("z[n,o] = sum[i](x[n,i] * w[o,i]); y[n,o] = z[n,o] + b[n]", {"addmm": 0}),
    "the product is used again": (
        "z[n,o] = sum[i](x[n,i] * w[o,i]); t[n,o] = z[n,o] + b[o]; y[n,o] = t[n,o] * z[n,o]",
        {"addmm": 0},
    ),
    "it is taken away": ("z[n,o] = sum[i](x[n,i] * w[o,i]); y[n,o] = z[n,o] - b[o]", {"addmm": 0}),
    "more than a row": ("z[n,o] = sum[i](x[n,i] * w[o,i]); y[n,o] = z[n,o] + 2 * b[o]", {"addmm": 0}),
    "scaled and shifted by rows": ("y[n,o] = x[n,o] * w[o] + b[o]", {"addcmul": 1}),
    "scaled by columns, shifted by rows": ("y[n,o] = x[n,o] * w[n] + b[o]", {"addcmul": 0}),
    "shifted by a whole array": ("y[n,o] = x[n,o] * w[n] + b[n,o]", {"addcmul": 1}),
    "less a product": ("y[n,o] = x[n,o] * w[o] - a[n,o] * b[n]", {"addcmul": 1}),
    "less a product with a name": ("t[n,o] = a[n,o] * b[n]; y[n,o] = x[n,o] - t[n,o]", {"addcmul": 0}),
    "less a product that is needed again": (
        "t[n,o] = a[n,o] * b[n]; y[n,o] = (x[n,o] - t[n,o]) * t[n,o]",
        {"addcmul": 0},
    ),
}


def forward_of(definition: Definition) -> str:
    """The text of the torch kernel's forward."""
    source = torch_source(derive(read(definition)))
    return source[source.index("def forward") : source.index("def backward")]


@pytest.mark.parametrize(("text", "calls"), FORMULAS.values(), ids=FORMULAS)
def test_sums_that_are_one_call(text: str, calls: dict[str, int]) -> None:
    """A vector goes into the call where it stands in rows, alone, and where nothing else reads the product."""
    forward = forward_of(formula(text))
    assert {call: forward.count(f"torch.{call}(") for call in calls} == calls


N, C, W, F, A, P = symbols("N C W F A P", integer=True)
stride = symbols("stride", integer=True)
n, c, w, f, a, o = Idx("n", N), Idx("c", C), Idx("w", W), Idx("f", F), Idx("a", A), Idx("o", P)
x, k, b, y, z = map(IndexedBase, ("x", "k", "b", "y", "z"))


def convolution(scale: int, order: tuple[Idx, ...] = (f, c, a)) -> Definition:
    """A convolution without groups; 1: with its bias. `order` is that of the kernel's axes."""
    product = Sum(x[n, c, stride * o + a] * k[order], c, a)
    return Definition(
        name="probe",
        summary="A convolution.",
        inputs=[given(x[n, c, w]), given(k[order]), given(b[f])],
        lets=[
            let(z[n, f, o], product),
            let(y[n, f, o], z[n, f, o] + scale * b[f]),
        ],
        output=y[n, f, o],
        parameters=[Parameter("stride", 1, 1, 3, integer=True)],
        nonempty=[C, W, F, A],
        reference=None,
    )


def test_a_convolution_takes_its_bias_along() -> None:
    """The bias alone does; twice the bias is added afterwards."""
    assert "conv1d(x, k, b, stride=stride)" in forward_of(convolution(1))
    assert "conv1d(x, k, stride=stride)" in forward_of(convolution(2))


@pytest.mark.parametrize("needs", [(True, True, True), (True, False, True), (False, True, False), (False, False, True)])
def test_both_gradients_of_a_convolution_are_one_call(needs: tuple[bool, ...]) -> None:
    """The call is told which it is to compute, and its numbers are those of the NumPy kernel."""
    derivation = derive(read(convolution(1)))
    modules = []
    for source in (numpy_source(derivation), torch_source(derivation)):
        modules.append({})
        exec(compile(source, "<kernel>", "exec"), modules[-1])
    assert torch_source(derivation).count("convolution_backward(") == 2  # in backward and hvp
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in ((2, 3, 9), (4, 3, 3), (4,))]
    output, saved = modules[0]["forward"](*arrays, stride=2)
    expected = modules[0]["backward"](np.cos(output), saved, needs)
    output, saved = modules[1]["forward"](*map(torch.from_numpy, arrays), stride=2)
    found = modules[1]["backward"](torch.cos(output), saved, needs)
    for needed, ours, theirs in zip(needs, found, expected, strict=True):
        assert (ours is not None) == (theirs is not None) == needed
        if needed:
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("order", list(itertools.permutations((f, c, a))), ids=str)
def test_a_kernel_may_have_its_axes_in_any_order(order: tuple[Idx, ...]) -> None:
    """Both libraries agree; where no call of the vendor's has that order, nothing is put into one."""
    derivation = derive(read(convolution(1, order)))
    sizes = {f: 4, c: 3, a: 2}
    arrays = [np.random.default_rng(0).normal(size=shape) for shape in ((2, 3, 9), [sizes[i] for i in order], (4,))]
    found = []
    for source, converted in (
        (numpy_source(derivation), arrays),
        (torch_source(derivation), map(torch.from_numpy, arrays)),
    ):
        module = {}
        exec(compile(source, "<kernel>", "exec"), module)
        output, saved = module["forward"](*converted, stride=2)
        found.append([output, *module["backward"](output, saved)])
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(theirs.numpy(), ours, rtol=1e-12, atol=1e-12)


def test_what_is_no_vendors_convolution_still_adds_its_bias() -> None:
    """Windows in the middle of the axes are a sum over views in torch; the vector goes into it as well."""
    sliding = Sum(x[n, stride * o + a, c] * k[f, c, a], c, a)
    definition = Definition(
        name="probe",
        summary="A convolution whose channels come last, of fixed images.",
        inputs=[given(x[n, w, c], differentiable=False), given(k[f, c, a]), given(b[f])],
        lets=[let(z[n, f, o], sliding), let(y[n, f, o], z[n, f, o] + b[f])],
        output=y[n, f, o],
        parameters=[Parameter("stride", 1, 1, 3, integer=True)],
        nonempty=[C, W, F, A],
        reference=None,
    )
    module = {}
    exec(compile(torch_source(derive(read(definition))), "<kernel>", "exec"), module)
    arrays = [torch.randn(shape, dtype=torch.float64) for shape in ((2, 9, 3), (4, 3, 5), (4,))]
    found, _ = module["forward"](*arrays, stride=2)
    expected = torch.nn.functional.conv1d(arrays[0].mT, *arrays[1:], stride=2)
    torch.testing.assert_close(found, expected)
