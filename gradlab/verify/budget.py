"""Time that explaining a failure may take."""

from __future__ import annotations

import time

# The clock's share for code that waits rather than works.
_WAITING = 6.0


class Budget:
    """So many seconds of this thread's own work, and six times as many by the clock for a subject that sleeps.

    Work does not depend on what else the machine is doing: the same seed tells the same story on a busy one.

    >>> Budget(60).expired
    False
    """

    def __init__(self, seconds: float) -> None:
        self._work, self._clock = time.thread_time() + seconds, time.perf_counter() + _WAITING * seconds

    @property
    def expired(self) -> bool:
        """True once the time is over: what is known by then has to do."""
        return time.thread_time() > self._work or time.perf_counter() > self._clock
