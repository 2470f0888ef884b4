"""Optimisers against torch.optim's of the same name."""

from typing import Any

import numpy as np
import pytest
import torch

from gradlab import nn
from gradlab.errors import StateDictError
from gradlab.nn.optim import _PART

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.2, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.1}),
    ("Adam", {"lr": 0.1, "betas": (0.5, 0.8), "eps": 1e-3, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.1}),
    ("AdamW", {"lr": 0.1, "weight_decay": 0.3}),
    ("Adadelta", {}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3, "weight_decay": 0.1}),
]


def problem(dtype: str, features: int = 5) -> tuple[Any, Any, Any]:
    """The same linear layer twice, and a function of a step that draws its gradients."""
    theirs = torch.nn.Linear(features, 3).to(getattr(torch, dtype))
    ours = nn.Linear(features, 3, dtype=dtype)
    ours.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(1)

    def gradients() -> None:
        for parameter, target in zip(ours.parameters(), theirs.parameters(), strict=True):
            gradient = rng.standard_normal(parameter.data.shape).astype(dtype)
            parameter.module.grads[parameter.name] = gradient
            target.grad = torch.from_numpy(gradient.copy())

    return theirs, ours, gradients


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 1e-5)])
def test_twenty_steps_are_torchs(name: str, settings: dict[str, Any], dtype: str, tolerance: float) -> None:
    """After each of 20 steps parameters and the optimiser's state are torch.optim's to rounding."""
    theirs, ours, gradients = problem(dtype)
    optimiser = getattr(nn, name)(ours.parameters(), **settings)
    reference = getattr(torch.optim, name)(theirs.parameters(), **settings)
    for _ in range(20):
        gradients()
        optimiser.step(), reference.step()
        for parameter, target in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert parameter.data.dtype == dtype
            np.testing.assert_allclose(parameter.data, target.detach().numpy(), rtol=tolerance, atol=tolerance)
    for position, target in enumerate(theirs.parameters()):
        for key, array in optimiser.state[position].items():
            np.testing.assert_allclose(array, reference.state[target][key].numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_long_arrays_are_updated_as_short_ones(name: str, settings: dict[str, Any]) -> None:
    """An array of several parts gets the numbers that it gets as a whole, contiguous or not."""
    features = _PART // 2
    _, ours, gradients = problem("float32", features)
    turned = nn.Linear(features, 3)
    turned.load_state_dict(ours.state_dict())
    turned.params["weight"] = np.asfortranarray(turned.params["weight"])
    optimisers = [getattr(nn, name)(layer.parameters(), **settings) for layer in (ours, turned)]
    for _ in range(3):
        gradients()
        turned.grads.update(ours.grads)
        for optimiser in optimisers:
            optimiser.step()
    np.testing.assert_array_equal(ours.weight, turned.weight)


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_a_run_resumed_from_its_state_goes_on_bit_for_bit(name: str, settings: dict[str, Any]) -> None:
    """Ten steps, a new optimiser with the state of the old, ten more: the same bits as twenty steps."""
    _, ours, gradients = problem("float32")
    twin = nn.Linear(5, 3)
    twin.load_state_dict(ours.state_dict())
    optimiser, other = (getattr(nn, name)(layer.parameters(), **settings) for layer in (ours, twin))
    for step in range(20):
        if step == 10:
            state = other.state_dict()
            other = getattr(nn, name)(twin.parameters(), **settings)
            other.load_state_dict(state)
        gradients()
        twin.grads.update(ours.grads)
        optimiser.step(), other.step()
    for parameter, again in zip(ours.parameters(), twin.parameters(), strict=True):
        np.testing.assert_array_equal(parameter.data, again.data)


def test_parameters_without_gradient_stay() -> None:
    """A parameter that no backward reached is not moved, not even by weight decay; zero_grad forgets gradients."""
    layer = nn.Linear(2, 2, seed=0)
    before = layer.state_dict()
    optimiser = nn.SGD(layer.parameters(), lr=1.0, weight_decay=1.0)
    layer.grads["weight"] = np.ones((2, 2), "float32")
    optimiser.zero_grad()
    optimiser.step()
    for name, array in layer.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda p: nn.SGD([], lr=0.1), "no parameters"),
        (lambda p: nn.SGD(p, lr=-0.1), "lr=-0.1"),
        (lambda p: nn.SGD(p, lr=0.1, nesterov=True), "nesterov"),
        (lambda p: nn.Adam(p, betas=(1.0, 0.9)), "betas"),
        (lambda p: nn.Adam(p, eps=float("nan")), "eps=nan"),
        (lambda p: nn.Adadelta(p, rho=1.5), "rho=1.5"),
    ],
)
def test_settings_out_of_range_are_refused(build: Any, message: str) -> None:
    """A setting that torch.optim refuses is refused with its value."""
    with pytest.raises(ValueError, match=message):
        build(nn.Linear(2, 2).parameters())


def test_the_state_of_another_network_is_refused() -> None:
    """A state_dict of other parameters names what differs."""
    small, large = nn.Adam(nn.Linear(2, 2).parameters()), nn.Adam(nn.Linear(3, 2).parameters())
    for parameter in large.parameters:
        parameter.module.grads[parameter.name] = np.zeros_like(parameter.data)
    large.step()
    with pytest.raises(StateDictError, match=r"exp_avg of weight is \(2, 3\), the parameter is \(2, 2\)"):
        small.load_state_dict(large.state_dict())
    with pytest.raises(StateDictError, match="state_dict is of 2 parameters, these are 4"):
        nn.Adam([*small.parameters, *large.parameters]).load_state_dict(large.state_dict())
