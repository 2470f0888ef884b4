"""NumPy arrays to tensors on any device and back, with the strides that the checker placed them in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from gradlab.adapters.subject import Array
from gradlab.adapters.torch_kernels import to_tensor


def on_device(array: Any, device: torch.device) -> torch.Tensor:
    """The array as a tensor: on the CPU on the same memory where torch can hold it, elsewhere a copy as it lies."""
    tensor: torch.Tensor = to_tensor(torch, array)
    return tensor if device.type == "cpu" else moved(tensor, device)


def moved(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A copy with the same strides; `Tensor.to` makes expanded tensors and slices of larger ones contiguous."""
    if not tensor.numel():
        return tensor.to(device, copy=True)
    extent = 1 + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    memory = tensor.as_strided((extent,), (1,)).to(device, copy=True)
    return memory.as_strided(tensor.shape, tensor.stride())


def written_back(array: Array, tensor: torch.Tensor) -> None:
    """What the code under test wrote into a copy on a device, written into the array that the checker watches."""
    if tensor.device.type != "cpu" and array.flags.writeable and 0 not in array.strides:
        array[...] = tensor.detach().cpu().numpy()


def as_array(tensor: torch.Tensor) -> Array:
    """The numbers of a tensor; on the CPU a view of its memory. Sparse ones become dense."""
    dense = tensor.detach()
    if dense.layout != torch.strided:
        dense = dense.to_dense()
    found: Array = np.asarray(dense.resolve_conj().resolve_neg().cpu().numpy())
    return found
