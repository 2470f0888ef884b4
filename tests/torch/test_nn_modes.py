"""Layers under autocast, torch.compile, vmap, channels_last and a checkpoint of NumPy's layers."""

from typing import Any

import numpy as np
import pytest
import torch

import gradlab.nn
from gradlab.torch import nn


def test_a_checkpoint_of_numpy_layers_loads() -> None:
    """gradlab.nn's state_dict loads into gradlab.torch.nn and back, and both compute the same numbers."""
    numpy_layers = gradlab.nn.Sequential(gradlab.nn.Linear(4, 3, seed=0), gradlab.nn.BatchNorm1d(3), gradlab.nn.Tanh())
    torch_layers = torch.nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh())
    torch_layers.load_state_dict({name: torch.as_tensor(a) for name, a in numpy_layers.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
    found = torch_layers(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(numpy_layers(x), found, rtol=1e-5, atol=1e-6)
    numpy_layers.load_state_dict(torch_layers.state_dict())
    for name, tensor in torch_layers.state_dict().items():
        np.testing.assert_array_equal(numpy_layers.state_dict()[name], tensor.numpy())


def test_autocast_runs_products_in_the_chosen_type() -> None:
    """Under autocast a linear layer gives bfloat16 as torch's does, and its parameters get float32 gradients."""
    torch.manual_seed(0)
    layer, x = nn.Linear(4, 3), torch.randn(5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x)
        expected = torch.nn.functional.linear(x, layer.weight, layer.bias)
        normal = nn.BatchNorm1d(3)(output)
    assert output.dtype == expected.dtype == torch.bfloat16
    assert normal.dtype == torch.float32
    torch.testing.assert_close(output, expected, rtol=2e-2, atol=2e-2)  # the bias is added to a rounded product
    normal.square().sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == torch.float32


def test_a_compiled_convolutional_network_runs_the_derived_backward() -> None:
    """Windows of any setting, and the weights of uneven means, are traced without a break."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        nn.Conv2d(2, 3, (3, 2), stride=(2, 1), padding=(1, 0)),
        nn.MaxPool2d((2, 3), (1, 2), ceil_mode=True),
        nn.AvgPool2d(2, 1, 1, count_include_pad=False),
        nn.AdaptiveAvgPool2d((2, 3)),
    )
    x = torch.randn(2, 2, 7, 8)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    found = torch.autograd.grad(compiled(x).sin().sum(), list(model.parameters()))
    expected = torch.autograd.grad(model(x).sin().sum(), list(model.parameters()))
    for mine, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, wanted)


def test_a_compiled_network_runs_the_derived_backward() -> None:
    """torch.compile takes the whole network without a break, and gives the numbers of eager mode."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.LayerNorm(5), nn.Linear(5, 3))
    x, loss = torch.randn(8, 6), nn.CrossEntropyLoss()
    label = torch.randint(0, 3, (8,))
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    found = torch.autograd.grad(loss(compiled(x), label), list(model.parameters()))
    expected = torch.autograd.grad(loss(model(x), label), list(model.parameters()))
    for mine, wanted in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, wanted)


@pytest.mark.parametrize("settings", [{}, {"label_smoothing": 0.1, "reduction": "sum"}])
def test_a_compiled_loss_leaves_labels_out(settings: dict[str, Any]) -> None:
    """Which labels count is not looked up while a graph is traced: one graph serves all labels."""
    torch.manual_seed(0)
    loss, x = nn.CrossEntropyLoss(**settings), torch.randn(5, 3, requires_grad=True)
    compiled = torch.compile(loss, backend="aot_eager", fullgraph=True)
    for label in (torch.tensor([0, -100, 2, 1, -100]), torch.tensor([0, 1, 2, 1, 0])):
        found, expected = compiled(x, label), torch.nn.CrossEntropyLoss(**settings)(x, label)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(*(torch.autograd.grad(value, x)[0] for value in (found, expected)))


def test_models_of_one_shape_are_trained_at_once() -> None:
    """torch.func.vmap over stacked parameters gives each model the gradient that it gets alone."""
    torch.manual_seed(0)
    models = [torch.nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)) for _ in range(3)]
    parameters, _ = torch.func.stack_module_state(models)
    x, label, loss = torch.randn(5, 4), torch.randint(0, 2, (5,)), nn.CrossEntropyLoss()

    def value(own: dict[str, torch.Tensor]) -> torch.Tensor:
        return loss(torch.func.functional_call(models[0], own, (x,)), label)

    gradients = torch.func.vmap(torch.func.grad(value))(parameters)
    for k, model in enumerate(models):
        alone = torch.autograd.grad(loss(model(x), label), list(model.parameters()))
        for (name, _), wanted in zip(model.named_parameters(), alone, strict=True):
            torch.testing.assert_close(gradients[name][k], wanted)


def test_channels_last_is_taken() -> None:
    """Images in channels_last give the numbers of contiguous ones."""
    x = torch.randn(2, 3, 4, 5).requires_grad_()
    y = x.detach().to(memory_format=torch.channels_last).requires_grad_()
    outputs = [nn.BatchNorm2d(3)(value) for value in (x, y)]
    torch.testing.assert_close(*outputs)
    first, second = (
        torch.autograd.grad(output.sin().sum(), value)[0] for output, value in zip(outputs, (x, y), strict=True)
    )
    torch.testing.assert_close(first, second)
