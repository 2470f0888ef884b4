"""Interleaved timing of rival functions on a machine that others use too. Knows nothing of gradlab.

Timing the same code in a fixed order shifts it by 5-30 % (caches, clock, allocator), so every round runs all rivals
once, in a fresh random order, and a ratio compares only samples of one round.
"""

from __future__ import annotations

import gc
import math
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Rival = Callable[[], object]
Clock = Callable[[], float]

# CPU time of the whole process: being descheduled by other programs costs nothing, a hidden second thread is charged.
clock = time.process_time

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def use_one_thread() -> None:
    """Ask the numeric libraries for one thread; call it before the first `import numpy`, they read it only then."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"


def settle_allocator() -> None:
    """Free one large block, so that later large blocks come from the heap and stay mapped when freed.

    Until that has happened once, glibc returns freed memory to the system after every call, and a temporary of 1 MB
    costs up to 8 times as much, or not, depending on what ran before. 30 MB is just below glibc's upper limit.
    """
    bytearray(30 << 20)


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of a set of measurements."""

    low: float
    median: float
    high: float

    @property
    def iqr(self) -> float:
        """Interquartile range as a fraction of the median: the noise of this measurement."""
        return (self.high - self.low) / self.median if self.median else math.nan


def spread(values: Sequence[float]) -> Spread:
    """Median and quartiles; of a single value, that value three times.

    >>> spread([3.0, 1.0, 2.0])
    Spread(low=1.5, median=2.0, high=2.5)
    """
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Spread(low, median, high)


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds per call of every rival, one entry per round, rounds in the same order for all."""

    seconds: Mapping[str, Sequence[float]]

    def __add__(self, other: Samples) -> Samples:
        """The rounds of both, for the same rivals."""
        return Samples({name: [*times, *other.seconds[name]] for name, times in self.seconds.items()})

    def spread(self, name: str) -> Spread:
        """Median and quartiles of one rival's seconds per call."""
        return spread(self.seconds[name])

    def ratio(self, name: str, other: str) -> Spread:
        """Time of `name` over time of `other`, round by round: below 1 means that `name` is faster."""
        return spread([a / b for a, b in zip(self.seconds[name], self.seconds[other], strict=True)])

    def fastest(self, names: Sequence[str]) -> str:
        """The name with the smallest median."""
        return min(names, key=lambda name: self.spread(name).median)


def measure(
    rivals: Mapping[str, Rival],
    *,
    rounds: int,
    seed: int = 0,
    sample_seconds: float = 2e-3,
    warm_up: int = 2,
    other_clock: Clock | None = None,
) -> Samples:
    """Time all rivals against each other: `rounds` rounds, each in its own random order.

    A sample repeats a rival until it takes about `sample_seconds`, so that the clock's resolution does not matter.
    Garbage collection is off meanwhile. With several threads `other_clock=time.perf_counter` tells how long they take
    together.
    """
    order, now = random.Random(seed), other_clock or clock
    loops = {name: _loops(rival, sample_seconds, warm_up, now) for name, rival in rivals.items()}
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    names = list(rivals)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            order.shuffle(names)
            for name in names:
                rivals[name]()  # untimed: the rival before it has emptied the caches
                seconds[name].append(_sample(rivals[name], loops[name], now))
    finally:
        if was_enabled:
            gc.enable()
    return Samples(seconds)


def _sample(rival: Rival, loops: int, now: Clock) -> float:
    repeat = range(loops)
    start = now()
    for _ in repeat:
        rival()
    return (now() - start) / loops


def _loops(rival: Rival, sample_seconds: float, warm_up: int, now: Clock) -> int:
    for _ in range(warm_up):
        rival()
    loops = 1
    while (elapsed := _sample(rival, loops, now) * loops) < sample_seconds / 4:
        loops *= 2
    return max(1, round(loops * sample_seconds / elapsed))
