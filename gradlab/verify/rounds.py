"""Hypothesis drives the rounds: it draws them, aims at the worst error, and replays first what failed last time.

A draw is one bytes value, and a round is a pure function of it: that is what lets the database bring a failure back.
Bytes, because Hypothesis draws small and "interesting" integers more often, which would try the same few rounds in
every run. The last byte is the tilt, so that a step of the hill climb is a step of the tilt.
"""

from __future__ import annotations

import operator
import secrets
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from gradlab.errors import SignatureError

if TYPE_CHECKING:
    from hypothesis.database import ExampleDatabase
    from hypothesis.strategies import SearchStrategy

    from gradlab.verify.profiles import Profile

Result = TypeVar("Result")

# A round fails or not; how close it came, per label: the worst error in units of its tolerance.
Judge = Callable[["Draw"], tuple[bool, Mapping[str, float]]]

_BYTES = 9

# Seeds from here on name one round, for failures that came from the database and from no seed.
_ONE_ROUND = 1 << (8 * _BYTES)

# Failures of earlier runs that are tried first; each is a round.
_REPLAYED = 3

# Beyond this an error is an error; Hypothesis takes finite numbers only.
_HIGHEST = 1e6


@dataclass(frozen=True, slots=True)
class Draw:
    """What decides a round: `seed` all of it but the magnitude of one case, which is 2**tilt."""

    content: bytes

    @property
    def seed(self) -> int:
        """Seeds the plans of the round."""
        return int.from_bytes(self.content[:-1])

    @property
    def tilt(self) -> float:
        """Between −20 and 20: a millionth to a million."""
        return (self.content[-1] - 128) / 6.4

    @property
    def as_seed(self) -> int:
        """`seed=` with this number runs this round and no other."""
        return _ONE_ROUND + int.from_bytes(self.content)


@dataclass(frozen=True, slots=True)
class Rounds:
    """How the rounds went: the seed that repeats them, and whether the failure came from the database."""

    seed: int
    replayed: bool = False


def checked_seed(seed: object) -> int | None:
    """The seed as an int; raises SignatureError for what is none."""
    try:
        number = None if seed is None else operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number is not None and not 0 <= number < 2 * _ONE_ROUND:
        raise SignatureError(f"seed={seed!r} is not a seed; write a whole number from 0 upward, or leave it out")
    return number


def run_rounds(profile: Profile, seed: int | None, key: str, judge: Judge) -> Rounds:
    """`profile.rounds` rounds, or fewer where one fails.

    A seed that is given repeats a run whatever the database holds. Without one it is drawn (from `key` where the
    Hypothesis settings derandomize), and failures of the same `key` that Hypothesis' database holds come first; at
    least one round is new.
    """
    from hypothesis import currently_in_test_context, settings

    if seed is not None and seed >= _ONE_ROUND:
        judge(Draw((seed - _ONE_ROUND).to_bytes(_BYTES)))
        return Rounds(seed)
    if seed is not None:
        _search(profile.rounds, seed, judge)
        return Rounds(seed)
    chosen = profile.settings if profile.settings is not None else settings()
    memory = _Memory(_database(chosen), key.encode())
    replayed = 0
    for draw in memory.failures():
        replayed += 1
        if judge(draw)[0]:
            return Rounds(draw.as_seed, replayed=True)
        memory.forget(draw)
    seed = zlib.crc32(key.encode()) if chosen.derandomize else secrets.randbelow(1 << 32)
    # Hypothesis does not run inside itself: within a test of the user's that is one, rounds are drawn without it.
    within = currently_in_test_context()
    failing = (_plain_search if within else _search)(max(1, profile.rounds - replayed), seed, judge)
    if failing is not None:
        memory.keep(failing)
        # Elsewhere the seed of the run would draw other rounds than these.
        return Rounds(failing.as_seed if within else seed)
    return Rounds(seed)


def drawn() -> SearchStrategy[bytes]:
    """The strategy of a draw's content."""
    from hypothesis import strategies as st

    return st.binary(min_size=_BYTES, max_size=_BYTES)


def _search(rounds: int, seed: int, judge: Judge) -> Draw | None:
    """Draw rounds until one fails; gives that one."""
    from hypothesis import Phase, Verbosity, find, reject, settings, target
    from hypothesis.errors import NoSuchExample

    failing: set[bytes] = set()

    def fails(content: bytes) -> bool:
        if content in failing:  # Hypothesis runs a failure once more
            return True
        if not any(content):
            reject()  # the simplest example would open every run with the same round
        failed, observed = judge(Draw(content))
        for label, ratio in observed.items():
            target(min(ratio, _HIGHEST), label=label)
        if failed:
            failing.add(content)
        return failed

    # Its shrinker is left out: every attempt would be a whole round; see `shrink` for what is done instead.
    options = settings(
        max_examples=rounds,
        deadline=None,
        database=None,
        derandomize=False,
        phases=(Phase.generate, Phase.target),
        verbosity=Verbosity.quiet,
    )
    with suppress(NoSuchExample):
        return Draw(find(drawn(), fails, settings=options, random=Random(seed)))
    return None


def _plain_search(rounds: int, seed: int, judge: Judge) -> Draw | None:
    draws = Random(seed)
    rest = (Draw(draws.randbytes(_BYTES)) for _ in range(rounds))
    return next((draw for draw in rest if judge(draw)[0]), None)


def outside_tests(call: Callable[[], Result]) -> Result:
    """The result of a call that runs Hypothesis; from within a Hypothesis test it is made in another thread.

    A test that suppresses the health check against nesting would do as well, but HypoFuzz does not collect such tests.
    """
    from concurrent.futures import ThreadPoolExecutor

    from hypothesis import currently_in_test_context

    if not currently_in_test_context():
        return call()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def _database(chosen: Any) -> ExampleDatabase | None:
    """The database of these settings; None where there is none or its folder cannot be used."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "falling back to an in-memory database"
        try:
            found: ExampleDatabase | None = chosen.database
        except OSError:
            return None
    return found


@dataclass(frozen=True, slots=True)
class _Memory:
    """The failures of one subject in Hypothesis' database. A folder that is full or read-only breaks no check."""

    database: ExampleDatabase | None
    key: bytes

    def failures(self) -> list[Draw]:
        with suppress(OSError):
            found = () if self.database is None else self.database.fetch(self.key)
            return [Draw(content) for content in sorted(found) if len(content) == _BYTES][:_REPLAYED]
        return []

    def keep(self, draw: Draw) -> None:
        with suppress(OSError):
            if self.database is not None:
                self.database.save(self.key, draw.content)

    def forget(self, draw: Draw) -> None:
        with suppress(OSError):
            if self.database is not None:
                self.database.delete(self.key, draw.content)
