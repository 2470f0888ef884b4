"""A network at one moment, apart from its training: the gradient it is trained with, and its loss beside that point.

Nothing here changes the learner: running statistics and random generators are those of copies. What dropout drops is
drawn once, as the coming step will draw it, and replayed in every run of the copies. Where training multiplies in
bfloat16, the gradient here is still that of float32: bfloat16's rounding would hide all errors but the largest.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import gradlab.nn
from demos.learners import NumpyLearner, TorchLearner, seed_dropout

Arrays = Mapping[str, NDArray[Any]]
"""Float64 arrays under the names of parameters."""

_ULPS = 2.0
"""Size of the changes that stand for rounding, in units of the precision of training."""

_TF32 = 2.0**-10
"""Spacing at 1 of the numbers that a GPU multiplies when TF32 is allowed."""


class Copies(Protocol):
    """`gradient` is that of training, in float32; `loss` is that of a float64 copy.

    Given a generator, `gradient` is that of the same network with inputs and parameters changed in their last digits,
    which draws all roundings anew. `loss` moves the parameters of one layer, the number of a module in the network.
    """

    def parameters(self) -> Arrays: ...

    def gradient(self, rng: np.random.Generator | None = None) -> Arrays: ...

    def loss(self, layer: int, shifted: Arrays) -> float: ...


def copies(learner: NumpyLearner | TorchLearner, images: NDArray[Any], labels: NDArray[Any], step: int) -> Copies:
    """Copies of a learner's network, a sequence of modules, with the batch of a step."""
    kind = _NumpyCopies if isinstance(learner, NumpyLearner) else _TorchCopies
    return kind(learner, images, labels, step)  # type: ignore[arg-type]


