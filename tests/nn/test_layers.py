"""Every layer of gradlab.nn against torch.nn's layer of that name."""

from typing import Any

import numpy as np
import pytest
import torch

from gradlab import nn
from tests.nn.layers import TOLERANCE, Row, rows

ROWS = pytest.mark.parametrize("row", rows(), ids=str)
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])


def pair(row: Row, dtype: str) -> tuple[Any, Any]:
    """Torch's layer and ours with the same numbers in them, the trained ones drawn away from 0 and 1."""
    theirs = row.build(torch.nn).to(getattr(torch, dtype))
    rng = np.random.default_rng(7)
    for parameter in theirs.parameters():
        parameter.data += torch.from_numpy(rng.standard_normal(tuple(parameter.shape))).to(parameter.dtype)
    keywords = {"dtype": dtype} if theirs.state_dict() else {}
    ours = row.build(nn, **keywords)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def close(ours: Any, theirs: torch.Tensor, dtype: str) -> None:
    """Equal shape and dtype, and equal to rounding."""
    expected = theirs.detach().numpy()
    assert (np.shape(ours), ours.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(ours, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@ROWS
@DTYPES
@pytest.mark.parametrize("training", [True, False])
def test_forward_and_backward_are_torchs(row: Row, dtype: str, training: bool) -> None:
    """Output, gradient of the input, gradients of the parameters and buffers are torch's, in three steps in a row."""
    theirs, ours = pair(row, dtype)
    theirs.train(training), ours.train(training)
    for step in range(3):
        inputs = row.inputs(dtype, seed=step)
        x, *rest = map(torch.from_numpy, inputs)
        x.requires_grad_()
        expected = theirs(x, *rest)
        output = ours(*inputs)
        close(output, expected, dtype)
        grad_output = np.random.default_rng(step).standard_normal(np.shape(output)).astype(dtype)
        ours.zero_grad(), theirs.zero_grad()
        gradient = ours.backward(grad_output)
        expected.backward(torch.from_numpy(grad_output))
        close(gradient, x.grad, dtype)
        for (name, parameter), (_, theirs_parameter) in zip(
            ours.named_parameters(), theirs.named_parameters(), strict=True
        ):
            assert parameter.grad is not None, name
            close(parameter.grad, theirs_parameter.grad, dtype)
    for name, buffer in theirs.named_buffers():
        close(ours.buffers[name], buffer, dtype)


@ROWS
@DTYPES
def test_state_dict_round_trip_is_exact(row: Row, dtype: str) -> None:
    """torch.nn's state_dict loads, comes back under the same names in the same order, and loads into torch.nn again."""
    theirs, ours = pair(row, dtype)
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert state[name].dtype == tensor.numpy().dtype
        np.testing.assert_array_equal(state[name], tensor.numpy())
    again = row.build(torch.nn).to(getattr(torch, dtype))
    again.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


@ROWS
def test_new_layers_are_filled_as_torchs(row: Row) -> None:
    """A new layer's numbers have torch's shapes, spread and bounds; the same seed gives the same numbers."""
    theirs = row.build(torch.nn).state_dict()
    ours = row.build(nn).state_dict()
    assert {name: array.shape for name, array in ours.items()} == {n: tuple(t.shape) for n, t in theirs.items()}
    for name, array in ours.items():
        if theirs[name].numel() and theirs[name].unique().numel() == 1:
            np.testing.assert_array_equal(array, theirs[name].numpy())


@ROWS
def test_the_gradient_of_the_input_can_be_left_out(row: Row) -> None:
    """With input_gradient=False backward returns None and the parameters' gradients are what they were."""
    _, ours = pair(row, "float64")
    inputs = row.inputs("float64")
    grad_output = np.ones_like(ours(*inputs))
    ours.backward(grad_output, retain=True)
    expected = dict(ours.grads)
    ours.zero_grad()
    assert ours.backward(grad_output, input_gradient=False) is None
    assert ours.grads.keys() == expected.keys()
    for name, gradient in ours.grads.items():
        np.testing.assert_array_equal(gradient, expected[name])


@ROWS
def test_gradients_add_up_until_zero_grad(row: Row) -> None:
    """Two backwards give twice the gradient; zero_grad forgets it."""
    _, ours = pair(row, "float64")
    inputs = row.inputs("float64")
    for _ in range(2):
        output = ours(*inputs)
        ours.backward(np.ones_like(output))
    twice = dict(ours.grads)
    ours.zero_grad()
    assert not ours.grads
    ours(*inputs)
    ours.backward(np.ones_like(output))
    for name, gradient in ours.grads.items():
        np.testing.assert_allclose(twice[name], 2 * gradient, rtol=1e-9)
