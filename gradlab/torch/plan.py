"""What a torch Function must know of its operation."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from torch import Tensor

from gradlab.operation import Operation


@dataclass(frozen=True)
class Plan:
    """Positions, found once for each operation: nothing is looked up while it runs."""

    operation: Operation
    kernel: ModuleType
    names: tuple[str, ...]
    """Of the arguments."""
    defaults: dict[str, float]
    wrt: tuple[int, ...]
    """Differentiable arguments."""
    handles: tuple[int, ...]
    """Arguments along which a gradient moves."""
    tokens: tuple[int, ...]
    """Handles that are not saved: a token, which has their shape and no memory, stands for each in the graph."""
    sources: tuple[int | None, ...]
    """For each saved tensor the argument that it is, in that shape, or None."""
    output: int | None
    """The position of the output among the saved tensors."""

    @staticmethod
    def of(operation: Operation, kernel: ModuleType, *, moved: bool = False) -> Plan:
        """The plan of a kernel; `moved` where its axis is not the last one."""
        names = tuple(argument.name for argument in operation.arguments)
        handles = tuple(names.index(name) for name in operation.curved)
        axis: dict[str, float] = {"axis": -1} if operation.along is not None else {}
        axis |= {"keepdims": False} if operation.reduces else {}
        # Kernels save packed arguments by groups and others with the axis at the end, in another shape than they came.
        same = {*names, operation.output} if operation.packed is None and not moved else set()
        return Plan(
            operation,
            kernel,
            names,
            {parameter.name: parameter.default for parameter in operation.parameters} | axis,
            tuple(names.index(name) for name in operation.differentiable),
            handles,
            tuple(k for k in handles if names[k] not in operation.saved),
            tuple(names.index(name) if name in same and name in names else None for name in operation.saved),
            operation.saved.index(operation.output) if operation.output in same & {*operation.saved} else None,
        )

    @property
    def count(self) -> int:
        """How many tensors it takes."""
        return len(self.names)

    @property
    def own(self) -> tuple[int, ...]:
        """The saved tensors that are neither an argument nor the output."""
        return tuple(k for k, source in enumerate(self.sources) if source is None and k != self.output)

    def backward(self, grad_output: Tensor, saved: tuple[Any, ...], needs: tuple[bool, ...]) -> Any:
        """The kernel's backward; where there is more than one gradient, only those that are needed."""
        if len(self.wrt) > 1:
            return self.kernel.backward(grad_output, saved, needs)
        return self.kernel.backward(grad_output, saved)

    @property
    def call(self) -> str:
        """Its arguments, for messages."""
        return ", ".join([*self.names, *(f"{name}={default!r}" for name, default in self.defaults.items())])

    @property
    def title(self) -> str:
        """The name that `grad_fn` shows."""
        return self.operation.name.title().replace("_", "")
