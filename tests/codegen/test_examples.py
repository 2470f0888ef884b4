"""Operations that the library does not ship go through the code generator: NumPy and torch agree with autograd."""

from typing import Any

import numpy as np
import pytest
from sympy import Idx, IndexedBase, symbols

torch = pytest.importorskip("torch")

from gradlab.codegen import numpy_source, torch_source  # noqa: E402 - after the check that torch is there
from gradlab.errors import DefinitionError  # noqa: E402
from gradlab.symbolic.definition import Definition, given, let  # noqa: E402
from gradlab.symbolic.derive import derive  # noqa: E402
from gradlab.symbolic.read import read  # noqa: E402
from tests.symbolic.examples import EXAMPLES  # noqa: E402
from tests.symbolic.floats import autograd, point  # noqa: E402

SIZES = (
    {"n": 4, "m": 6, "d": 5, "k": 3, "p": 2},
    {"n": 2, "m": 1, "d": 3, "k": 5, "p": 4},
)


# What the engine derives and the generator has no code for yet; it must say so, and never write wrong code.
REFUSED = {
    "broadcast": "axis d is the axis of no input, so its size is unknown; sum it away",
    "sum_of_one": "axis d is the axis of no input, so its size is unknown; sum it away",
}
SUPPORTED = [definition for definition in EXAMPLES if definition.name not in REFUSED]


@pytest.mark.parametrize(
    "definition", [d for d in EXAMPLES if d.name in REFUSED], ids=lambda definition: definition.name
)
def test_what_has_no_code_is_refused(definition: Definition) -> None:
    """An expression without code is an error that names the operation and the reason."""
    derivation = derive(read(definition))
    for source in (numpy_source, torch_source):
        with pytest.raises(DefinitionError) as error:
            source(derivation)
        assert str(error.value) == f"{definition.name}: {REFUSED[definition.name]}"


def arrays(declared, at):
    """An input as floats, or as integers where the domain has them."""
    value = np.asarray(at.tensors[declared.tensor.name])
    return value.astype(np.int64 if declared.domain.kind in ("labels", "integers") else np.float64)


def plain(value):
    """A copy as a NumPy array, whatever it was."""
    return value.numpy(force=True).copy() if isinstance(value, torch.Tensor) else np.array(value)


@pytest.mark.parametrize("definition", SUPPORTED, ids=lambda definition: definition.name)
def test_generated_code_agrees_with_autograd(definition: Definition) -> None:
    """Forward, backward, JVP and HVP of both targets, at unequal sizes; the backward changes nothing it is given."""
    derivation = derive(read(definition))
    modules = {}
    for name, source in (("numpy", numpy_source(derivation)), ("torch", torch_source(derivation))):
        modules[name] = {}
        exec(compile(source, f"{definition.name} ({name})", "exec"), modules[name])
    for seed, sizes in enumerate(SIZES):
        at = point(derivation, sizes, seed)
        output, gradients, products = autograd(derivation, at)
        inputs = [arrays(declared, at) for declared in derivation.program.inputs]
        parameters = {name: float(at.tensors[name]) for name in derivation.program.parameters}
        upstream = np.asarray(at.tensors["grad_output"], float)
        tangents = [np.asarray(at.tensors[f"tangent_{g.tensor.name}"], float) for g in derivation.program.wrt]
        slope = sum(np.vdot(gradients[g.tensor.name], t) for g, t in zip(derivation.program.wrt, tangents, strict=True))
        for name, module in modules.items():
            convert = torch.from_numpy if name == "torch" else np.copy
            ours, saved = module["forward"](*map(convert, inputs), **parameters)
            np.testing.assert_allclose(plain(ours), output, rtol=1e-9, atol=1e-9, err_msg=name)
            kept = [plain(value) for value in saved]
            results = module["backward"](convert(upstream), saved)
            for declared, result in zip(derivation.program.inputs, results, strict=True):
                assert (result is None) == (not declared.differentiable)
                if result is not None:
                    wanted = gradients[declared.tensor.name]
                    assert plain(result).shape == wanted.shape
                    np.testing.assert_allclose(plain(result), wanted, rtol=1e-8, atol=1e-9, err_msg=name)
            for before, after in zip(kept, saved, strict=True):
                np.testing.assert_array_equal(before, plain(after))
            moved = module["jvp"](saved, *map(convert, tangents))
            np.testing.assert_allclose(np.vdot(plain(moved), upstream), slope, rtol=1e-8, atol=1e-8, err_msg=name)
            curved = module["hvp"](saved, convert(upstream), *map(convert, tangents))
            for declared, result in zip(derivation.program.inputs, curved, strict=True):
                assert (result is None) == (not declared.differentiable)
                if result is not None:
                    wanted = products[declared.tensor.name]
                    assert plain(result).shape == wanted.shape
                    np.testing.assert_allclose(plain(result), wanted, rtol=1e-8, atol=1e-8, err_msg=name)


_N, _D = symbols("N D", integer=True)
_n, _d = Idx("n", _N), Idx("d", _D)
_x, _gamma, _y = map(IndexedBase, ("x", "gamma", "y"))
SCALE = Definition(
    name="scale",
    summary="Each feature times its own factor, with any number of leading dimensions.",
    inputs=[given(_x[_n, _d]), given(_gamma[_d])],
    lets=[let(_y[_n, _d], _gamma[_d] * _x[_n, _d])],
    output=_y[_n, _d],
    leading=_N,
    reference="x * gamma",
)


@pytest.mark.parametrize("shape", [(5,), (3, 5), (2, 3, 5), (0, 5), (4, 0), (1, 1)])
def test_a_gradient_may_sum_over_all_leading_dimensions(shape: tuple[int, ...]) -> None:
    """With none, one or several leading dimensions, sizes 0 and 1 among them, grad_gamma has gamma's shape."""
    derivation = derive(read(SCALE))
    x, gamma = np.random.default_rng(0).normal(size=shape), np.random.default_rng(1).normal(size=shape[-1:])
    upstream = np.random.default_rng(2).normal(size=shape)
    wanted = (upstream * x).reshape(int(np.prod(shape[:-1])), shape[-1]).sum(axis=0)
    for source, convert in ((numpy_source, np.copy), (torch_source, torch.from_numpy)):
        module: dict[str, Any] = {}
        exec(compile(source(derivation), "scale", "exec"), module)
        _, saved = module["forward"](convert(x), convert(gamma))
        found = plain(module["backward"](convert(upstream), saved)[1])
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted)
