"""Rows in blocks that fit the cache; the one hand-written helper of the generated kernels."""

from collections.abc import Sequence
from math import prod

# 2**17 elements are 1 MiB of float64, so that the three arrays of a statement stay in a cache of 4 MiB.
_ELEMENTS = 2**17


def blocks(shape: tuple[int, ...]) -> Sequence[slice]:
    """Slices of the first axis that hold about 2**17 elements each; a small array is one slice.

    >>> blocks((3, 100_000))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    >>> blocks((3, 5))
    (slice(None, None, None),)
    """
    if prod(shape) <= _ELEMENTS:
        return (slice(None),)
    rows = max(1, _ELEMENTS // prod(shape[1:]))
    return [slice(first, first + rows) for first in range(0, shape[0], rows)]
