"""Cross-entropy against labels that are not quite certain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class SmoothedCrossEntropy(torch.nn.Module):
    """A package's cross-entropy with 1 - `smoothing` on the right class and the rest spread over all classes.

    Equivalent to torch.nn.CrossEntropyLoss(label_smoothing=smoothing), by way of probabilities as targets, which every
    package's cross-entropy takes.

    >>> logits, labels = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0])
    >>> smoothed = SmoothedCrossEntropy(torch.nn.CrossEntropyLoss(), 0.2)
    >>> torch.allclose(smoothed(logits, labels), torch.nn.CrossEntropyLoss(label_smoothing=0.2)(logits, labels))
    True
    """

    def __init__(self, loss: Any, smoothing: float) -> None:
        super().__init__()
        self.loss, self.smoothing = loss, smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[-1]
        target = torch.full_like(logits, self.smoothing / classes)
        target.scatter_add_(1, labels[:, None], torch.full_like(logits[:, :1], 1 - self.smoothing))
        loss: Tensor = self.loss(logits, target)
        return loss
