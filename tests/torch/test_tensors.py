"""Arrays become tensors as they lie in memory, also on another device."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gradlab.torch.tensors import as_array, moved  # noqa: E402 - after the check that torch is there


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6.0).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).t(),
        torch.arange(3.0).expand(4, 3),
        torch.tensor(1.0).expand(2, 2),
        torch.arange(24.0).reshape(4, 6)[1:3, ::2],
        torch.tensor(3.0),
        torch.empty(0, 3),
    ],
)
def test_moved(tensor: torch.Tensor) -> None:
    """A copy on a device keeps numbers and strides, where `Tensor.to` would make it contiguous."""
    there = moved(tensor, torch.device("cpu"))
    assert torch.equal(there, tensor)
    assert there.stride() == tensor.stride() or not tensor.numel()
    assert not tensor.numel() or there.data_ptr() != tensor.data_ptr()


def test_sparse_gradients_become_dense() -> None:
    """The gradient of an embedding with sparse=True is compared as numbers."""
    tensor = torch.sparse_coo_tensor([[0, 0]], [1.0, 2.0], (2,), check_invariants=True)
    assert np.array_equal(as_array(tensor), [3.0, 0.0])