class _Replay:
    """Stands for the generator of a dropout: the numbers of the first draw, again and again."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._drawn: NDArray[Any] | None = None

    def random(self, shape: tuple[int, ...]) -> NDArray[Any]:
        if self._drawn is None:
            self._drawn = self._generator.random(shape)
        return self._drawn


class _NumpyCopies:
    def __init__(self, learner: NumpyLearner, images: NDArray[Any], labels: NDArray[Any], step: int) -> None:
        self._single, self._inputs, self._labels = copy.deepcopy(learner.network), learner.inputs(images), labels
        self._loss = copy.deepcopy(learner.loss)
        self._single.train()
        seed_dropout(self._single, learner.seed, step)
        for _, module in self._single.modules():
            if isinstance(module, gradlab.nn.Dropout):
                module.generator = _Replay(module.generator)  # type: ignore[assignment]
        self._single(self._inputs)
        self._double = copy.deepcopy(self._single)
        for _, module in self._double.modules():
            for store in (module.params, module.buffers):
                for name, array in store.items():
                    store[name] = array.astype(np.float64) if array.dtype.kind == "f" else array
        self._before = [self._inputs.astype(np.float64)]
        for module in self._double:
            self._before.append(module(self._before[-1]))

    def parameters(self) -> Arrays:
        return {name: p.data.astype(np.float64) for name, p in self._single.named_parameters()}

    def gradient(self, rng: np.random.Generator | None = None) -> Arrays:
        network, inputs = self._single, self._inputs
        if rng is not None:
            network, inputs = copy.deepcopy(network), _rounded(inputs, rng)
            for _, parameter in network.named_parameters():
                parameter.data[...] = _rounded(parameter.data, rng)
        network.zero_grad()
        self._loss(network(inputs), self._labels)
        network.backward(self._loss.backward(), input_gradient=False)
        return {
            name: np.zeros(p.data.shape) if p.grad is None else p.grad.astype(np.float64)
            for name, p in network.named_parameters()
        }

    def loss(self, layer: int, shifted: Arrays) -> float:
        own = dict(self._double.named_parameters())
        kept = {name: own[name].data.copy() for name in shifted}
        _put(lambda name, array: own[name].data.__setitem__(..., array), shifted)
        output = self._before[layer]
        for module in list(self._double)[layer:]:
            output = module(output)
        _put(lambda name, array: own[name].data.__setitem__(..., array), kept)
        return float(self._loss(output, self._labels))


def _put(write: Callable[[str, NDArray[Any]], None], arrays: Arrays) -> None:
    for name, array in arrays.items():
        write(name, array)


def _rounded(array: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    eps = float(np.finfo(array.dtype).eps)
    return (array * (1 + _ULPS * eps * rng.uniform(-1, 1, array.shape))).astype(array.dtype)


class _TorchCopies:
    def __init__(self, learner: TorchLearner, images: NDArray[Any], labels: NDArray[Any], step: int) -> None:
        import torch

        self._batch = partial(learner.batch, images, labels, step)
        pixels, self._labels = self._batch()
        self._inputs, self._loss = learner.inputs(pixels), learner.loss
        self._single = copy.deepcopy(learner.network).train()
        self._double = copy.deepcopy(learner.network).double().train()
        kept = _dropped(self._single)
        self._run(self._single, self._inputs)
        _drop(self._double, kept)
        self._before = [self._inputs.double()]
        with torch.no_grad():
            for module in self._double:
                self._before.append(module(self._before[-1]))

    def parameters(self) -> Arrays:
        return {name: _float64(p) for name, p in self._single.named_parameters() if p.requires_grad}

    def gradient(self, rng: np.random.Generator | None = None) -> Arrays:
        import torch

        network, inputs = self._single, self._inputs
        if rng is not None:
            network = copy.deepcopy(network)
            eps = _ULPS * self._eps()
            with torch.no_grad():
                inputs = _shaken(inputs, eps, rng)
                for parameter in network.parameters():
                    parameter.copy_(_shaken(parameter, eps, rng))
        network.zero_grad(set_to_none=True)
        self._run(network, inputs).backward()
        return {
            name: np.zeros(tuple(p.shape)) if p.grad is None else _float64(p.grad)
            for name, p in network.named_parameters()
            if p.requires_grad
        }

    def _run(self, network: Any, inputs: Any) -> Any:
        self._batch()  # seeds torch as the step does, so that dropout draws the same
        return self._loss(network(inputs), self._labels)

    def _eps(self) -> float:
        """Spacing at 1 of what the products of training are rounded to."""
        import torch

        backends = torch.backends
        if self._inputs.is_cuda and (backends.cudnn.allow_tf32 or backends.cuda.matmul.allow_tf32):
            return _TF32
        return float(torch.finfo(torch.float32).eps)

    def loss(self, layer: int, shifted: Arrays) -> float:
        import torch

        own = dict(self._double.named_parameters())
        kept = {name: own[name].detach().clone() for name in shifted}
        with torch.no_grad():
            _put(lambda name, array: own[name].copy_(torch.from_numpy(array)), shifted)
            output = self._before[layer]
            for module in list(self._double)[layer:]:
                output = module(output)
            _put(lambda name, array: own[name].copy_(array), kept)
            return float(self._loss(output, self._labels))


def _float64(tensor: Any) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().double().cpu().numpy()
    return np.array(array)


def _shaken(tensor: Any, eps: float, rng: np.random.Generator) -> Any:
    import torch

    generator = torch.Generator(tensor.device).manual_seed(int(rng.integers(1 << 62)))
    factor = torch.rand(tensor.shape, generator=generator, device=tensor.device, dtype=tensor.dtype)
    return tensor * (1 + eps * (2 * factor - 1))


def _dropped(network: Any) -> dict[str, Any]:
    """Filled by the first run of the network: what each dropout keeps. A zero stays one, kept or not."""
    found: dict[str, Any] = {}
    for name, module in _dropouts(network):

        def note(module: Any, inputs: Any, output: Any, name: str = name) -> None:
            found.setdefault(name, (output != 0) | (inputs[0] == 0))

        module.register_forward_hook(note)
    return found


def _drop(network: Any, kept: Mapping[str, Any]) -> None:
    """Let every dropout of a network keep what was kept before: other dtypes draw other numbers."""
    for name, module in _dropouts(network):

        def replay(module: Any, inputs: Any, output: Any, name: str = name) -> Any:
            return inputs[0] * kept[name] / (1 - module.p)

        module.register_forward_hook(replay)


def _dropouts(network: Any) -> list[tuple[str, Any]]:
    import torch

    return [(name, module) for name, module in network.named_modules() if isinstance(module, torch.nn.Dropout)]
