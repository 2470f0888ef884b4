"""The one layer of integers: labels in, rows of a table out. NumPy's and torch's layer against torch.nn's."""

import numpy as np
import pytest
import torch

from gradlab import nn
from gradlab.errors import DtypeError
from gradlab.torch import nn as torch_nn

LABELS = np.array([[1, 2, 1], [0, 6, 1]])


def test_rows_and_gradients_are_torchs() -> None:
    """Rows looked up several times add up their gradients; labels have none."""
    theirs, ours, derived = torch.nn.Embedding(7, 3), nn.Embedding(7, 3), torch_nn.Embedding(7, 3)
    ours.load_state_dict(theirs.state_dict())
    derived.load_state_dict(theirs.state_dict())
    expected = theirs(torch.from_numpy(LABELS))
    grad_output = torch.randn_like(expected)
    expected.backward(grad_output)
    np.testing.assert_array_equal(ours(LABELS), expected.detach().numpy())
    assert ours.backward(grad_output.numpy()) is None
    assert theirs.weight.grad is not None
    np.testing.assert_allclose(ours.grads["weight"], theirs.weight.grad.numpy(), rtol=1e-6, atol=1e-6)
    output = derived(torch.from_numpy(LABELS))
    assert torch.equal(output, expected)
    output.backward(grad_output)
    torch.testing.assert_close(derived.weight.grad, theirs.weight.grad)


def test_labels_are_integers_in_the_table() -> None:
    """Floats and labels outside the table are refused, with what was found."""
    layer = nn.Embedding(7, 3)
    with pytest.raises(DtypeError, match="input is float64; integers are expected"):
        layer(LABELS.astype(float))
    with pytest.raises(IndexError, match="values from 1 to 7"):
        layer(LABELS + 1)


def test_options_that_are_not_derived_are_refused() -> None:
    """padding_idx changes the gradient of the table, so the torch layer refuses it."""
    with pytest.raises(ValueError, match="padding_idx"):
        torch_nn.Embedding(7, 3, padding_idx=0)(torch.from_numpy(LABELS))
