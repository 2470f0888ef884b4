"""Dropout draws at random: what is random about it, and what is not. NumPy's and torch's layer."""

from typing import Any

import numpy as np
import pytest
import torch

from gradlab import nn
from gradlab.torch import nn as torch_nn


def test_a_seed_fixes_what_is_dropped() -> None:
    """The same seed drops the same entries at each forward, and the next forward drops others."""
    x = np.ones(1000)
    first, again = nn.Dropout(0.5, seed=4), nn.Dropout(0.5, seed=4)
    one, two = first(x), first(x)
    np.testing.assert_array_equal(one, again(x))
    np.testing.assert_array_equal(two, again(x))
    assert not np.array_equal(one, two)


@pytest.mark.parametrize("p", [0.0, 0.25, 0.9, 1.0])
@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_the_share_the_scale_and_the_gradient(p: float, backend: str) -> None:
    """A share p is 0, the rest is divided by 1 - p, and the gradient is that of the entries that were kept."""
    output: Any
    if backend == "numpy":
        layer = nn.Dropout(p, seed=0)
        output = layer(np.ones(20_000))
        gradient = layer.backward(np.full(20_000, 3.0))
    else:
        torch.manual_seed(0)
        x = torch.ones(20_000, dtype=torch.float64, requires_grad=True)
        result = torch_nn.Dropout(p)(x)
        result.backward(torch.full((20_000,), 3.0, dtype=torch.float64))
        assert x.grad is not None
        output, gradient = result.detach().numpy(), x.grad.numpy()
    kept = output != 0
    assert abs(1 - kept.mean() - p) < 0.02
    np.testing.assert_allclose(output, kept / (1 - p) if p < 1 else 0.0)
    np.testing.assert_allclose(gradient, 3 * output)


def test_evaluation_changes_nothing() -> None:
    """In evaluation the output is the input, forward and backward."""
    x = np.arange(5.0)
    layer = nn.Dropout(0.7)
    layer.eval()
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)
    tensor = torch.arange(5.0)
    assert torch_nn.Dropout(0.7).eval()(tensor) is tensor


def test_a_share_is_a_probability() -> None:
    """A share outside [0, 1] is refused with its value."""
    with pytest.raises(ValueError, match=r"p=1.5"):
        nn.Dropout(1.5)
