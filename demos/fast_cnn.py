"""A network that learns CIFAR-10 fast: a whitening convolution, three blocks of two convolutions, and one linear layer.

The shape is that of Keller Jordan's airbench (2024, "94% on CIFAR-10 in 3.29 seconds on a single GPU"), in plain
layers: every one of them is gradlab's own where it has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demos.networks import CLASSES

WHITENED = 24
"""Channels of the first convolution: each of the 3 x 2 x 2 directions of a patch, and its opposite."""


def fast_cnn(package: Any, widths: Sequence[int] = (64, 256, 256), *, activation: str = "GELU") -> list[Any]:
    """Layers for inputs (N, 3, 32, 32); `activation` names one of the package's. The first is to be whitened."""
    active = getattr(package, activation)
    layers, channels = [package.Conv2d(3, WHITENED, 2), active()], WHITENED
    for width in widths:
        layers += [package.Conv2d(channels, width, 3, padding=1, bias=False), package.MaxPool2d(2)]
        layers += [package.BatchNorm2d(width), active()]
        layers += [package.Conv2d(width, width, 3, padding=1, bias=False), package.BatchNorm2d(width), active()]
        channels = width
    return [*layers, package.MaxPool2d(3), package.Flatten(), package.Linear(channels, CLASSES)]


def whiten(convolution: Any, inputs: Any, eps: float = 5e-4) -> None:
    """Fix a 2 x 2 convolution of three channels so that its outputs on `inputs` (N, 3, H, W) are uncorrelated.

    Its weights are the eigenvectors of the patches' covariance over the roots of their eigenvalues, and the same with
    the other sign, since the activation that follows keeps one sign only. They are not trained; the bias is.

    >>> import torch
    >>> layer, images = torch.nn.Conv2d(3, 24, 2), torch.rand(50, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    >>> whiten(layer, images)
    >>> covariance = layer(images).movedim(1, -1).reshape(-1, 24)[:, :12].T.cov()
    >>> bool((covariance - torch.eye(12)).abs().max() < 0.02)
    True
    """
    import torch

    patches = inputs.unfold(2, 2, 1).unfold(3, 2, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, 12).double()
    values, vectors = torch.linalg.eigh(patches.T.cov())
    scaled = (vectors / (values + eps).sqrt()).T.reshape(12, 3, 2, 2)
    with torch.no_grad():
        convolution.weight.copy_(torch.cat([scaled, -scaled]))
        convolution.bias.zero_()
    convolution.weight.requires_grad_(False)
