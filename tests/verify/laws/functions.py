"""Forwards and backwards that the tests of single laws share."""

from __future__ import annotations

import numpy as np


def linear(x, weight):
    """x @ weight.T."""
    return x @ weight.T


def linear_backward(grad_output, x, weight):
    """Its gradients."""
    return grad_output @ weight, grad_output.T @ x


def centred(x):
    """Less its mean over the samples: permutable, not independent."""
    return x - x.sum(axis=0, keepdims=True) / max(x.shape[0], 1)


def centred_backward(grad_output, x):
    """Its own adjoint."""
    return centred(grad_output)


def relu(x):
    """max(x, 0)."""
    return np.maximum(x, 0)


def relu_backward(grad_output, x):
    """Slope 0 at 0."""
    return grad_output * (x > 0)


def cube(x):
    """x ** 3."""
    return x * x * x


def cube_backward(grad_output, x):
    """3 x ** 2."""
    return 3 * x * x * grad_output
