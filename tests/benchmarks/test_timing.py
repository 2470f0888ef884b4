"""The timing module, without ever asserting how long something took."""

import gc

import pytest

from benchmarks import timing


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only the rivals advance."""
    now = [0.0]
    monkeypatch.setattr(timing, "clock", lambda: now[0])
    return now


def test_ratio_of_known_times(clock: list[float]) -> None:
    """A rival that takes twice as long has ratio 2, without spread, however often each was repeated in a sample."""

    def work(seconds: float) -> None:
        clock[0] += seconds

    samples = timing.measure({"slow": lambda: work(0.5), "fast": lambda: work(0.25)}, rounds=5)
    assert samples.ratio("slow", "fast") == timing.Spread(2.0, 2.0, 2.0)
    assert samples.fastest(["slow", "fast"]) == "fast"
    assert samples.seconds["slow"] == [0.5] * 5


def test_short_rivals_are_repeated(clock: list[float]) -> None:
    """One sample repeats a short rival until it fills the sample's time."""
    calls = [0]

    def short() -> None:
        calls[0] += 1
        clock[0] += 2.0**-10

    timing.measure({"short": short}, rounds=1, sample_seconds=0.25, warm_up=0)
    assert calls[0] == sum(2**k for k in range(7)) + 1 + 256  # finding the number, one untimed, the sample


def test_every_round_has_its_own_order(clock: list[float]) -> None:
    """All rivals run once a round, in orders that differ and that the seed repeats."""

    def orders(seed: int) -> list[str]:
        log: list[str] = []

        def rival(name: str) -> timing.Rival:
            def run() -> None:
                log.append(name)
                clock[0] += 1.0

            return run

        timing.measure({name: rival(name) for name in "abc"}, rounds=20, seed=seed, warm_up=0)
        # Each rival first runs once to be calibrated, then twice in a row each round, the first time untimed.
        timed = log[4::2]
        return ["".join(timed[k : k + 3]) for k in range(0, len(timed), 3)]

    assert len(orders(0)) == 20
    assert {"".join(sorted(order)) for order in orders(0)} == {"abc"}
    assert len(set(orders(0))) > 3
    assert orders(0) == orders(0)
    assert orders(0) != orders(1)


def test_garbage_collection_is_restored_after_an_error() -> None:
    """Timing switches garbage collection off; a rival that raises must not leave it so."""
    calls = iter(range(1000))

    def fails_late() -> None:
        if next(calls) > 5:
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        timing.measure({"late": fails_late}, rounds=3, sample_seconds=1.0)
    assert gc.isenabled()


def test_spread_of_one_value() -> None:
    """A single round has a median and no spread."""
    assert timing.spread([4.0]) == timing.Spread(4.0, 4.0, 4.0)
    assert timing.spread([4.0]).iqr == 0.0
