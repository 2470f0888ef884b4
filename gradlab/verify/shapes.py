"""Named shapes made concrete, and what `...` stands for: the same in every argument, or shapes that broadcast."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import ELLIPSIS
from gradlab.verify.draws import one_of

Shape = tuple[int, ...]
Named = tuple[str, ...]

# The patterns of a round. Ties between arguments can only be met in equal shapes; an argument without any axis is
# where a mean is taken for a sum.
PATTERNS = ("equal",) * 5 + ("scalar",) * 4 + ("mixed",) * 6


def concrete(dims: Named, sizes: Mapping[str, int], leading: Shape) -> Shape:
    """The sizes of a named shape.

    >>> concrete(("...", "d", "2"), {"d": 5}, (3,))
    (3, 5, 2)
    """
    shape: Shape = ()
    for dim in dims:
        shape += leading if dim == ELLIPSIS else (int(dim) if dim.isdigit() else sizes[dim],)
    return shape


def own_leading(dims: Named, shape: Shape) -> Shape:
    """What `...` stands for in an argument of this shape; () where its dimensions have none."""
    return shape[: len(shape) - len(dims) + 1] if ELLIPSIS in dims else ()


def broadcast_leading(
    leading: Shape, inputs: Sequence[Named], whole: Collection[int], pattern: str, rng: np.random.Generator
) -> list[Shape]:
    """A shape per argument that broadcasts within `leading`; those in `whole` get what the others broadcast to.

    "mixed": some sizes become 1 and leading ones are dropped, so that ranks differ, and neither argument need have the
    whole; "scalar": one argument has no leading axis; "equal": all are `leading`.
    """
    takers = [k for k, dims in enumerate(inputs) if ELLIPSIS in dims and k not in whole]
    own: list[Shape] = [()] * len(inputs)
    keepers = rng.choice(takers, size=len(leading))
    for k in takers:
        shape = leading
        if pattern == "mixed":
            kept = [keepers[axis] == k or rng.random() < 0.4 for axis in range(len(leading))]
            shape = tuple(size if keep else 1 for size, keep in zip(leading, kept, strict=True))
            while shape and shape[0] == 1 and rng.random() < 0.6:
                shape = shape[1:]
        own[k] = shape
    if pattern == "scalar" and len(takers) > 1:
        own[one_of(rng, takers)] = ()
    for k in whole:
        own[k] = np.broadcast_shapes(*own) if ELLIPSIS in inputs[k] else ()
    return own


def fitted(values: Array, shape: Shape) -> Array | None:
    """The numbers that `values` meets in an array of this shape when the two broadcast; None where they do not.

    >>> fitted(np.array([[1, 2], [3, 4]]), (2,)), fitted(np.array([5]), (2, 2)).shape
    (array([1, 2]), (2, 2))
    """
    try:
        values = np.broadcast_to(values, np.broadcast_shapes(values.shape, shape))
    except ValueError:
        return None
    if not values.size:
        return np.empty(shape, values.dtype) if 0 in shape else None
    values = values[(0,) * (values.ndim - len(shape))]
    return values[tuple(slice(0, size) for size in shape)]
