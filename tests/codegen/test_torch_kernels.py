"""The generated torch kernels under torch's own transformations."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.operation import ELLIPSIS  # noqa: E402 - after the check that torch is there
from gradlab.registry import kernel, names, operation  # noqa: E402

SIZES = {"n": 4, "d": 5, "i": 3, "o": 2, "c": 3, "h": 2, "w": 6, "ci": 3, "co": 2, "a": 2, "b": 2, ELLIPSIS: 3}


def inputs(name, seed=0):
    """Float64 inputs of an operation in their domains."""
    rng = np.random.default_rng(seed)
    found = []
    for argument, dims in zip(operation(name).arguments, operation(name).signature.inputs, strict=True):
        shape = [SIZES[dim] for dim in dims]
        if argument.domain.kind == "labels":
            found.append(torch.from_numpy(rng.integers(0, SIZES[argument.domain.below], shape)))
        elif argument.domain.kind == "simplex":
            found.append(torch.from_numpy(rng.dirichlet(np.ones(shape[-1]), shape[:-1])))
        else:
            positive = argument.domain.kind in ("positive", "non_negative")
            values = rng.uniform(0.1, 2, shape) if positive else rng.normal(size=shape)
            found.append(torch.from_numpy(values))
    return found


@pytest.mark.parametrize("name", names())
def test_backward_is_torch_autograd_of_the_reference(name):
    """The derived gradients are those that torch finds for the independent reference."""
    module, values = kernel(name, "torch"), inputs(name)
    wanted = [
        v.clone().requires_grad_(a.differentiable) for v, a in zip(values, operation(name).arguments, strict=True)
    ]
    output = module.reference(*wanted)
    upstream = torch.randn(output.shape, dtype=output.dtype, generator=torch.Generator().manual_seed(1))
    ours, saved = module.forward(*values)
    torch.testing.assert_close(ours, output.detach())
    output.backward(upstream)
    for gradient, value in zip(module.backward(upstream, saved), wanted, strict=True):
        assert (gradient is None) == (not value.requires_grad)
        if gradient is not None:
            torch.testing.assert_close(gradient, value.grad)


@pytest.mark.parametrize("name", names())
def test_backward_and_jvp_are_adjoint(name):
    """<JVP(u), g> = <u, VJP(g)>."""
    module, values = kernel(name, "torch"), inputs(name)
    output, saved = module.forward(*values)
    generator = torch.Generator().manual_seed(2)
    upstream = torch.randn(output.shape, dtype=output.dtype, generator=generator)
    pairs = zip(values, operation(name).arguments, strict=True)
    tangents = [torch.randn(v.shape, dtype=v.dtype, generator=generator) for v, a in pairs if a.differentiable]
    gradients = [gradient for gradient in module.backward(upstream, saved) if gradient is not None]
    right = sum((tangent * gradient).sum() for tangent, gradient in zip(tangents, gradients, strict=True))
    torch.testing.assert_close((module.jvp(saved, *tangents) * upstream).sum(), right)


@pytest.mark.parametrize("name", names())
def test_backward_maps_over_upstream_gradients(name):
    """torch.func.vmap over grad_output gives what a loop gives."""
    module = kernel(name, "torch")
    output, saved = module.forward(*inputs(name))
    upstreams = torch.randn((3, *output.shape), dtype=output.dtype, generator=torch.Generator().manual_seed(3))

    def gradients(upstream):
        return tuple(gradient for gradient in module.backward(upstream, saved) if gradient is not None)

    mapped = torch.func.vmap(gradients)(upstreams)
    for position, upstream in enumerate(upstreams):
        for one, several in zip(gradients(upstream), mapped, strict=True):
            torch.testing.assert_close(one, several[position])


@pytest.mark.parametrize("name", names())
def test_forward_and_backward_compile_without_graph_breaks(name):
    """torch.compile captures both whole; aot_eager runs the captured graph as it is."""
    module, values = kernel(name, "torch"), inputs(name)
    output, _ = module.forward(*values)
    upstream = torch.ones_like(output)

    def step(*arguments):
        result, kept = module.forward(*arguments)
        return result, tuple(gradient for gradient in module.backward(upstream, kept) if gradient is not None)

    torch.compiler.reset()  # each operation is a new function to compile, not a recompilation of the last
    compiled = torch.compile(step, backend="aot_eager", fullgraph=True)
    result, gradients = compiled(*values)
    torch.testing.assert_close(result, output)
    for one, other in zip(gradients, step(*values)[1], strict=True):
        torch.testing.assert_close(one, other)
