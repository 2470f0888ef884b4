"""The hand-written rivals are right: a fast wrong rival would make every generated kernel look slow."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks.hand_written import RIVALS
from benchmarks.hand_written.layers import softmax_backward_blocked
from benchmarks.hand_written.rival import HandWritten

torch = pytest.importorskip("torch")
F = torch.nn.functional

FORMS = [pytest.param(name, form, id=f"{name}-{form.name}") for name, forms in RIVALS.items() for form in forms]


def simplex(generator: np.random.Generator, *shape: int) -> Any:
    """Rows of positive numbers that sum to 1."""
    values = generator.uniform(0.1, 1.0, shape)
    return values / values.sum(axis=-1, keepdims=True)


def example(name: str) -> tuple[list[Any], int, dict[str, float], Callable[..., Any]]:
    """Inputs with all sizes different, how many of them are differentiable, parameters, and torch's own function."""
    generator = np.random.default_rng(7)
    draw = generator.standard_normal
    eps = {"eps": 1e-3}
    match name:
        case "relu":
            return [draw((3, 4, 5))], 1, {}, torch.relu
        case "linear":
            return [draw((3, 4)), draw((5, 4)), draw(5)], 3, {}, F.linear
        case "softmax":
            return [draw((3, 4, 5))], 1, {}, lambda x: torch.softmax(x, -1)
        case "cross_entropy":
            inputs = [generator.uniform(0.1, 1.0, (4, 5)), simplex(generator, 4, 5)]
            return inputs, 1, {}, lambda p, t: -(t * p.log()).sum(-1).mean()
        case "softmax_cross_entropy":
            return [draw((4, 5)) * 50, simplex(generator, 4, 5)], 1, {}, F.cross_entropy
        case "softmax_cross_entropy_labels":
            return [draw((4, 5)) * 50, generator.integers(0, 5, 4)], 1, {}, F.cross_entropy
        case "conv2d":
            inputs = [draw((2, 3, 7, 6)), draw((4, 3, 3, 2)), draw(4)]
            return (
                inputs,
                3,
                {"stride_h": 2, "padding_h": 1},
                lambda x, weight, bias, stride_h, padding_h: F.conv2d(x, weight, bias, stride_h, padding_h),
            )
        case "avg_pool2d":
            settings = {"kernel_h": 3, "stride_h": 2, "padding_h": 1}
            return [draw((2, 3, 7, 6))], 1, settings, lambda x, **windows: F.avg_pool2d(x, *windows.values())
        case "layer_norm":
            inputs = [draw((3, 4, 5)) + 3, draw(5), draw(5)]
            return inputs, 3, eps, lambda x, weight, bias, eps: F.layer_norm(x, x.shape[-1:], weight, bias, eps)
        case "rms_norm":
            return [draw((3, 4, 5)), draw(5)], 2, eps, lambda x, weight, eps: F.rms_norm(x, x.shape[-1:], weight, eps)
        case "l2_normalize":
            return [draw((3, 4, 5))], 1, eps, lambda x, eps: F.normalize(x, dim=-1, eps=eps)
        case "instance_norm":
            inputs = [draw((3, 4, 5, 6)) + 3, draw(4), draw(4)]
            return inputs, 3, eps, lambda x, weight, bias, eps: F.instance_norm(x, weight=weight, bias=bias, eps=eps)
        case "group_norm":
            inputs, settings = [draw((3, 4, 5, 6)) + 3, draw(4), draw(4)], {"num_groups": 2, **eps}
            return inputs, 3, settings, lambda x, w, b, num_groups, eps: F.group_norm(x, num_groups, w, b, eps)
        case "log_softmax":
            return [draw((3, 4, 5)) * 50], 1, {}, lambda x: torch.log_softmax(x, -1)
        case "logsumexp":
            return [draw((3, 4, 5)) * 50], 1, {}, lambda x: torch.logsumexp(x, -1)
        case "matmul":
            return [draw((2, 3, 4)), draw((2, 4, 5))], 2, {}, torch.matmul
        case "bias_add":
            return [draw((3, 4, 5)), draw(5)], 2, {}, torch.add
        case "scaled_dot_product_attention":
            return [draw((2, 3, 4)), draw((2, 5, 4)), draw((2, 5, 6))], 3, {}, F.scaled_dot_product_attention
    shape = (3, 4, 5, 6) if "2d" in name else (7, 4)
    inputs = [draw(shape) + 3, draw(4), draw(4)]
    if name.endswith("eval"):
        inputs += [draw(4), generator.uniform(0.5, 2.0, 4)]
        return inputs, 3, eps, lambda x, gamma, beta, mean, var, eps: F.batch_norm(x, mean, var, gamma, beta, eps=eps)
    return inputs, 3, eps, lambda x, gamma, beta, eps: F.batch_norm(x, None, None, gamma, beta, True, eps=eps)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_agrees_with_torch(name: str, form: HandWritten) -> None:
    """Output and every gradient equal torch's, inputs and upstream are left alone."""
    inputs, differentiable, parameters, reference = example(name)
    leaves = [torch.tensor(value, requires_grad=k < differentiable) for k, value in enumerate(inputs)]
    expected = reference(*leaves, **parameters)
    upstream = np.asarray(np.random.default_rng(8).standard_normal(tuple(expected.shape)))[()]
    gradients = torch.autograd.grad(expected, leaves[:differentiable], torch.tensor(upstream))

    copies = [value.copy() for value in inputs]
    upstream_copy = upstream.copy()
    output, saved = form.forward(*copies, **parameters)
    results = form.backward(upstream_copy, saved)

    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-10, atol=1e-12)
    assert len(results) == len(inputs)
    for result, gradient in zip(results[:differentiable], gradients, strict=True):
        np.testing.assert_allclose(result, gradient.numpy(), rtol=1e-10, atol=1e-12)
    assert all(result is None for result in results[differentiable:])
    for value, copy in zip([*inputs, upstream], [*copies, upstream_copy], strict=True):
        np.testing.assert_array_equal(value, copy)


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_keeps_float32(name: str, form: HandWritten) -> None:
    """A rival that drifted to float64 would be slower for a reason that is not its formula."""
    inputs, differentiable, parameters, _ = example(name)
    single = [value.astype(np.float32) if value.dtype == np.float64 else value for value in inputs]
    output, saved = form.forward(*single, **parameters)
    results = form.backward(np.ones_like(output)[()], saved)
    assert output.dtype == np.float32
    assert [result.dtype for result in results[:differentiable]] == [np.float32] * differentiable


