"""Flips and shifts of whole batches, each image by a draw of its own, from torch's seeded generator."""

from __future__ import annotations

from typing import Any

import torch
from torchvision.transforms import v2


class RandomShift(v2.Transform):
    """Each image of a batch (N, C, H, W) is moved by up to `pixels` along both axes; zeros come in.

    v2.RandomCrop with padding draws one place for a whole batch; this draws one for each image.

    >>> RandomShift(4)(torch.zeros(5, 3, 32, 32, dtype=torch.uint8)).shape
    torch.Size([5, 3, 32, 32])
    """

    def __init__(self, pixels: int) -> None:
        super().__init__()
        self.pixels = pixels

    def forward(self, *inputs: Any) -> Any:
        (images,) = inputs
        count, _, height, width = images.shape
        padded = v2.functional.pad(images, [self.pixels])
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)
        rows, columns = torch.randint(0, 2 * self.pixels + 1, (2, count, 1), device=images.device)
        every, channels = torch.arange(count, device=images.device)[:, None], torch.arange(images.shape[1])
        return windows[every, channels.to(images.device), rows, columns]


class RandomFlip(v2.Transform):
    """Each image of a batch (N, C, H, W) is mirrored left to right with probability one half."""

    def forward(self, *inputs: Any) -> Any:
        (images,) = inputs
        chosen = torch.rand(len(images), device=images.device) < 0.5
        return torch.where(chosen[:, None, None, None], v2.functional.horizontal_flip(images), images)


def flip_and_shift(pixels: int = 4) -> Any:
    """The usual augmentation of CIFAR-10."""
    return v2.Compose([RandomFlip(), RandomShift(pixels)])
