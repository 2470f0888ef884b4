"""Losses: scalars of an input and a target. `backward()` gives the gradient of the input."""

from __future__ import annotations

from gradlab.nn.layer import Layer


class CrossEntropyLoss(Layer):
    """Mean cross-entropy of softmax(input) against integer labels. Equivalent to torch.nn.CrossEntropyLoss.

    Shapes: input (N, C), target (N,) of labels from 0 to C - 1.

    >>> import numpy as np
    >>> loss = CrossEntropyLoss()
    >>> float(loss(np.zeros((4, 2)), np.array([0, 1, 1, 0])).round(4))
    0.6931
    >>> loss.backward().tolist()
    [[-0.125, 0.125], [0.125, -0.125], [0.125, -0.125], [-0.125, 0.125]]
    """

    operation = "softmax_cross_entropy_labels"
