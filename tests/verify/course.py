"""Small functions that tests check, importable by the reproductions that reports print."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def square(x: Array) -> Array:
    """x * x."""
    return x * x


def right(grad_output: Array, x: Array) -> Array:
    """The gradient of `square`."""
    return 2 * x * grad_output


def doubled(grad_output: Array, x: Array) -> Array:
    """Twice that."""
    return 4 * x * grad_output


def consuming(grad_output: Array, x: Array) -> Array:
    """Right, but the upstream gradient is gone afterwards."""
    result = 2 * x * grad_output
    if grad_output.flags.writeable:
        grad_output[...] = 0
    return result
