"""Every layer of gradlab.torch.nn against torch.nn's layer of that name."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from torch.autograd.function import BackwardCFunction

from gradlab.torch import nn
from tests.nn.layers import TOLERANCE, Row, rows

LAYERS = [row for row in rows() if row.layer in nn.__all__]
ROWS = pytest.mark.parametrize("row", LAYERS, ids=str)


WIDE = {torch.float16: 2e-2, torch.bfloat16: 1e-1}


def pair(row: Row, dtype: torch.dtype) -> tuple[Any, Any]:
    """Torch's layer and ours with the same numbers in them, the trained ones drawn away from 0 and 1."""
    torch.manual_seed(3)
    theirs = row.build(torch.nn).to(dtype)
    for parameter in theirs.parameters():
        parameter.data += torch.randn_like(parameter)
    ours = row.build(nn).to(dtype)
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def inputs_of(row: Row, dtype: torch.dtype, seed: int = 0) -> list[torch.Tensor]:
    """Input, which requires a gradient, and target."""
    first, *rest = (torch.from_numpy(value) for value in row.inputs("float64", seed))
    targets = [value.to(dtype) if value.is_floating_point() else value for value in rest]
    return [first.to(dtype).requires_grad_(), *targets]


def close(ours: torch.Tensor, theirs: torch.Tensor, dtype: torch.dtype) -> None:
    """Equal to rounding, of one dtype and shape."""
    tolerance = WIDE.get(dtype) or TOLERANCE[str(dtype).removeprefix("torch.")]
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance, equal_nan=True)


@ROWS
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_forward_and_backward_are_torchs(row: Row, dtype: torch.dtype, training: bool) -> None:
    """Output, all gradients and the running statistics are torch's, in three steps in a row."""
    theirs, ours = pair(row, dtype)
    theirs.train(training), ours.train(training)
    for step in range(3):
        x, *rest = inputs_of(row, dtype, step)
        expected = theirs(x, *rest)
        grad_output = torch.randn_like(expected)
        gradients = torch.autograd.grad(expected, [x, *theirs.parameters()], grad_output)
        y, *rest = inputs_of(row, dtype, step)
        output = ours(y, *rest)
        close(output, expected, dtype)
        found = torch.autograd.grad(output, [y, *ours.parameters()], grad_output)
        for gradient, wanted in zip(found, gradients, strict=True):
            close(gradient, wanted, dtype)
    for (name, buffer), (_, expected) in zip(ours.named_buffers(), theirs.named_buffers(), strict=True):
        close(buffer, expected, dtype) if buffer.is_floating_point() else torch.equal(buffer, expected) or pytest.fail(
            name
        )


@ROWS
def test_state_dict_round_trip_is_exact(row: Row) -> None:
    """A checkpoint of torch.nn loads, is saved under the same names, and loads into torch.nn again, bit for bit."""
    theirs, ours = pair(row, torch.float32)
    file = io.BytesIO()
    torch.save(ours.state_dict(), file)
    file.seek(0)
    again = row.build(torch.nn)
    again.load_state_dict(torch.load(file, weights_only=True))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


# Nodes of torch's own that move numbers and compute nothing.
MOVES = ("AccumulateGrad", "Select", "View", "Unsqueeze", "UnsafeView", "ReshapeAlias", "Permute", "Movedim", "Clone")


@ROWS
def test_the_derived_backward_runs(row: Row) -> None:
    """The graph behind an output consists of derived operations and of nodes that only move numbers."""
    _, ours = pair(row, torch.float32)
    waiting, derived, others = [ours(*inputs_of(row, torch.float32)).grad_fn], set(), set()
    while waiting:
        node = waiting.pop()
        if node is not None:
            (derived if isinstance(node, BackwardCFunction) else others).add(node.name())
            waiting += [after for after, _ in node.next_functions]
    assert derived
    assert {name for name in others if not any(move in name for move in MOVES)} == set()


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_the_same_size_with_even_windows() -> None:
    """Windows of an even size need more zeros behind an axis than before it; torch and we agree where."""
    torch.manual_seed(0)
    theirs = torch.nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(3, 1)).double()
    ours = nn.Conv2d(2, 3, (2, 3), padding="same", dilation=(3, 1)).double()
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 2, 6, 5, dtype=torch.float64, requires_grad=True)
    pairs = [(layer(x), layer) for layer in (ours, theirs)]
    upstream = torch.randn_like(pairs[0][0])
    mine, wanted = (
        [output, *torch.autograd.grad(output, [x, *layer.parameters()], upstream)] for output, layer in pairs
    )
    for own, other in zip(mine, wanted, strict=True):
        close(own, other, torch.float64)


@ROWS
def test_layers_are_torchs_subclasses_and_can_be_copied(row: Row) -> None:
    """Each is an instance of torch.nn's class, prints as it does, and survives deepcopy and pickle."""
    theirs, ours = pair(row, torch.float32)
    assert isinstance(ours, type(theirs))
    assert repr(ours) == repr(theirs)
    inputs = inputs_of(row, torch.float32)
    state = copy.deepcopy(ours)
    for twin in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        twin.load_state_dict(state.state_dict())
        twin.eval(), ours.eval()
        torch.testing.assert_close(twin(*inputs), ours(*inputs), rtol=0, atol=0, equal_nan=True)


@ROWS
def test_the_gradient_of_the_input_is_not_computed_where_nobody_needs_it(row: Row) -> None:
    """Parameters get their gradients when the input requires none."""
    theirs, ours = pair(row, torch.float64)
    if not list(ours.parameters()):
        pytest.skip("no parameters")
    inputs = [value.detach() for value in inputs_of(row, torch.float64)]
    for layer in (theirs, ours):
        layer(*inputs).square().sum().backward()
    for mine, wanted in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(mine.grad, wanted.grad, torch.float64)
