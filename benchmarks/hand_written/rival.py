"""What a hand-written rival is: a forward and a backward in the form that generated kernels have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class HandWritten:
    """One way to write an operation: `forward(*inputs, **parameters) -> (output, saved)` and `backward(g, saved)`.

    `saved` may hold whatever the forward computes anyway; work of the backward may not be moved into the forward,
    or the fastest backward would always be the one that was computed beforehand. `loops` marks forms with a Python
    loop over blocks that fit the cache, faster far outside the caches; the summary also compares without them.
    """

    name: str
    forward: Callable[..., tuple[Any, tuple[Any, ...]]]
    backward: Callable[[Any, tuple[Any, ...]], tuple[Any, ...]]
    loops: bool = False
