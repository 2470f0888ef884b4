"""Losses on torch.nn's modules: the mean, the sum, or entry by entry."""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor

from gradlab.kernels.losses import check_places, check_reduction, check_smoothing, classes_of
from gradlab.torch.nn.doors import DOORS


class Loss(torch.nn.Module):
    """One operation of input and target whose parameters are the module's attributes of the same names."""

    operation: ClassVar[str]
    reduction: str

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss. Raises ValueError for a `reduction` other than "mean", "sum" and "none"."""
        return self.loss(self.operation, input, target)

    def loss(self, operation: str, input: Tensor, target: Tensor) -> Tensor:
        """The loss of an operation that gives the mean, and beside which there is one that gives each."""
        name = operation if check_reduction(self.reduction) == "mean" else f"{operation}_each"
        door = DOORS[name]
        settings = {name: getattr(self, name) for name in door.parameters}
        return reduced(door(("input", "target"), input, target, **settings), self.reduction)


def reduced(each: Tensor, reduction: str) -> Tensor:
    """The mean or the sum of losses, by derived operations; a single loss is what it is."""
    if reduction == "none" or not each.ndim:
        return each
    return DOORS[reduction](("loss",), each, axis=tuple(range(each.ndim)))


class MSELoss(Loss, torch.nn.MSELoss):
    """(input - target)²."""

    operation = "mse"


class L1Loss(Loss, torch.nn.L1Loss):
    """abs(input - target); the slope at 0 is 0."""

    operation = "l1"


class SmoothL1Loss(Loss, torch.nn.SmoothL1Loss):
    """The squared error below `beta`, the absolute error above; with a beta of 0 the latter alone."""

    operation = "smooth_l1"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return self.loss(self.operation if self.beta else "l1", input, target)


class HuberLoss(Loss, torch.nn.HuberLoss):
    """The squared error below `delta`, the absolute error above."""

    operation = "huber"


class BCEWithLogitsLoss(Loss, torch.nn.BCEWithLogitsLoss):
    """Cross-entropy of sigmoid(input) against probabilities; `weight` and `pos_weight` broadcast to the input."""

    operation = "binary_cross_entropy_with_logits"

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        if self.weight is None and self.pos_weight is None:
            return self.loss(self.operation, input, target)
        one = input.new_ones(())
        weights = ((one if weight is None else weight).expand(input.shape) for weight in (self.weight, self.pos_weight))
        names = ("input", "target", "weight", "pos_weight")
        return reduced(DOORS["weighted_binary_cross_entropy_each"](names, input, target, *weights), self.reduction)


class NLLLoss(torch.nn.NLLLoss):
    """Negative log-likelihood of labels, (N, …), from log-probabilities, (N, C, …)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        name = "nll_weighted" if check_reduction(self.reduction) == "mean" else "nll_weighted_each"
        return _weighted(self, name, input, *_labelled(self, input, target), {})


class CrossEntropyLoss(torch.nn.CrossEntropyLoss):
    """Cross-entropy of softmax(input), (N, C, …), against labels, (N, …), or probabilities, (N, C, …)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        settings: dict[str, Any] = {"label_smoothing": check_smoothing(self.label_smoothing)}
        mean = check_reduction(self.reduction) == "mean"
        if target.is_floating_point() and target.shape == input.shape and input.ndim:
            weight = _weight(self, input)
            shown = [tuple(input.shape), tuple(target.shape), tuple(weight.shape)]
            door = DOORS["softmax_cross_entropy_soft_each"]
            return _placed(self, door(_NAMES[:3], _rows(input), _rows(target), weight, shown=shown, **settings), input)
        label, keep = _labelled(self, input, target)
        if mean and self.weight is None and not self.label_smoothing:
            names, shown = (*_NAMES[:2], "keep"), [tuple(input.shape), tuple(target.shape), tuple(keep.shape)]
            if _all_count(keep):
                return DOORS["softmax_cross_entropy_labels"](names[:2], _rows(input), label, shown=shown[:2])
            given = _rows(input), _masked(label, keep), keep
            return DOORS["softmax_cross_entropy_kept"](names, *given, shown=shown)
        name = "softmax_cross_entropy_weighted" if mean else "softmax_cross_entropy_weighted_each"
        return _weighted(self, name, input, label, keep, settings)


_NAMES = ("input", "target", "weight", "keep")


def _labelled(loss: Any, input: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The labels of all places as one axis, and which of them count."""
    check_places(type(loss).__name__, tuple(input.shape), tuple(target.shape))
    label = target if target.ndim == 1 else target.reshape(-1)
    return label, label != loss.ignore_index


def _weighted(loss: Any, name: str, input: Tensor, label: Tensor, keep: Tensor, settings: dict[str, Any]) -> Tensor:
    """A kernel of rows, labels, the weights of the classes and the labels that count."""
    weight = _weight(loss, input)
    shown = [tuple(input.shape), tuple(label.shape), tuple(weight.shape), tuple(keep.shape)]
    given = _rows(input), _masked(label, keep), weight, keep
    return _placed(loss, DOORS[name](_NAMES, *given, shown=shown, **settings), input)


def _masked(label: Tensor, keep: Tensor) -> Tensor:
    """Labels that can all be looked up: 0 for those that do not count."""
    return label.where(keep, label.new_zeros(()))


def _all_count(keep: Tensor) -> bool:
    """Whether no label is left out, where that can be looked up at no cost; False does for any labels."""
    if keep.device.type != "cpu" or torch.compiler.is_compiling() or torch._C._are_functorch_transforms_active():
        return False
    return bool(keep.all())


def _weight(loss: Any, input: Tensor) -> Tensor:
    if loss.weight is not None:
        weight: Tensor = loss.weight
        return weight
    return input.new_ones(()).expand(classes_of(tuple(input.shape)))


def _rows(x: Tensor) -> Tensor:
    """Classes last, all other axes as one."""
    if x.ndim > 2:
        x = x.movedim(1, -1)
        return x.reshape(x.shape[:-1].numel(), x.shape[-1])
    return x[None] if x.ndim == 1 else x


def _placed(loss: Any, output: Tensor, input: Tensor) -> Tensor:
    """The mean or the sum of the losses of rows, or each where it came from."""
    places = (*input.shape[:1], *input.shape[2:]) if input.ndim > 1 else ()
    return output.reshape(places) if loss.reduction == "none" else reduced(output, loss.reduction)
