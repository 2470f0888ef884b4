"""Losses of an input and a target: their mean, their sum or, entry by entry, themselves.

`backward()` gives the input's gradient; the target is data and gets none. Weights are kept in `dtype`, the input's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab import registry
from gradlab.kernels.losses import check_places, check_reduction, check_smoothing, classes_of
from gradlab.nn.layer import DType, Layer, Shape, Trace
from gradlab.nn.module import Array


class Loss(Layer):
    """A kernel that gives the mean of the losses, or one of `<its name>_each` that gives each, then their sum or mean.

    Raises ValueError for a `reduction` other than "mean", "sum" and "none".
    """

    targets = 1

    def __init__(self, *, reduction: str = "mean") -> None:
        super().__init__()
        self.reduction = check_reduction(reduction)
        self.values: dict[str, Any] = {}

    def kernel_name(self, *inputs: Array) -> str:
        return self.operation if self.reduction == "mean" else f"{self.operation}_each"

    def settings(self, dtype: DType) -> dict[str, Any]:
        return self.values

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        self._each = None
        if np.ndim(output) and self.reduction != "none":
            kernel = registry.kernel(self.reduction)
            output, saved = kernel.forward(output, axis=tuple(range(output.ndim)))
            self._each = kernel, saved
        return output

    def receive(self, grad_output: Array, trace: Trace) -> Array:
        if self._each is None:
            return super().receive(grad_output, trace)
        kernel, saved = self._each
        (gradient,) = kernel.backward(grad_output[()], saved)
        array: Array = gradient
        return array


class MSELoss(Loss):
    """(input - target)². Equivalent to torch.nn.MSELoss.

    >>> import numpy as np
    >>> loss = MSELoss()
    >>> float(loss(np.array([1.0, 3.0]), np.array([0.0, 3.0])))
    0.5
    >>> loss.backward().tolist()
    [1.0, 0.0]
    >>> MSELoss(reduction="none")(np.array([1.0, 3.0]), np.array([0.0, 3.0])).tolist()
    [1.0, 0.0]
    """

    operation = "mse"


class L1Loss(Loss):
    """abs(input - target); the slope at 0 is 0. Equivalent to torch.nn.L1Loss."""

    operation = "l1"


class SmoothL1Loss(Loss):
    """The squared error below `beta`, the absolute error above; with a beta of 0 the latter alone.

    Equivalent to torch.nn.SmoothL1Loss.
    """

    operation = "smooth_l1"

    def __init__(self, *, reduction: str = "mean", beta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if beta < 0:
            raise ValueError(f"beta={beta}; give 0 or more")
        self.values = {"beta": beta} if beta else {}

    def kernel_name(self, *inputs: Array) -> str:
        name = super().kernel_name(*inputs)
        return name if self.values else name.removeprefix("smooth_")


class HuberLoss(Loss):
    """The squared error below `delta`, the absolute error above. Equivalent to torch.nn.HuberLoss."""

    operation = "huber"

    def __init__(self, *, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction=reduction)
        if delta <= 0:
            raise ValueError(f"delta={delta}; give more than 0")
        self.values = {"delta": delta}


class BCEWithLogitsLoss(Loss):
    """Cross-entropy of sigmoid(input) against probabilities. Equivalent to torch.nn.BCEWithLogitsLoss.

    `weight` multiplies each loss, `pos_weight` the part of it where the target is 1; both broadcast to the input.
    """

    operation = "binary_cross_entropy_with_logits"

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        reduction: str = "mean",
        pos_weight: ArrayLike | None = None,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(reduction=reduction)
        given = {"weight": weight, "pos_weight": pos_weight}
        self.weighted = any(value is not None for value in given.values())
        self.buffers = {name: np.asarray(value, dtype) for name, value in given.items() if value is not None}

    def kernel_name(self, *inputs: Array) -> str:
        return "weighted_binary_cross_entropy_each" if self.weighted else super().kernel_name(*inputs)

    def enter(self, *inputs: Array) -> Sequence[Array]:
        self._shape = inputs[0].shape
        return inputs

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        if not self.weighted:
            return {}
        names = ("weight", "pos_weight")
        return {name: np.broadcast_to(self.buffers.get(name, np.ones((), dtype)), self._shape) for name in names}


class LabelLoss(Loss):
    """A loss of rows of numbers, one for each class, and integer labels: class weights, labels that do not count.

    Shapes: input (N, C, …) and target (N, …), or (C,) and (). Where no label counts the mean is NaN, its gradient 0.
    """

    plain: ClassVar[str]
    """The kernel of the mean where all labels count alike; `operation` is that of weighted ones."""
    label_smoothing = 0.0

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(reduction=reduction)
        self.ignore_index = ignore_index
        self.buffers = {} if weight is None else {"weight": np.asarray(weight, dtype)}
        self._keep: Array = np.ones(0, bool)

    def forward(self, *inputs: Any) -> Any:
        # The mean over no labels is NaN: that is said above and no reason to warn.
        with np.errstate(invalid="ignore"):
            return super().forward(*inputs)

    def enter(self, *inputs: Array) -> Sequence[Array]:
        x, target = inputs
        check_places(type(self).__name__, x.shape, target.shape)
        label = target.reshape(-1)
        self._keep = label != self.ignore_index
        self._classes = classes_of(x.shape)
        return _rows(x), label if self._keep.all() else np.where(self._keep, label, label.dtype.type(0))

    def kernel_name(self, *inputs: Array) -> str:
        if self.reduction != "mean":
            return f"{self.operation}_each"
        weighted = self.buffers or self.label_smoothing or not self._keep.all()
        return self.operation if weighted else self.plain

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        if self.kernel_name() == self.plain:
            return {}
        return {"weight": self._weight(dtype), "keep": self._keep}

    def _weight(self, dtype: DType) -> Array:
        return self.buffers["weight"] if self.buffers else np.ones(self._classes, dtype)

    def leave(self, output: Array, shapes: Sequence[Shape]) -> Array:
        output = super().leave(output, shapes)
        return output.reshape(_places(shapes[0])) if self.reduction == "none" else output

    def restore(self, gradient: Array, shape: Shape) -> Array:
        places = _places(shape)
        return (
            np.moveaxis(gradient.reshape(*places, gradient.shape[-1]), -1, 1)
            if len(shape) > 2
            else (gradient.reshape(shape))
        )


class NLLLoss(LabelLoss):
    """Negative log-likelihood of labels, from log-probabilities. Equivalent to torch.nn.NLLLoss."""

    operation = "nll_weighted"
    plain = "nll"


class CrossEntropyLoss(LabelLoss):
    """Cross-entropy of softmax(input) against labels or probabilities. Equivalent to torch.nn.CrossEntropyLoss.

    Shapes: input (N, C, …), target (N, …) of labels from 0 to C - 1, or that of the input of probabilities.
    `label_smoothing` spreads that share of each target evenly over the classes.

    >>> import numpy as np
    >>> loss = CrossEntropyLoss()
    >>> float(loss(np.zeros((4, 2)), np.array([0, 1, 1, 0])).round(4))
    0.6931
    >>> loss.backward().tolist()
    [[-0.125, 0.125], [0.125, -0.125], [0.125, -0.125], [-0.125, 0.125]]
    """

    operation = "softmax_cross_entropy_weighted"
    plain = "softmax_cross_entropy_labels"

    def __init__(
        self,
        weight: ArrayLike | None = None,
        *,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        dtype: DTypeLike = "float32",
    ) -> None:
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction, dtype=dtype)
        self.label_smoothing = check_smoothing(label_smoothing)
        self._soft = False

    def enter(self, *inputs: Array) -> Sequence[Array]:
        x, target = inputs
        self._soft = target.dtype.kind == "f" and target.shape == x.shape and x.ndim > 0
        self._classes = classes_of(x.shape)
        return (_rows(x), _rows(target)) if self._soft else super().enter(*inputs)

    def kernel_name(self, *inputs: Array) -> str:
        return "softmax_cross_entropy_soft_each" if self._soft else super().kernel_name(*inputs)

    def arrays(self, dtype: DType) -> Mapping[str, Array]:
        return {"weight": self._weight(dtype)} if self._soft else super().arrays(dtype)

    def settings(self, dtype: DType) -> dict[str, Any]:
        return {} if self.kernel_name() == self.plain else {"label_smoothing": self.label_smoothing}


def _places(shape: Shape) -> Shape:
    """The shape of an input without its classes."""
    return (*shape[:1], *shape[2:]) if len(shape) > 1 else ()


def _rows(x: Array) -> Array:
    """Classes last, all other axes as one."""
    if x.ndim > 2:
        x = np.moveaxis(x, 1, -1)
        return x.reshape(prod(x.shape[:-1]), x.shape[-1])
    return x[None] if x.ndim == 1 else x
