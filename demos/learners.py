"""A network with its optimiser: what the training loop drives, in NumPy and in torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import gradlab.nn
from demos.preprocessing import Preprocessing

Array = NDArray[Any]

BLOCK = 1000
"""Images evaluated at once."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Mean loss and share of right answers; on a GPU still being computed, until `float` waits for them."""

    loss: Any
    accuracy: Any


class Learner(Protocol):
    """Images are uint8 (N, 3, 32, 32), labels int64 (N,); `state` is all that a run needs to go on, as flat arrays."""

    def step(self, images: Array, labels: Array, step: int) -> Scores: ...

    def evaluate(self, images: Array, labels: Array) -> Scores: ...

    def state(self) -> dict[str, Array]: ...

    def load(self, state: Mapping[str, Array]) -> None: ...


def _blocks(images: Array, labels: Array) -> Iterator[tuple[Array, Array]]:
    for start in range(0, len(labels), BLOCK):
        yield images[start : start + BLOCK], labels[start : start + BLOCK]


def _mean(scores: list[tuple[int, Scores]]) -> Scores:
    count = sum(size for size, _ in scores)
    return Scores(
        sum(size * float(score.loss) for size, score in scores) / count,
        sum(size * float(score.accuracy) for size, score in scores) / count,
    )


def seed_dropout(network: gradlab.nn.Sequential, seed: int, step: int) -> None:
    """Let the dropouts of a network draw what is a step's own, so that a resumed run draws it too."""
    generator = np.random.default_rng((seed, step))
    for _, module in network.modules():
        if isinstance(module, gradlab.nn.Dropout):
            module.generator = generator


@dataclass
class NumpyLearner:
    """gradlab.nn: forward, the derived backward, and an optimiser of gradlab.nn. `shape` is that of one input.

    What dropout drops is a function of seed and step.
    """

    network: gradlab.nn.Sequential
    optimizer: Any
    preprocess: Preprocessing
    shape: tuple[int, ...]
    loss: Any = field(default_factory=gradlab.nn.CrossEntropyLoss)
    seed: int = 0

    def inputs(self, images: Array) -> Array:
        """What the network sees of these images: float32 of `shape`."""
        return self.preprocess(images).reshape(len(images), *self.shape)

    def step(self, images: Array, labels: Array, step: int) -> Scores:
        self.network.train()
        self.network.zero_grad()
        seed_dropout(self.network, self.seed, step)
        logits = self.network(self.inputs(images))
        loss = self.loss(logits, labels)
        self.network.backward(self.loss.backward(), input_gradient=False)
        self.optimizer.step()
        return Scores(loss, (logits.argmax(axis=1) == labels).mean())

    def evaluate(self, images: Array, labels: Array) -> Scores:
        self.network.eval()
        scores = []
        for some, right in _blocks(images, labels):
            logits = self.network(self.inputs(some))
            scores.append((len(right), Scores(self.loss(logits, right), (logits.argmax(axis=1) == right).mean())))
        return _mean(scores)

    def state(self) -> dict[str, Array]:
        found = {f"network.{name}": array for name, array in self.network.state_dict().items()}
        saved = self.optimizer.state_dict()
        found["optimizer.steps"] = np.array(saved["steps"])
        for position, arrays in enumerate(saved["state"]):
            found |= {f"optimizer.{position}.{name}": array for name, array in arrays.items()}
        return found

    def load(self, state: Mapping[str, Array]) -> None:
        self.network.load_state_dict(_below(state, "network."))
        kept: list[dict[str, Array]] = [{} for _ in self.optimizer.parameters]
        for name, array in _below(state, "optimizer.").items():
            if name != "steps":
                position, slot = name.split(".", 1)
                kept[int(position)][slot] = array
        self.optimizer.load_state_dict({"steps": state["optimizer.steps"].tolist(), "state": kept})


