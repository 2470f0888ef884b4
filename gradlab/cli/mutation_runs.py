"""The tests that `gradlab mutate` runs on mutants, as streams: each verdict and comparison as soon as it is known."""

from __future__ import annotations

import shlex
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import Any, Protocol

from gradlab.cli.mutation_targets import Origin, compared, judged
from gradlab.errors import SignatureError
from gradlab.mutate.command import Command
from gradlab.mutate.difference import Comparison
from gradlab.mutate.generate import Mutant
from gradlab.mutate.outcome import Verdict
from gradlab.mutate.source import Source
from gradlab.verify.confined import Job
from gradlab.verify.workers import Pool

# The position of a mutant, the verdict on it, the seconds it took.
Judged = tuple[int, Verdict, float]


class Test(Protocol):
    """What is scored."""

    def clean(self, origin: Origin) -> None:
        """Run without mutation; raises SignatureError where that does not pass."""

    def verdicts(self, origin: Origin, chosen: Sequence[tuple[int, Mutant]]) -> Generator[Judged]:
        """Run on mutants, side by side."""


@dataclass
class OwnCheck:
    """gradlab's own verification, in the worker processes of a pool."""

    profile: Any
    seed: int
    pool: Pool

    def __str__(self) -> str:
        return f"gradlab's own check, profile {self.profile}"

    def clean(self, origin: Origin) -> None:
        """See `Test`."""
        (answer,) = self.pool.run([Job(origin.label, judged, (origin, None, self.profile, self.seed), origin.group)])
        if answer.refused:
            raise SignatureError(answer.refused)
        verdict = Verdict("killed", answer.died) if answer.died else answer.value
        if verdict.status != "survived":
            raise SignatureError(
                f"{origin.label}: gradlab's own check does not pass without any mutation ({verdict.why}); "
                "run `gradlab verify` on it first"
            )

    def verdicts(self, origin: Origin, chosen: Sequence[tuple[int, Mutant]]) -> Generator[Judged]:
        """See `Test`."""
        jobs = [
            Job(mutant.id, judged, (origin, mutant.text, self.profile, self.seed), origin.group) for _, mutant in chosen
        ]
        for answer in self.pool.run(jobs):
            if answer.refused:
                verdict = Verdict("killed", answer.refused)
            elif answer.died:
                verdict = Verdict("timed out" if answer.died.startswith("no end") else "killed", answer.died)
            else:
                verdict = answer.value
            yield chosen[answer.index][0], verdict, answer.seconds


@dataclass
class OwnCommand:
    """A command of the user's, in threads that wait for its processes."""

    words: Sequence[str]
    workers: int
    timeout: float | None = None
    commands: dict[tuple[str, ...], Command] = field(default_factory=dict)

    def __str__(self) -> str:
        return shlex.join(self.words)

    def clean(self, origin: Origin) -> None:
        """See `Test`."""
        command = self.commands[origin.key] = Command(self.words, origin.path, self.timeout)
        command.clean(Source.read(origin.path).text)

    def verdicts(self, origin: Origin, chosen: Sequence[tuple[int, Mutant]]) -> Generator[Judged]:
        """See `Test`."""
        command = self.commands[origin.key]

        def one(mutant: Mutant) -> tuple[Verdict, float]:
            start = time.monotonic()
            return command.judge(mutant.text), time.monotonic() - start

        threads = ThreadPoolExecutor(self.workers)
        try:
            futures = {threads.submit(one, mutant): index for index, mutant in chosen}
            for future in as_completed(futures):
                yield futures[future], *future.result()
        finally:
            command.stop()
            threads.shutdown(cancel_futures=True)


def comparisons(
    origin: Origin, chosen: Sequence[tuple[int, Mutant]], seed: int, pool: Pool
) -> Generator[tuple[int, Comparison]]:
    """Survivors beside the original."""
    jobs = [Job(mutant.id, compared, (origin, mutant.text, seed), origin.group) for _, mutant in chosen]
    for answer in pool.run(jobs):
        trouble = answer.refused or answer.died
        unknown = Comparison("unknown", f"not compared with the original: {trouble}")
        yield chosen[answer.index][0], unknown if trouble else answer.value
