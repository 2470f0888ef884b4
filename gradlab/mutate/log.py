"""Verdicts in a file of JSON lines, so that a run that was interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import get_args

from gradlab.errors import SignatureError
from gradlab.mutate.generate import Mutant
from gradlab.mutate.outcome import Status, Verdict


class Log:
    """Verdicts of one test by the mutant's text; without a path it remembers nothing.

    A verdict belongs to a test command, not to the tests' own text: after a change of those, start a new log. Raises
    SignatureError for a file that is no such log.
    """

    def __init__(self, path: Path | None, test: str) -> None:
        self.path, self.test = path, test
        self.known: dict[str, tuple[Verdict, float]] = {}
        if path is None or not path.exists():
            return
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            try:
                entry = json.loads(line)
                status: Status = entry["status"]
                if status not in get_args(Status):
                    raise ValueError(status)
                self.known[str(entry["key"])] = Verdict(status, str(entry["why"])), float(entry["seconds"])
            except (ValueError, KeyError, TypeError):
                if number == len(lines):
                    continue  # cut off as it was written
                raise SignatureError(
                    f"{path}: line {number} is no verdict of `gradlab mutate`; name a new file"
                ) from None

    def _key(self, mutant: Mutant) -> str:
        return hashlib.sha256(f"{self.test}\0{mutant.text}".encode()).hexdigest()[:16]

    def find(self, mutant: Mutant) -> tuple[Verdict, float] | None:
        """The verdict of an earlier run."""
        return self.known.get(self._key(mutant))

    def add(self, mutant: Mutant, verdict: Verdict, seconds: float) -> None:
        """Write a verdict at once."""
        if self.path is None:
            return
        entry = {
            "key": self._key(mutant),
            "id": mutant.id,
            "status": verdict.status,
            "why": verdict.why,
            "seconds": round(seconds, 3),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
