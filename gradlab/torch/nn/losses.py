"""Losses on torch.nn's modules: means over the batch."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from gradlab.torch.nn.doors import DOORS


class Loss(torch.nn.Module):
    """One operation of input and target whose parameters are the module's attributes of the same names."""

    operation: ClassVar[str]
    reduction: str

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar. Raises ValueError for a reduction or weights that are not derived."""
        only_means(self)
        door = DOORS[self.operation]
        return door(("input", "target"), input, target, **{name: getattr(self, name) for name in door.parameters})


def only_means(loss: torch.nn.Module) -> None:
    """Refuse settings of torch's losses that change what is computed and are not derived here."""
    if loss.reduction != "mean":
        raise ValueError(f"reduction={loss.reduction!r}; only 'mean' is derived: multiply the mean by the batch's size")
    for name in ("weight", "pos_weight"):
        if getattr(loss, name, None) is not None:
            raise ValueError(f"{type(loss).__name__} with {name} is not derived; use torch.nn's layer")


class MSELoss(Loss, torch.nn.MSELoss):
    """The mean of (input - target)²."""

    operation = "mse"


class L1Loss(Loss, torch.nn.L1Loss):
    """The mean of abs(input - target); the slope at 0 is 0."""

    operation = "l1"


class SmoothL1Loss(Loss, torch.nn.SmoothL1Loss):
    """The squared error below `beta`, the absolute error above."""

    operation = "smooth_l1"


class HuberLoss(Loss, torch.nn.HuberLoss):
    """The squared error below `delta`, the absolute error above."""

    operation = "huber"


class BCEWithLogitsLoss(Loss, torch.nn.BCEWithLogitsLoss):
    """Mean cross-entropy of sigmoid(input) against probabilities."""

    operation = "binary_cross_entropy_with_logits"


class CrossEntropyLoss(torch.nn.CrossEntropyLoss):
    """Mean cross-entropy of softmax(input), (N, C), against labels, (N,), or probabilities, (N, C)."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        only_means(self)
        if self.label_smoothing:
            raise ValueError("CrossEntropyLoss with label_smoothing is not derived; use torch.nn's layer")
        name = (
            "softmax_cross_entropy"
            if target.is_floating_point() and target.ndim > 1
            else "softmax_cross_entropy_labels"
        )
        return DOORS[name](("input", "target"), input, target)
