"""Derived operations behind a door that checks shapes and dtypes, as the layers call them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from gradlab import registry
from gradlab.kernels.door import check_inputs
from gradlab.operation import Operation
from gradlab.torch.function import unchecked

Shape = tuple[int, ...]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Door(Generic[Result]):
    """One operation: `door(("input", "weight"), x, weight, eps=1e-5)`.

    Names are those of the message for tensors that do not fit: ShapeError or DtypeError.
    """

    operation: Operation
    function: Callable[..., Result]
    parameters: tuple[str, ...]

    @staticmethod
    def of(name: str) -> Door[Tensor]:
        """The door of a registered operation."""
        return Door(registry.operation(name), unchecked(name), _parameters(name))

    @staticmethod
    def with_saved(name: str, *saved: str) -> Door[tuple[Tensor, ...]]:
        """The same, which gives these saved tensors beside the output."""
        return Door(registry.operation(name), unchecked(name, *saved), _parameters(name))

    def __call__(
        self, names: Sequence[str], *tensors: Tensor, shown: Sequence[Shape] | None = None, **parameters: Any
    ) -> Result:
        if torch.is_autocast_enabled(tensors[0].device.type):
            tensors = tuple(self._cast(tensors))
        check_inputs(self.operation, tensors, names, shown, parameters, anew=torch.compiler.is_compiling())
        return self.function(*tensors, **parameters)

    def _cast(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Under autocast products of matrices run in the chosen type, all else in the widest of its arguments."""
        floats = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
        dtype = floats[0]
        if self.operation.name in _PRODUCTS:
            dtype = torch.get_autocast_dtype(tensors[0].device.type)
        else:
            for other in floats[1:]:
                dtype = torch.promote_types(dtype, other)
        return [tensor.to(dtype) if tensor.is_floating_point() else tensor for tensor in tensors]


def _parameters(name: str) -> tuple[str, ...]:
    return tuple(parameter.name for parameter in registry.operation(name).parameters)


def or_full(parameter: Tensor | None, size: int, value: float, like: Tensor) -> Tensor:
    """The parameter, or where a layer has none a tensor that changes nothing: ones to multiply with, zeros to add."""
    return like.new_full((size,), value) if parameter is None else parameter


_ATTENTION = tuple(name for name in registry.names() if name.startswith("scaled_dot_product"))
_PRODUCTS = ("linear", "matmul", "conv1d", "conv2d", *_ATTENTION)

# Made once, here: torch.compile can follow a look-up in a dictionary, but not an import.
DOORS = {name: Door.of(name) for name in registry.names()}
TRACKED = {name: Door.with_saved(name, "mu", "var") for name in ("batch_norm", "batch_norm_2d")}
"""Batch normalisations that also give the mean and the biased variance, for running statistics."""
