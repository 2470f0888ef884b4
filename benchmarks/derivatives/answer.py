"""What a system answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.derivatives.problems import Array, Data

Run = Callable[[], Array]


@dataclass(frozen=True)
class Answer:
    """A gradient in the system's own form, how many tensors or entries it mentions, and code: `prepare(data)()`."""

    text: str
    entries: int
    prepare: Callable[[Data], Run]


class UnwritableError(Exception):
    """The system has no form for the function."""
