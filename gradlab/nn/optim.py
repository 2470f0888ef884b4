"""Optimisers with torch.optim's updates, to rounding."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Any, ClassVar

import numpy as np

from gradlab.errors import StateDictError
from gradlab.nn.module import Array, Parameter

# Long arrays are updated in parts, so that the temporaries of an update stay in the cache: 2**16 float32 are 256 KiB.
_PART = 2**16

State = dict[str, Array]


class Optimizer:
    """Updates parameters in place from their gradients; parameters without a gradient stay as they are.

    `slots` names the arrays that an optimiser keeps for each parameter, under torch.optim's names.
    Raises ValueError for no parameters or a setting out of range.
    """

    slots: tuple[str, ...] = ()

    def __init__(self, parameters: Iterable[Parameter], **settings: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("no parameters to optimise; pass network.parameters()")
        for name, value in settings.items():
            if not value >= 0:
                raise ValueError(f"{name}={value!r} is negative; give 0 or more")
        self.steps = [0 for _ in self.parameters]
        self.state: list[State] = [{} for _ in self.parameters]

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.module.grads.pop(parameter.name, None)

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for position, parameter in enumerate(self.parameters):
            grad, data = parameter.grad, parameter.data
            if grad is None:
                continue
            state = self.state[position]
            for name in self.slots:
                if name not in state:
                    state[name] = np.zeros(data.shape, data.dtype)
            self.steps[position] += 1
            for p, g, *kept in _parts([data, grad, *state.values()]):
                self.update(p, g, dict(zip(state, kept, strict=True)), self.steps[position])

    def update(self, p: Array, g: Array, state: State, step: int) -> None:
        """Change p and the state in place; `step` counts from 1."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """Copies of all that a run needs to go on: `{"steps": [...], "state": [{name: array}, ...]}`."""
        return {
            "steps": list(self.steps),
            "state": [{name: array.copy() for name, array in state.items()} for state in self.state],
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a `state_dict`; raises StateDictError for one of other parameters."""
        if len(saved["state"]) != len(self.parameters):
            raise StateDictError(
                f"{type(self).__name__}: state_dict is of {len(saved['state'])} parameters, these are "
                f"{len(self.parameters)}"
            )
        for state, parameter in zip(saved["state"], self.parameters, strict=True):
            for name, array in state.items():
                if name not in self.slots or np.shape(array) != parameter.data.shape:
                    raise StateDictError(
                        f"{type(self).__name__}: {name} of {parameter.name} is {np.shape(array)}, the parameter is "
                        f"{parameter.data.shape}; known names: {', '.join(self.slots) or 'none'}"
                    )
        self.steps = [int(step) for step in saved["steps"]]
        self.state = [{name: np.array(array) for name, array in state.items()} for state in saved["state"]]


def _parts(arrays: list[Array]) -> Iterator[list[Array]]:
    """Flat pieces of arrays of one shape, as views to write into; arrays that are not contiguous come whole."""
    if not all(array.flags.c_contiguous for array in arrays):
        yield arrays
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, _PART):
        yield [array[start : start + _PART] for array in flat]


class SGD(Optimizer):
    """p -= lr (g + weight_decay p), with momentum if asked for. Equivalent to torch.optim.SGD.

    >>> import numpy as np
    >>> from gradlab.nn import Linear
    >>> layer = Linear(1, 1, seed=0)
    >>> layer.weight[...], layer.bias[...] = 1.0, 0.0
    >>> layer.backward(layer(np.ones((1, 1), "float32"))), SGD(layer.parameters(), lr=0.5).step()
    (array([[1.]], dtype=float32), None)
    >>> layer.weight.item(), layer.bias.item()
    (0.5, -0.5)
    """

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(parameters, lr=lr, momentum=momentum, weight_decay=weight_decay)
        if nesterov and (momentum == 0 or dampening != 0):
            raise ValueError(f"nesterov with momentum={momentum} and dampening={dampening}; it needs momentum alone")
        self.lr, self.momentum, self.dampening = lr, momentum, dampening
        self.weight_decay, self.nesterov = weight_decay, nesterov
        self.slots = ("momentum_buffer",) if momentum else ()

    def update(self, p: Array, g: Array, state: State, step: int) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        if self.momentum:
            buffer = state["momentum_buffer"]
            if step == 1:
                buffer[...] = g
            else:
                buffer *= self.momentum
                buffer += (1 - self.dampening) * g
            g = g + self.momentum * buffer if self.nesterov else buffer
        p -= self.lr * g


class Adam(Optimizer):
    """Steps of about lr, by running means of g and g². Equivalent to torch.optim.Adam; weight decay is added to g."""

    slots = ("exp_avg", "exp_avg_sq")
    decoupled: ClassVar[bool] = False
    """Whether weight decay shrinks p itself, as AdamW's does."""

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, eps=eps, weight_decay=weight_decay)
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas={betas!r}; both lie in [0, 1)")
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay

    def update(self, p: Array, g: Array, state: State, step: int) -> None:
        beta, beta_sq = self.betas
        if self.decoupled:
            p *= 1 - self.lr * self.weight_decay
        elif self.weight_decay:
            g = g + self.weight_decay * p
        mean, mean_sq = state["exp_avg"], state["exp_avg_sq"]
        mean += (1 - beta) * (g - mean)
        mean_sq *= beta_sq
        mean_sq += (1 - beta_sq) * g * g
        below = np.sqrt(mean_sq)
        below /= sqrt(1 - beta_sq**step)
        below += self.eps
        p -= (self.lr / (1 - beta**step)) * (mean / below)


class AdamW(Adam):
    """Adam with decoupled weight decay. Equivalent to torch.optim.AdamW."""

    decoupled = True

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(parameters, lr, betas, eps, weight_decay)


class Adadelta(Optimizer):
    """Steps in units of the steps before. Equivalent to torch.optim.Adadelta."""

    slots = ("square_avg", "acc_delta")

    def __init__(
        self,
        parameters: Iterable[Parameter],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(parameters, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay)
        if rho > 1:
            raise ValueError(f"rho={rho!r}; it lies in [0, 1]")
        self.lr, self.rho, self.eps, self.weight_decay = lr, rho, eps, weight_decay

    def update(self, p: Array, g: Array, state: State, step: int) -> None:
        if self.weight_decay:
            g = g + self.weight_decay * p
        square, moved = state["square_avg"], state["acc_delta"]
        square *= self.rho
        square += (1 - self.rho) * g * g
        delta = np.sqrt(moved + self.eps) / np.sqrt(square + self.eps) * g
        moved *= self.rho
        moved += (1 - self.rho) * delta * delta
        p -= self.lr * delta
