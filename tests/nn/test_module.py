"""Modules and networks: names, modes, the chain of backwards, and gradlab's own checker on them."""

from typing import Any

import numpy as np
import pytest
import torch

import gradlab
from gradlab import nn
from gradlab.errors import StateDictError


def network(package: Any, **keywords: Any) -> Any:
    """A small network with every kind of state."""
    return package.Sequential(
        package.Linear(6, 5, **keywords),
        package.BatchNorm1d(5, **keywords),
        package.ReLU(),
        package.Sequential(package.Linear(5, 4, **keywords), package.ReLU()),
        package.Linear(4, 3, **keywords),
    )


def test_a_network_is_torchs_for_twenty_steps() -> None:
    """Twenty steps of training give torch's losses and torch's state_dict to rounding."""
    theirs, ours = network(torch.nn).double(), network(nn, dtype="float64")
    ours.load_state_dict(theirs.state_dict())
    loss, torch_loss = nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss()
    optimiser, reference = nn.Adam(ours.parameters(), lr=0.01), torch.optim.Adam(theirs.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, label = rng.standard_normal((8, 6)), rng.integers(0, 3, 8)
        optimiser.zero_grad(), reference.zero_grad()
        value, expected = loss(ours(x), label), torch_loss(theirs(torch.from_numpy(x)), torch.from_numpy(label))
        assert ours.backward(loss.backward(), input_gradient=False) is None
        expected.backward()
        optimiser.step(), reference.step()
        np.testing.assert_allclose(value, expected.item(), rtol=1e-9)
    for name, tensor in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[name], tensor.numpy(), rtol=1e-7, atol=1e-9)


def test_names_of_a_network_are_torchs() -> None:
    """Parameters and buffers of nested modules have torch's names, shapes and order; so has a module of one's own."""

    class Body(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(2, 3)
            self.outer = nn.Sequential(nn.BatchNorm1d(3))

    assert list(network(nn).state_dict()) == list(network(torch.nn).state_dict())
    names = ["inner.weight", "inner.bias", "outer.0.weight", "outer.0.bias"]
    assert [name for name, _ in Body().named_parameters()] == names


def test_train_and_eval_reach_every_module() -> None:
    """eval() and train() set the mode of nested modules too, and return the module."""
    model = network(nn)
    assert model.training
    assert model.eval() is model
    assert not any(module.training for _, module in model.modules())
    assert all(module.training for _, module in model.train().modules())


def test_a_checkpoint_is_a_copy() -> None:
    """What state_dict returned does not change when training goes on, and loading copies too."""
    layer = nn.Linear(2, 2, seed=0)
    state = layer.state_dict()
    layer.weight += 1
    assert not np.array_equal(state["weight"], layer.weight)
    layer.load_state_dict(state)
    layer.weight += 1
    assert not np.array_equal(state["weight"], layer.weight)


def test_a_state_dict_that_does_not_fit_changes_nothing() -> None:
    """Missing and unknown names and other shapes are all listed, and no array is touched."""
    layer = nn.Linear(3, 2, seed=0)
    before = layer.state_dict()
    with pytest.raises(StateDictError) as caught:
        layer.load_state_dict({"weight": np.zeros((2, 4)), "scale": np.zeros(2)})
    assert str(caught.value) == (
        "Linear: state_dict does not fit: missing: bias; unknown: scale; weight is (2, 4), the module's is (2, 3)"
    )
    np.testing.assert_array_equal(layer.weight, before["weight"])


def test_seeds_give_the_same_numbers() -> None:
    """The same seed fills a layer with the same numbers, another with others; all lie within torch's bound."""
    first, again, other = (nn.Linear(100, 50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.weight, again.weight)
    assert not np.array_equal(first.weight, other.weight)
    for array in first.params.values():
        assert np.abs(array).max() <= 0.1
        assert np.abs(array).max() > 0.09


def test_attributes_are_arrays_of_the_module() -> None:
    """module.weight reads and writes params["weight"]; an unknown name is an AttributeError."""
    layer = nn.Linear(2, 2)
    layer.weight = np.ones((2, 2), "float32")
    assert layer.params["weight"] is layer.weight
    with pytest.raises(AttributeError, match="no attribute 'wight'"):
        _ = layer.wight


def test_an_empty_network_hands_everything_on() -> None:
    """Sequential without modules is the identity, forward and backward."""
    model, x = nn.Sequential(), np.ones(3)
    assert model(x) is x
    assert model.backward(x) is x
    assert len(model) == 0


def test_modules_without_forward_say_so() -> None:
    """A module that defines no forward or backward names its class."""
    with pytest.raises(NotImplementedError, match="Module defines no forward"):
        nn.Module().forward()
    with pytest.raises(NotImplementedError, match="Module defines no backward"):
        nn.Module().backward(0)


@pytest.mark.parametrize(
    ("factory", "signature"),
    [
        (lambda: nn.Linear(3, 2, dtype="float64"), "(n,3),(2,3),(2)->(n,2)"),
        (lambda: nn.BatchNorm1d(3, dtype="float64", track_running_stats=False), "(n,3),(3),(3)->(n,3)"),
    ],
)
def test_the_checker_passes_the_layers(factory: Any, signature: str) -> None:
    """gradlab.check takes a layer of gradlab.nn through from_layer as it takes anyone's, and finds nothing."""
    subject = gradlab.from_layer(factory)
    dims = {"n": (2, 5)}  # training with one value per channel is refused
    report = gradlab.check(
        *subject, signature, names=("x", "weight", "bias"), dims=dims, profile="quick", seed=1, dtypes=["float64"]
    )
    assert report.verdict == "pass", report
