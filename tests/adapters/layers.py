"""Layers in the style of courses: right ones, and ones with a planted fault of their state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


class Linear:
    """Dictionaries of parameters and gradients; right."""

    def __init__(self) -> None:
        self.params: dict[str, Any] = {"weight": np.zeros((2, 3)), "bias": np.zeros(2)}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Array) -> Array:
        self.cache = x
        return np.asarray(x @ self.params["weight"].T + self.params["bias"])

    def backward(self, grad_output: Array) -> Array:
        self.grads["weight"] = grad_output.T @ self.cache
        self.grads["bias"] = grad_output.sum(axis=0)
        return np.asarray(grad_output @ self.params["weight"])


class Accumulating(Linear):
    """Adds up gradients from call to call, and nobody resets them."""

    def backward(self, grad_output: Array) -> Array:
        before = dict(self.grads)
        grad = super().backward(grad_output)
        for name, value in before.items():
            self.grads[name] = self.grads[name] + value
        return grad


class Resettable(Accumulating):
    """Adds up, and has a zero_grad; right."""

    def zero_grad(self) -> None:
        self.grads.clear()


class StaleGrads(Linear):
    """Keeps the first gradients that it ever computed."""

    def backward(self, grad_output: Array) -> Array:
        before = dict(self.grads)
        grad = super().backward(grad_output)
        self.grads.update(before)
        return grad


class StaleCache(Linear):
    """Remembers the first input that it ever saw."""

    def forward(self, x: Array) -> Array:
        first = getattr(self, "first", None)
        output = super().forward(x)
        self.first = self.cache if first is None else first
        self.cache = self.first
        return output


class Frozen(Linear):
    """Never stores the gradient of its bias."""

    def backward(self, grad_output: Array) -> Array:
        grad = super().backward(grad_output)
        del self.grads["bias"]
        return grad


class EditsCache(Linear):
    """Spoils what forward stored."""

    def forward(self, x: Array) -> Array:
        output = super().forward(x)
        self.cache = np.array(x)
        return output

    def backward(self, grad_output: Array) -> Array:
        grad = super().backward(grad_output)
        self.cache *= 2
        return grad


class DoubledBias(Linear):
    """Twice the gradient of the bias."""

    def backward(self, grad_output: Array) -> Array:
        grad = super().backward(grad_output)
        self.grads["bias"] = 2 * self.grads["bias"]
        return grad


class Scale:
    """Attributes instead of dictionaries, `dfactor` for the gradient; right."""

    def __init__(self) -> None:
        self.factor = np.ones(3)

    def forward(self, x: Array) -> Array:
        self.x = x
        return self.factor * x

    def backward(self, grad_output: Array) -> Array:
        self.dfactor = (grad_output * self.x).sum(axis=0)
        return grad_output * self.factor


class OddlyNamed(Scale):
    """The same, with a name for the gradient that nobody would guess."""

    def backward(self, grad_output: Array) -> Array:
        grad = super().backward(grad_output)
        self.delta = self.dfactor
        del self.dfactor
        return grad


class Relu:
    """No parameters; right."""

    def forward(self, x: Array) -> Array:
        self.mask = x > 0
        return x * self.mask

    def backward(self, grad_output: Array) -> Array:
        return grad_output * self.mask


class Add:
    """Two inputs and a keyword; right."""

    def forward(self, a: Array, b: Array, *, factor: float = 1.0) -> Array:
        self.factor = factor
        return a + factor * b

    def backward(self, grad_output: Array) -> tuple[Array, Array]:
        return grad_output.copy(), self.factor * grad_output
