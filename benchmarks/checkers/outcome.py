"""What a checker said of one subject."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["pass", "fail", "inconclusive", "not applicable"]


@dataclass(frozen=True)
class Outcome:
    """A verdict, its reason in one line, and what it cost: seconds on the clock and of the processor."""

    verdict: Verdict
    reason: str = ""
    seconds: float = 0.0
    cpu: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For the log."""
        return asdict(self)


def timed(call: Callable[[], tuple[Verdict, str]]) -> Outcome:
    """The outcome of a call that gives a verdict and its reason."""
    start, busy = time.perf_counter(), time.process_time()
    verdict, reason = call()
    return Outcome(verdict, reason, time.perf_counter() - start, time.process_time() - busy)


def one_line(error: BaseException) -> str:
    """`ValueError: what it says`, short enough for a table."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
