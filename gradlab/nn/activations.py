"""Activations: layers without arrays of their own, each one kernel with its keyword parameters."""

from __future__ import annotations

from typing import Any

from gradlab import registry
from gradlab.nn.layer import Layer


class Function(Layer):
    """One kernel and the values of its parameters, given in the kernel's order or by name.

    Raises TypeError for parameters that the kernel does not have.
    """

    def __init__(self, *values: float, **named: float) -> None:
        super().__init__()
        known = [parameter.name for parameter in registry.operation(self.operation).parameters]
        given = dict(zip(known, values, strict=False)) | named
        if len(values) > len(known) or not given.keys() <= set(known) or len(given) < len(values) + len(named):
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(known) or 'no parameters'}; got {(*values, *named)}"
            )
        self.values = given

    def settings(self) -> dict[str, Any]:
        return self.values


class ReLU(Function):
    """max(input, 0); the slope at 0 is 0. Equivalent to torch.nn.ReLU."""

    operation = "relu"


class Softmax(Layer):
    """Positive entries that sum to 1 over the last axis. Equivalent to torch.nn.Softmax(dim=-1)."""

    operation = "softmax"

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        if dim != -1:
            raise ValueError(f"dim={dim!r}; softmax runs over the last axis: move that axis to the end")
