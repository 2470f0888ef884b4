"""Gradients of broadcast operands, for generated kernels of NumPy and of torch."""

from typing import Any


def sum_to_shape(gradient: Any, shape: tuple[int, ...]) -> Any:
    """The sum over all axes along which an operand of this shape was broadcast. Equivalent to `Tensor.sum_to_size`.

    >>> import numpy as np
    >>> sum_to_shape(np.ones((2, 3)), (3,)), sum_to_shape(np.ones((2, 3)), (2, 1)).shape
    (array([2., 2., 2.]), (2, 1))
    """
    if gradient.shape == shape:
        return gradient
    if hasattr(gradient, "sum_to_size"):
        return gradient.sum_to_size(shape)
    extra = gradient.ndim - len(shape)
    if extra:
        gradient = gradient.sum(axis=tuple(range(extra)))
    repeated = tuple(k for k, size in enumerate(shape) if size == 1 != gradient.shape[k])
    return gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
