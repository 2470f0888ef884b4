"""Rounds under Hypothesis: how many, what they depend on, what they aim at, and how failures come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase, InMemoryExampleDatabase

import gradlab
from gradlab.verify.plan import round_of_plans
from gradlab.verify.profiles import Profile
from gradlab.verify.regimes import REGIMES
from gradlab.verify.rounds import Draw, run_rounds
from gradlab.verify.scouts import scouting_plans
from gradlab.verify.specification import specify


def passing(draw: Draw) -> tuple[bool, dict[str, float]]:
    """A judge whom every round pleases."""
    return False, {}


class Judge:
    """Fails rounds whose first byte is at least `threshold`, and keeps what it saw."""

    def __init__(self, threshold: int = 256) -> None:
        self.threshold, self.seen = threshold, []

    def __call__(self, draw: Draw) -> tuple[bool, dict[str, float]]:
        self.seen.append(draw.content)
        return draw.content[0] >= self.threshold, {"tilt": draw.tilt}


def remembering(database: ExampleDatabase | None, rounds: int = 6, **options: Any) -> Profile:
    """A profile with a database of its own."""
    return Profile("test", rounds, settings(database=database, **options))


@pytest.mark.parametrize("rounds", [1, 2, 6, 17, 100])
def test_as_many_rounds_as_the_profile_says(rounds: int) -> None:
    """Neither the first, simplest example of Hypothesis nor its hill climb takes or adds a round; none comes twice."""
    judge = Judge()
    run_rounds(Profile("test", rounds), 3, "key", judge)
    assert len(judge.seen) == len(set(judge.seen)) == rounds


def test_other_seeds_are_other_rounds() -> None:
    """Also the very first round, which is all that "quick" has."""
    seen = set()
    for seed in range(50):
        judge = Judge()
        run_rounds(Profile("test", 1), seed, "key", judge)
        seen |= set(judge.seen)
    assert len(seen) == 50


def test_a_seed_repeats_a_run_whatever_the_database_holds() -> None:
    """With a seed no failure is fetched and none is stored."""
    database = InMemoryExampleDatabase()
    run_rounds(remembering(database), None, "key", Judge(0))
    stored = {key: set(values) for key, values in database.data.items()}
    first, second = Judge(200), Judge(200)
    for judge in (first, second):
        assert not run_rounds(remembering(database), 5, "key", judge).replayed
    assert first.seen == second.seen
    assert {key: set(values) for key, values in database.data.items()} == stored


def test_a_failure_is_replayed_first() -> None:
    """The round that failed comes first in the next run of the same subject, and of no other."""
    database = InMemoryExampleDatabase()
    first = Judge(0)
    assert not run_rounds(remembering(database), None, "key", first).replayed
    again = Judge(0)
    outcome = run_rounds(remembering(database), None, "key", again)
    assert outcome.replayed
    assert again.seen == first.seen
    assert not run_rounds(remembering(database), None, "other", Judge(0)).replayed


def test_the_seed_of_a_replayed_failure_repeats_it() -> None:
    """That seed names the round itself, so that it works without the database."""
    database = InMemoryExampleDatabase()
    run_rounds(remembering(database), None, "key", Judge(0))
    seed = run_rounds(remembering(database), None, "key", Judge(0)).seed
    judge = Judge()
    assert run_rounds(Profile("test", 6), seed, "key", judge).seed == seed
    assert [{draw} for draw in judge.seen] == list(database.data.values())


def test_a_mended_failure_is_forgotten() -> None:
    """It is tried once more, and counts as one of the rounds; then it is gone."""
    database = InMemoryExampleDatabase()
    run_rounds(remembering(database), None, "key", Judge(0))
    mended = Judge()
    run_rounds(remembering(database), None, "key", mended)
    assert len(mended.seen) == 6
    assert not any(database.data.values())


def test_a_database_that_cannot_be_used_is_none(tmp_path: Path) -> None:
    """A folder that cannot be written to, and a database that raises, break no check."""
    (tmp_path / "file").write_text("not a folder")

    class Broken(ExampleDatabase):
        def save(self, key, value):
            raise OSError("read-only")

        def fetch(self, key):
            raise OSError("gone")

        def delete(self, key, value):
            raise OSError("read-only")

    for database in (DirectoryBasedExampleDatabase(tmp_path / "file" / "examples"), Broken(), None):
        judge = Judge(0)
        run_rounds(remembering(database), None, "key", judge)
        assert len(judge.seen) == 1


def test_derandomized_settings_repeat_every_run() -> None:
    """As Hypothesis does with them: the subject decides the cases, not chance."""
    runs = []
    for key in ("key", "key", "other"):
        judge = Judge()
        run_rounds(remembering(None, derandomize=True), None, key, judge)
        runs.append(judge.seen)
    assert runs[0] == runs[1] != runs[2]


def test_rounds_climb_towards_the_worst_error() -> None:
    """`hypothesis.target` moves the tilt, with all other numbers kept, to where the error is largest."""
    judge = Judge()
    run_rounds(Profile("test", 120), 1, "key", judge)
    best = max(Draw(content).tilt for content in judge.seen)
    climbed = [content for content in judge.seen if any(content[:8] == other[:8] != content for other in judge.seen)]
    assert len(climbed) > 3, "the seed stays, the tilt moves"
    assert best > 19


def test_tilt_scales_one_case_of_a_round() -> None:
    """Everything else of the round stays as it is."""
    specification = specify("(n),(n)")
    low, high = round_of_plans(specification, (1,), -3.0), round_of_plans(specification, (1,), 3.0)
    different = [(a, b) for a, b in zip(low, high, strict=True) if a != b]
    assert [(a.scale, b.scale, a.seed == b.seed) for a, b in different] == [(0.125, 8.0, True)]


@pytest.mark.parametrize("seed", range(5))
def test_regimes_rotate(seed: int) -> None:
    """One round shows half of the kinds of numbers, the default profile nearly all, twelve rounds all; with scouts."""
    judge = Judge()
    run_rounds(Profile("test", 12), seed, "key", judge)
    seeds = [(Draw(content).seed,) for content in judge.seen]
    rounds = [round_of_plans(specify("(n)"), seed) + scouting_plans(specify("(n)"), seed) for seed in seeds]
    shown = [{regime for plan in plans for regime in plan.regimes} for plans in rounds]
    assert min(map(len, shown)) >= 9
    assert len(set().union(*shown[:6])) >= 18
    assert set().union(*shown) == set(REGIMES)


SPOILT: list[int] = []


def forward(x: Any) -> Any:
    """3 x."""
    return 3 * x


def backward(grad_output: Any, x: Any) -> Any:
    """Its gradient, unless it is spoilt for one of two runs."""
    SPOILT.append(x.size)
    return 3 * grad_output + (x.size > 4 and SPOILT[0] < 0)


def test_report_says_that_a_failure_was_replayed() -> None:
    """A bug that some rounds miss is found again at once, and the shown seed repeats it; mended, the check passes."""
    profile = settings(database=InMemoryExampleDatabase(), max_examples=15)
    SPOILT[:] = [-1]
    first = gradlab.check(forward, backward, "(n)->(n)", profile=profile)
    assert (first.verdict, first.notes) == ("fail", ())
    second = gradlab.check(forward, backward, "(n)->(n)", profile=profile)
    assert second.verdict == "fail"
    assert "note: replayed from the Hypothesis database: this round failed in an earlier run" in str(second)
    third = gradlab.check(forward, backward, "(n)->(n)", profile=settings(profile, database=None), seed=second.seed)
    assert [str(finding) for finding in third.findings] == [str(finding) for finding in second.findings]
    SPOILT[:] = [1]
    assert gradlab.check(forward, backward, "(n)->(n)", profile=profile).cases == 30, "the old round and a new one"
    assert gradlab.check(forward, backward, "(n)->(n)", profile=profile).verdict == "pass"


@settings(max_examples=2, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(factor=st.integers(1, 3))
def test_within_a_hypothesis_test(factor: int) -> None:
    """A check inside of a test of the user's that is one itself: Hypothesis does not run inside itself, rounds do."""
    options: dict[str, Any] = {"names": ("x",), "profile": "quick"}
    assert gradlab.check(lambda x: factor * x, lambda g, x: factor * g, "(n)->(n)", **options).verdict == "pass"
    report = gradlab.check(lambda x: factor * x, lambda g, x: -factor * g, "(n)->(n)", **options)
    assert report.failures[0].case["x"].size == 1, "shrunk"


def test_a_seed_found_within_a_hypothesis_test_repeats_the_failure_elsewhere() -> None:
    """The rounds there are drawn in another way; the seed that comes back names the one that failed."""
    seen: list[Draw] = []
    found: list[int] = []

    def third(draw: Draw) -> tuple[bool, dict[str, float]]:
        seen.append(draw)
        return len(seen) == 3, {}

    @settings(max_examples=1, deadline=None, database=None)
    @given(st.just(None))
    def within(_: None) -> None:
        found.append(run_rounds(Profile("test", 5), None, "key", third).seed)

    within()
    (seed,) = found
    assert seed == run_rounds(Profile("test", 5), seed, "key", third).seed
    assert seen[3:] == seen[2:3]
