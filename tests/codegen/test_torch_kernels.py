"""The generated torch kernels under torch's own transformations."""

import pytest

torch = pytest.importorskip("torch")

from gradlab.registry import kernel, operation  # noqa: E402 - after the check that torch is there
from tests.catalogue import NAMES  # noqa: E402
from tests.drawn import drawn  # noqa: E402


def inputs(name, seed=0):
    """Inputs of an operation as tensors."""
    return [torch.from_numpy(array.copy()) for array in drawn(name, seed)]


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
def test_kernels_map_over_any_one_array(name):
    """torch.func.vmap over one input, tangent or upstream gradient, and no other, gives what a loop gives."""
    module, values, generator = kernel(name, "torch"), inputs(name), torch.Generator().manual_seed(5)
    output, _ = module.forward(*values)
    moving = [v for v, a in zip(values, operation(name).arguments, strict=True) if a.differentiable]
    more = [torch.randn(v.shape, dtype=v.dtype, generator=generator) for v in (output, *moving)]

    def everything(*arrays):
        result, saved = module.forward(*arrays[: len(values)])
        upstream, *tangents = arrays[len(values) :]
        gradients = (*module.backward(upstream, saved), *module.hvp(saved, upstream, *tangents))
        return result, module.jvp(saved, *tangents), *(gradient for gradient in gradients if gradient is not None)

    arrays = (*values, *more)
    for position, array in enumerate(arrays):
        several = torch.stack([array, array.flip(0) if array.ndim else array])
        dims = tuple(0 if k == position else None for k in range(len(arrays)))
        mapped = torch.func.vmap(everything, dims)(*arrays[:position], several, *arrays[position + 1 :])
        for row, one in enumerate(several):
            expected = everything(*arrays[:position], one, *arrays[position + 1 :])
            for ours, whole in zip(expected, mapped, strict=True):
                torch.testing.assert_close(ours, whole[row])


@pytest.mark.parametrize("name", NAMES)
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
