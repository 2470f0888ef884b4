"""Bytes to float32: the report's mean image, or the usual standardisation of each channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """`(images - shift) * scale` in float32, with arrays that broadcast over (N, 3, 32, 32)."""

    shift: Array
    scale: Array

    def __call__(self, images: Array) -> Array:
        """Float32 images of the same shape.

        >>> halve = Preprocessing(np.float32([[[1]], [[1]], [[1]]]), np.float32([[[2]], [[2]], [[2]]]))
        >>> float(halve(np.full((1, 3, 2, 2), 4, np.uint8)).max())
        6.0
        """
        result = images.astype(np.float32)
        result -= self.shift
        result *= self.scale
        return result

    def on(self, device: Any) -> Any:
        """The same for torch tensors on a device."""
        import torch

        shift, scale = (torch.from_numpy(array).to(device) for array in (self.shift, self.scale))
        return lambda images: images.to(torch.float32).sub_(shift).mul_(scale)


def mean_image(images: Array) -> Preprocessing:
    """The report's: pixels from 0 to 255 minus the mean image of the training set, not scaled."""
    mean = _mean(images, lambda block: block.sum(axis=0)) / len(images)
    return Preprocessing(mean.astype(np.float32), np.ones((1, 1, 1), np.float32))


def standardise(images: Array) -> Preprocessing:
    """Each channel with mean 0 and deviation 1 over the training set."""
    pixels = len(images) * images.shape[2] * images.shape[3]
    mean = _mean(images, lambda block: block.sum(axis=(0, 2, 3))) / pixels
    square = _mean(images, lambda block: (block * block).sum(axis=(0, 2, 3))) / pixels
    shape = (-1, 1, 1)
    deviation = np.sqrt(square - mean**2)
    return Preprocessing(mean.astype(np.float32).reshape(shape), (1 / deviation).astype(np.float32).reshape(shape))


def _mean(images: Array, total: Any) -> Array:
    """Sums in float64 over blocks: the whole set in float64 would be 1.2 GB."""
    sums = [total(images[start : start + 5000].astype(np.float64)) for start in range(0, len(images), 5000)]
    result: Array = np.sum(sums, axis=0)
    return result


PREPROCESSING = {"mean-image": mean_image, "standardise": standardise}