@pytest.mark.parametrize("form", RIVALS["softmax_cross_entropy_labels"], ids=lambda form: form.name)
def test_labels_of_transposed_logits(form: HandWritten) -> None:
    """Flat indices must not be taken in the memory order of x: the update would go astray or get lost."""
    inputs, *_ = example("softmax_cross_entropy_labels")
    x, label = inputs
    plain = form.backward(1.0, form.forward(x, label)[1])[0]
    transposed = form.backward(1.0, form.forward(np.asfortranarray(x), label)[1])[0]
    np.testing.assert_allclose(transposed, plain, rtol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "batch_norm", "batch_norm_2d"])
def test_blocks_cover_everything(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With blocks of a row or two, the last one shorter, blocked forms give what the others give."""
    monkeypatch.setitem(softmax_backward_blocked.__globals__, "BLOCK", 10)
    monkeypatch.setattr("benchmarks.hand_written.batch_norm.BLOCK", 10)
    inputs, _, parameters, _ = example(name)
    forms = {form.name: form for form in RIVALS[name]}
    output, saved = forms["blocked"].forward(*inputs, **parameters)
    upstream = np.random.default_rng(9).standard_normal(output.shape)
    plain = RIVALS[name][0].backward(upstream, saved)
    for result, expected in zip(forms["blocked"].backward(upstream, saved), plain, strict=True):
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)
