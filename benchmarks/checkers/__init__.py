"""gradlab and its rivals behind one interface: an animal of the zoo in, an `Outcome` out.

Each rival gets what its documentation tells a user to write, with its default tolerances: see the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from benchmarks.animals import animals
from benchmarks.checkers.outcome import Outcome


@dataclass(frozen=True)
class Checker:
    """One column of the table: `check(subject, correct, seed, **options)` of a module in this folder."""

    title: str
    module: str
    options: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""

    @property
    def installed(self) -> bool:
        """Whether the library is there."""
        return not self.needs or find_spec(self.needs) is not None


CHECKERS = {
    "quick": Checker("gradlab quick", "by_gradlab", {"profile": "quick"}),
    "default": Checker("gradlab default", "by_gradlab", {"profile": "default"}),
    "thorough": Checker("gradlab thorough", "by_gradlab", {"profile": "thorough"}),
    "torch": Checker("torch gradcheck", "by_torch", {"fast": False}, "torch"),
    "torch_fast": Checker("torch gradcheck, fast", "by_torch", {"fast": True}, "torch"),
    "jax": Checker("jax check_grads", "by_jax", {}, "jax"),
    "autograd": Checker("autograd check_grads", "by_autograd", {}, "autograd"),
}


def examine(checker: str, name: str, seed: int) -> dict[str, Any]:
    """One check of one animal, as plain data; for a worker process."""
    _warm(checker)
    return _run(checker, name, seed).as_dict()


def _run(checker: str, name: str, seed: int) -> Outcome:
    entry, animal = CHECKERS[checker], animals()[name]
    module = import_module(f"benchmarks.checkers.{entry.module}")
    outcome: Outcome = module.check(animal.build(), animal.correct, seed, **entry.options)
    return outcome


@cache
def _warm(checker: str) -> None:
    """One check that nobody counts: imports and first calls are not what a check costs."""
    name = next(animal.name for animal in animals().values() if animal.group == "ordinary")
    _run("quick" if checker in ("default", "thorough") else checker, name, 0)
