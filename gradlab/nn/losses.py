"""Losses: the mean over the batch, a scalar, of an input and a target. `backward()` gives the input's gradient."""

from __future__ import annotations

from gradlab.nn.activations import Function
from gradlab.nn.layer import Layer
from gradlab.nn.module import Array


class Loss(Function):
    """A scalar of input and target; the target is data and gets no gradient."""

    targets = 1


class MSELoss(Loss):
    """The mean of (input - target)². Equivalent to torch.nn.MSELoss.

    >>> import numpy as np
    >>> loss = MSELoss()
    >>> float(loss(np.array([1.0, 3.0]), np.array([0.0, 3.0])))
    0.5
    >>> loss.backward().tolist()
    [1.0, 0.0]
    """

    operation = "mse"


class L1Loss(Loss):
    """The mean of abs(input - target); the slope at 0 is 0. Equivalent to torch.nn.L1Loss."""

    operation = "l1"


class SmoothL1Loss(Loss):
    """The squared error below `beta`, the absolute error above. Equivalent to torch.nn.SmoothL1Loss."""

    operation = "smooth_l1"


class HuberLoss(Loss):
    """The squared error below `delta`, the absolute error above. Equivalent to torch.nn.HuberLoss."""

    operation = "huber"


class BCEWithLogitsLoss(Loss):
    """Mean cross-entropy of sigmoid(input) against probabilities. Equivalent to torch.nn.BCEWithLogitsLoss."""

    operation = "binary_cross_entropy_with_logits"


class CrossEntropyLoss(Layer):
    """Mean cross-entropy of softmax(input) against labels or probabilities. Equivalent to torch.nn.CrossEntropyLoss.

    Shapes: input (N, C), target (N,) of labels from 0 to C - 1, or (N, C) of probabilities.

    >>> import numpy as np
    >>> loss = CrossEntropyLoss()
    >>> float(loss(np.zeros((4, 2)), np.array([0, 1, 1, 0])).round(4))
    0.6931
    >>> loss.backward().tolist()
    [[-0.125, 0.125], [0.125, -0.125], [0.125, -0.125], [-0.125, 0.125]]
    """

    operation = "softmax_cross_entropy_labels"
    targets = 1

    def kernel_name(self, *inputs: Array) -> str:
        return "softmax_cross_entropy" if inputs[-1].dtype.kind == "f" and inputs[-1].ndim > 1 else self.operation
