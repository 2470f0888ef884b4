"""Gradients of broadcast operands, for generated NumPy kernels; torch has `Tensor.sum_to_size`."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


def sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """The sum over all axes along which an operand of this shape was broadcast. Equivalent to `Tensor.sum_to_size`.

    >>> import numpy as np
    >>> sum_to_shape(np.ones((2, 3)), (3,)), sum_to_shape(np.ones((2, 3)), (2, 1)).shape
    (array([2., 2., 2.]), (2, 1))
    """
    if gradient.shape == shape:
        return gradient
    extra = gradient.ndim - len(shape)
    if extra:
        gradient = gradient.sum(axis=tuple(range(extra)))
    repeated = tuple(k for k, size in enumerate(shape) if size == 1 != gradient.shape[k])
    return gradient.sum(axis=repeated, keepdims=True) if repeated else gradient
