"""Memory layouts: the same numbers placed in memory in every way that a caller may place them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array

LAYOUTS = ("C", "F", "transposed", "negative stride", "broadcast", "guarded slice", "read-only", "misaligned")


@dataclass(frozen=True, slots=True)
class Placed:
    """An array in its layout, and the whole buffer behind it, bytes around the array included."""

    array: Array
    buffer: Array

    def fingerprint(self) -> bytes:
        """The bytes of the whole buffer: they change when the array or its surroundings are written to."""
        return self.buffer.tobytes()


def place(values: Array, layout: str) -> Placed:
    """Copy `values` into a fresh buffer in the given layout.

    "broadcast" needs values that are constant along the first axis (see `flatten_for_broadcast`).
    """
    return _PLACERS[layout](values)


def flatten_for_broadcast(values: Array) -> Array:
    """The values that a stride-0 first axis can hold: its first entry, repeated."""
    if not values.ndim or not values.shape[0]:
        return values
    return np.array(np.broadcast_to(values[:1], values.shape))


# `np.array(..., order=)` everywhere: `ascontiguousarray` and `asfortranarray` turn 0-d arrays into 1-d ones.
def _c(values: Array) -> Placed:
    array = np.array(values, order="C")
    return Placed(array, array)


def _f(values: Array) -> Placed:
    array = np.array(values, order="F")
    return Placed(array, array)


def _transposed(values: Array) -> Placed:
    # Memory order rotated by one axis: neither C nor F for three or more axes.
    axes = (*range(1, values.ndim), 0) if values.ndim > 1 else tuple(range(values.ndim))
    base = np.array(values.transpose(axes), order="C")
    return Placed(base.transpose(np.argsort(axes)) if axes else base, base)


def _negative(values: Array) -> Placed:
    flip = (slice(None, None, -1),) * values.ndim
    base = np.array(values[flip], order="C")
    return Placed(base[flip] if flip else base, base)


def _broadcast(values: Array) -> Placed:
    if not values.ndim or not values.shape[0]:
        return _read_only(values)
    base = np.array(values[:1], order="C")
    return Placed(np.broadcast_to(base, values.shape), base)


def _guarded(values: Array) -> Placed:
    if not values.ndim:
        return _c(values)
    buffer = np.empty(tuple(2 * size + 2 for size in values.shape), dtype=values.dtype)
    # A guard that is read poisons the result: NaN, or an index far outside of any dimension.
    buffer[...] = np.nan if values.dtype.kind == "f" else (True if values.dtype.kind == "b" else 1 << 40)
    inner = buffer[tuple(slice(1, 1 + 2 * size, 2) for size in values.shape)]
    inner[...] = values
    return Placed(inner, buffer)


def _read_only(values: Array) -> Placed:
    array = np.array(values, order="C")
    array.flags.writeable = False
    return Placed(array, array)


def _misaligned(values: Array) -> Placed:
    raw = np.empty(values.nbytes + 1, dtype=np.uint8)
    array = raw[1:].view(values.dtype).reshape(values.shape)
    array[...] = values
    return Placed(array, array)


_PLACERS: dict[str, Callable[[Array], Placed]] = {
    "C": _c,
    "F": _f,
    "transposed": _transposed,
    "negative stride": _negative,
    "broadcast": _broadcast,
    "guarded slice": _guarded,
    "read-only": _read_only,
    "misaligned": _misaligned,
}
assert tuple(_PLACERS) == LAYOUTS
