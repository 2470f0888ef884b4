"""Arrays as a kernel takes them -> as the definition writes them, and back.

`axis` goes last, operands are broadcast, packed axes are taken apart.

Written apart from the helpers of the kernels, which it helps to check.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradlab.symbolic.program import Program, Tensor

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Entrance:
    """The way in and out for one call."""

    program: Program
    axes: tuple[int, ...]
    keepdims: bool
    groups: int
    shapes: tuple[tuple[int, ...], ...]

    @staticmethod
    def of(program: Program, inputs: Sequence[Array], params: Mapping[str, Any]) -> Entrance:
        """For inputs of these shapes."""
        axis = params.get("axis", -1) if program.definition.along else -1
        packed = program.definition.packed
        groups = int(params[packed.groups]) if packed else 1
        axes = tuple(range(inputs[0].ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
        kept = bool(params.get("keepdims", False))
        return Entrance(program, axes, kept, groups, tuple(array.shape for array in inputs))

    def enter(self, tensor: Tensor, array: Array) -> Array:
        """An input, or an upstream gradient for the output."""
        if self._lacks_axes(tensor):
            return np.squeeze(array, self.axes)
        if self._moves(tensor):
            last = range(-len(self.axes), 0)
            array = np.moveaxis(array, self.axes, last)
            kept = array.ndim - len(self.axes)
            array = array.reshape(*array.shape[:kept], math.prod(array.shape[kept:]))
        place = self._packed(tensor)
        if place is not None:
            before, behind = array.shape[:place], array.shape[place + 1 :]
            array = array.reshape(*before, self.groups, array.shape[place] // self.groups, *behind)
        if self.program.definition.broadcast and tensor.indices:
            own = len(tensor.indices) - 1  # the leading dimensions alone are broadcast
            leading = np.broadcast_shapes(*self._leading())
            array = np.broadcast_to(array, (*leading, *array.shape[array.ndim - own :]))
        return array

    def leave(self, tensor: Tensor, array: Array) -> Array:
        """The output, or the gradient of an input, in the shape that the kernel gives it."""
        names = [given.tensor.name for given in self.program.inputs]
        if self._lacks_axes(tensor):
            return np.expand_dims(array, self.axes)
        place = self._packed(tensor)
        if place is not None:
            behind = array.shape[place + 2 :]
            return array.reshape(*array.shape[:place], array.shape[place] * array.shape[place + 1], *behind)
        if self._moves(tensor):
            whole = self.shapes[next(k for k, given in enumerate(self.program.inputs) if self._moves(given.tensor))]
            array = array.reshape(*array.shape[:-1], *(whole[axis] for axis in self.axes))
            return np.moveaxis(array, range(-len(self.axes), 0), self.axes)
        if self.program.definition.broadcast and tensor.name in names:
            return _summed(array, self.shapes[names.index(tensor.name)])
        return array

    def _leading(self) -> list[tuple[int, ...]]:
        pairs = zip(self.program.inputs, self.shapes, strict=True)
        return [shape[: len(shape) - len(given.tensor.indices) + 1] for given, shape in pairs]

    def _packed(self, tensor: Tensor) -> int | None:
        packed, names = self.program.definition.packed, [index.axis.name for index in tensor.indices]
        return names.index(packed.groups) if packed is not None and packed.groups in names else None

    def _lacks_axes(self, tensor: Tensor) -> bool:
        """Whether it is the result of a reduction whose axes are to stay, of size 1."""
        return self.keepdims and tensor.name == self.program.output.name and not self._moves(tensor)

    def _moves(self, tensor: Tensor) -> bool:
        along = self.program.definition.along
        if along is None or not any(index.axis.ellipsis for index in tensor.indices):
            return False
        return tensor.indices[-1].axis.name == along.dim


def _summed(array: Array, shape: tuple[int, ...]) -> Array:
    padded = (1,) * (array.ndim - len(shape)) + shape
    over = tuple(k for k, (size, whole) in enumerate(zip(padded, array.shape, strict=True)) if size != whole)
    return np.asarray(array.sum(axis=over, keepdims=True)).reshape(shape)