def _below(state: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


class TorchLearner:
    """A torch network and a torch optimiser. All randomness of a step, dropout and augmentation, is a function of it.

    `rate` gives the learning rate as a multiple of the optimiser's own for a step; `augment` changes uint8 images on
    the device; `autocast` is a dtype for mixed precision, or None; `wrapped` is the network as it is called, compiled
    or distributed.
    """

    def __init__(
        self,
        network: Any,
        optimizer: Any,
        preprocess: Preprocessing,
        shape: tuple[int, ...],
        loss: Any,
        *,
        device: str = "cpu",
        seed: int = 0,
        rate: Callable[[int], float] | None = None,
        augment: Callable[[Any], Any] | None = None,
        autocast: Any = None,
        wrapped: Any = None,
    ) -> None:
        self.network, self.optimizer, self.shape, self.loss = network, optimizer, shape, loss
        self.preprocess = preprocess.on(device)
        self.device, self.seed, self.rate, self.augment, self.autocast = device, seed, rate, augment, autocast
        self.called = network if wrapped is None else wrapped
        self.base = [group["lr"] for group in optimizer.param_groups]

    def inputs(self, images: Any) -> Any:
        """What the network sees of these images: float32 of `shape`, on the device."""
        return self.preprocess(images).reshape(len(images), *self.shape)

    def batch(self, images: Array, labels: Array, step: int) -> tuple[Any, Any]:
        """What a step trains on, on the device: the images as augmented for it, uint8, and the labels. Seeds torch."""
        import torch

        torch.manual_seed((self.seed << 32) + step)
        pixels, right = self._moved(images, labels)
        return (self.augment(pixels) if self.augment else pixels), right

    def step(self, images: Array, labels: Array, step: int) -> Scores:
        self.network.train()
        pixels, right = self.batch(images, labels, step)
        if self.rate:
            for group, base in zip(self.optimizer.param_groups, self.base, strict=True):
                group["lr"] = base * self.rate(step)
        self.optimizer.zero_grad(set_to_none=True)
        logits, loss = self._answers(pixels, right)
        loss.backward()
        self.optimizer.step()
        return Scores(loss.detach(), (logits.detach().argmax(dim=1) == right).float().mean())

    def evaluate(self, images: Array, labels: Array) -> Scores:
        import torch

        self.network.eval()
        scores = []
        with torch.no_grad():
            for some, of_some in _blocks(images, labels):
                pixels, right = self._moved(some, of_some)
                logits, loss = self._answers(pixels, right)
                scores.append((len(right), Scores(loss, (logits.argmax(dim=1) == right).float().mean())))
        return _mean(scores)

    def state(self) -> dict[str, Array]:
        found = {f"network.{name}": _array(tensor) for name, tensor in self.network.state_dict().items()}
        for position, slots in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer.{position}.{name}": _array(t) for name, t in slots.items() if t is not None}
        return found

    def load(self, state: Mapping[str, Array]) -> None:
        import torch

        self.network.load_state_dict({k: torch.from_numpy(v) for k, v in _below(state, "network.").items()})
        slots: dict[int, dict[str, Any]] = {}
        for name, array in _below(state, "optimizer.").items():
            position, slot = name.split(".", 1)
            slots.setdefault(int(position), {})[slot] = torch.from_numpy(array)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": slots, "param_groups": groups})

    def _moved(self, images: Array, labels: Array) -> tuple[Any, Any]:
        import torch

        # A copy: torch has no read-only tensors, and the cache is mapped read-only.
        pixels, right = torch.from_numpy(np.array(images)), torch.from_numpy(np.array(labels))
        return pixels.to(self.device, non_blocking=True), right.to(self.device, non_blocking=True)

    def _answers(self, pixels: Any, right: Any) -> tuple[Any, Any]:
        import torch

        inputs = self.inputs(pixels)
        with torch.autocast(self.device.split(":")[0], dtype=self.autocast, enabled=self.autocast is not None):
            logits = self.called(inputs)
        logits = logits.float()
        return logits, self.loss(logits, right)


def _array(tensor: Any) -> Array:
    array: Array = tensor.detach().cpu().numpy()
    return np.array(array)
