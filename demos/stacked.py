"""Many multilayer perceptrons of one shape, trained at once on gradlab's derived operations.

Parameters have one more axis in front, the model's. The first layer sees the same images for all models, so it is one
linear layer with all their units; the layers behind it are batched matrix products. Every model has its own optimizer
of torch.optim on views of the stacked parameters: its update is the one that it would have alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

import gradlab.torch.nn
from demos.batches import Batches
from demos.cifar10 import Cifar10, Split
from demos.grid_plan import Run, Stack
from demos.networks import PIXELS, mlp
from demos.preprocessing import mean_image
from gradlab.torch.function import differentiable

_linear, _matmul, _add, _relu = (differentiable(name) for name in ("linear", "matmul", "add", "relu"))
_cross_entropy = differentiable("softmax_cross_entropy_labels")
_OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adadelta": torch.optim.Adadelta}
_BLOCK = 1000


@dataclass(frozen=True, slots=True)
class Point:
    """Test loss and accuracy after a step; the loss of a run that diverged is not finite."""

    step: int
    loss: float
    accuracy: float


class StackedMLP:
    """One network for each (optimizer, learning rate) in `models`, all from the same initial values.

    >>> stacked = StackedMLP((5,), [("sgd", 0.1), ("adam", 0.01)], seed=0, features=3)
    >>> stacked(torch.ones(4, 3)).shape
    torch.Size([2, 4, 10])
    """

    def __init__(
        self,
        hidden: Sequence[int],
        models: Sequence[tuple[str, float]],
        *,
        seed: int,
        features: int = PIXELS,
        device: str = "cpu",
    ) -> None:
        torch.manual_seed(seed)
        network = torch.nn.Sequential(*mlp(gradlab.torch.nn, hidden, features=features))
        self.count = len(models)
        self.parameters = [
            parameter.detach().to(device).expand(self.count, *parameter.shape).clone().requires_grad_()
            for parameter in network.parameters()
        ]
        self._views = [[p.detach()[k].requires_grad_() for p in self.parameters] for k in range(self.count)]
        self._optimizers = [
            _OPTIMIZERS[name](views, lr=lr) for (name, lr), views in zip(models, self._views, strict=True)
        ]

    def __call__(self, images: Tensor) -> Tensor:
        """Logits (models, N, 10) of images (N, features)."""
        weight, bias = self.parameters[:2]
        every = _linear(images, weight.reshape(-1, weight.shape[-1]), bias.reshape(-1))
        hidden = every.reshape(len(images), self.count, -1).transpose(0, 1)
        for weight, bias in zip(self.parameters[2::2], self.parameters[3::2], strict=True):
            hidden = _add(_matmul(_relu(hidden), weight.mT), bias[:, None])
        return hidden

    def step(self, images: Tensor, labels: Tensor) -> None:
        """One update of every model on the same batch."""
        logits = self(images)
        # The mean over all models' examples, times the models: the sum of each model's own mean.
        loss = self.count * _cross_entropy(logits.reshape(-1, logits.shape[-1]), labels.repeat(self.count))
        gradients = torch.autograd.grad(loss, self.parameters)
        for k, (views, optimizer) in enumerate(zip(self._views, self._optimizers, strict=True)):
            for view, gradient in zip(views, gradients, strict=True):
                view.grad = gradient[k]
            optimizer.step()

    @torch.no_grad()
    def evaluate(self, images: Callable[[int, int], Tensor], labels: Tensor) -> list[tuple[float, float]]:
        """Loss and accuracy of each model; `images(start, stop)` gives a block of inputs."""
        loss = torch.zeros(self.count, device=labels.device)
        right = torch.zeros(self.count, device=labels.device)
        for start in range(0, len(labels), _BLOCK):
            some = labels[start : start + _BLOCK]
            logits = self(images(start, start + len(some)))
            loss += torch.stack([_cross_entropy(one, some) for one in logits]) * len(some)
            right += (logits.argmax(dim=-1) == some).sum(dim=-1)
        return list(zip((loss / len(labels)).tolist(), (right / len(labels)).tolist(), strict=True))


def train(
    stack: Stack,
    data: Cifar10,
    *,
    seed: int,
    eval_every: int,
    device: str = "cpu",
    progress: Callable[[int], None] = lambda step: None,
) -> dict[Run, list[Point]]:
    """Every run's evaluations. `progress` is told each step; what it raises stops the training.

    A run of 1,500 steps is the first half of the run of 3,000 that equals it otherwise: initial values and batches are
    functions of seed and step, and the learning rate is constant. Both are read off one training.
    """
    first = stack.runs[0]
    models = StackedMLP(first.hidden, stack.models, seed=seed, device=device)
    preprocess = mean_image(data.train.images).on(device)
    pixels, labels = _moved(data.train, device)
    test_pixels, test_labels = _moved(data.test, device)

    def inputs(some: Tensor) -> Tensor:
        found: Tensor = preprocess(some).reshape(len(some), -1)
        return found

    batches = Batches(len(data.train), first.batch, seed)
    ends = {run.steps for run in stack.runs}
    curves: list[list[Point]] = [[] for _ in stack.models]
    for step in range(stack.steps):
        index = torch.from_numpy(batches.indices(step)).to(device)
        models.step(inputs(pixels[index]), labels[index])
        progress(step + 1)
        if (step + 1) % eval_every == 0 or step + 1 in ends:
            scores = models.evaluate(lambda start, stop: inputs(test_pixels[start:stop]), test_labels)
            for curve, (loss, accuracy) in zip(curves, scores, strict=True):
                curve.append(Point(step + 1, loss, accuracy))
    by_model = dict(zip(stack.models, curves, strict=True))
    return {run: [p for p in by_model[run.optimizer, run.lr] if p.step <= run.steps] for run in stack.runs}


def _moved(split: Split, device: str) -> tuple[Tensor, Tensor]:
    """Copies: torch has no read-only tensors, and the cache is mapped read-only."""
    return torch.tensor(split.images, device=device), torch.tensor(split.labels, device=device)
