"""Modules: what a layer and a network have in common. Names and shapes are those of torch.nn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.errors import StateDictError

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One trained array of a module: a handle that optimisers read and write."""

    module: Module
    name: str

    @property
    def data(self) -> Array:
        """The array itself; optimisers change it in place."""
        array: Array = self.module.params[self.name]
        return array

    @property
    def grad(self) -> Array | None:
        """The gradient that backward passes have added up, or None."""
        return self.module.grads.get(self.name)


class Module:
    """A layer or a network: `forward`, then `backward` with the gradient of the output.

    `params`, `grads` and `buffers` hold arrays by name, and `module.weight` is short for `module.params["weight"]`.
    Gradients add up, as torch's do, until `zero_grad`. Modules in attributes are children.
    """

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.training = True

    def forward(self, *inputs: Any) -> Any:
        """The output for these inputs; remembers what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} defines no forward")

    def backward(self, grad_output: Any) -> Any:
        """The gradient of the input (a tuple of them for several); adds the parameters' to `grads`."""
        raise NotImplementedError(f"{type(self).__name__} defines no backward")

    def __call__(self, *inputs: Any) -> Any:
        return self.forward(*inputs)

    def __getattr__(self, name: str) -> Any:
        # Only asked for names that are no attributes.
        for store in ("params", "buffers"):
            arrays = self.__dict__.get(store, {})
            if name in arrays:
                return arrays[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        for store in ("params", "buffers"):
            if name in self.__dict__.get(store, {}):
                self.__dict__[store][name] = value
                return
        super().__setattr__(name, value)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Module))

    def modules(self) -> Iterator[tuple[str, Module]]:
        """The module and all below it, each with the prefix of its names: "", "0.", "body.2."."""
        yield "", self
        for name, child in self.named_children():
            for prefix, module in child.modules():
                yield f"{name}.{prefix}", module

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every trained array with its name in the state_dict."""
        for prefix, module in self.modules():
            for name in module.params:
                yield prefix + name, Parameter(module, name)

    def parameters(self) -> list[Parameter]:
        """Every trained array, for an optimiser."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for _, module in self.modules():
            module.grads.clear()

    def train(self, mode: bool = True) -> Module:
        """Behave as in training: batch statistics, dropout. Returns the module itself."""
        for _, module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Module:
        """Behave as in evaluation: running statistics, no dropout. Returns the module itself."""
        return self.train(False)

    def state_dict(self) -> dict[str, Array]:
        """Copies of all arrays under torch.nn's names, so that a checkpoint stays what it was when taken."""
        return {name: store[key].copy() for name, store, key in self._entries()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy a state_dict into this module, in place: arrays, or torch tensors on the CPU.

        Raises StateDictError unless names and shapes are exactly this module's; nothing is copied in that case.
        """
        own = {name: (store, key) for name, store, key in self._entries()}
        arrays = {name: np.asarray(value) for name, value in state.items()}
        complaints = [f"missing: {name}" for name in own if name not in arrays]
        complaints += [f"unknown: {name}" for name in arrays if name not in own]
        complaints += [
            f"{name} is {arrays[name].shape}, the module's is {store[key].shape}"
            for name, (store, key) in own.items()
            if name in arrays and arrays[name].shape != store[key].shape
        ]
        if complaints:
            raise StateDictError(f"{type(self).__name__}: state_dict does not fit: {'; '.join(complaints)}")
        for name, (store, key) in own.items():
            store[key][...] = arrays[name]

    def _entries(self) -> Iterator[tuple[str, dict[str, Array], str]]:
        for prefix, module in self.modules():
            for store in (module.params, module.buffers):
                for key in store:
                    yield prefix + key, store, key


class Sequential(Module):
    """Modules one after the other, named "0", "1", … as in torch.nn.

    >>> import gradlab.nn as nn
    >>> network = nn.Sequential(nn.Linear(4, 3, seed=0), nn.ReLU(), nn.Linear(3, 2, seed=1))
    >>> sorted(network.state_dict())
    ['0.bias', '0.weight', '2.bias', '2.weight']
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__()
        self.layers = list(modules)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((str(position), module) for position, module in enumerate(self.layers))

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, position: int) -> Module:
        return self.layers[position]

    def forward(self, *inputs: Any) -> Any:
        output: Any = inputs
        for position, layer in enumerate(self.layers):
            output = layer.forward(*output) if position == 0 else layer.forward(output)
        return output if self.layers else inputs[0]

    def backward(self, grad_output: Any, *, retain: bool = False, input_gradient: bool = True) -> Any:
        """The gradient of the input; with `input_gradient=False` it is None, which saves its computation.

        With `retain=True` the layers keep what they remember, for a further backward.
        """
        for position, layer in reversed(list(enumerate(self.layers))):
            wanted = {} if position or input_gradient else {"input_gradient": False}
            grad_output = layer.backward(grad_output, **({"retain": True} if retain else {}), **wanted)
        return grad_output
