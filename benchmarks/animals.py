"""Everything in the zoo under one name each, wrong and correct alike, and how to choose among them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from benchmarks.zoo import CATEGORIES, HARD, MUTANTS, SUBJECTS, half
from benchmarks.zoo.subject import Half, Mutant, Subject

CORRECT: tuple[str, ...] = ("ordinary", "hard")
GROUPS: tuple[str, ...] = (*CATEGORIES, *CORRECT)
"""The categories of mutants, then the two sorts of correct subjects."""


@dataclass(frozen=True)
class Animal:
    """A mutant or a correct subject. `group` is one of `GROUPS`; `kinds` are the diagnoses that a mutant deserves."""

    name: str
    group: str
    half: Half
    correct: Subject
    mutant: Mutant | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """Acceptable diagnoses; empty for a correct subject and for a mutant without labels."""
        return tuple(getattr(self.mutant, "kinds", None) or ())

    def build(self) -> Subject:
        """What is put before a checker; a mutant with state of its own."""
        return self.correct if self.mutant is None else self.mutant.build()


@cache
def animals() -> dict[str, Animal]:
    """The whole zoo by name: mutants first."""
    found = [Animal(m.name, m.category, half(m.name), m.subject, m) for m in MUTANTS]
    for group, subjects in zip(CORRECT, (SUBJECTS, HARD), strict=True):
        found += [Animal(subject.name, group, half(subject.name), subject) for subject in subjects]
    return {animal.name: animal for animal in found}


def choose(
    which: Literal["tune", "held_out", "all"] = "all", groups: Sequence[str] = (), names: Sequence[str] = ()
) -> list[Animal]:
    """The animals of a half, of some groups (empty: all) and of some names (empty: all).

    Raises ValueError for a name that nobody has, and where nothing is left.
    """
    zoo = animals()
    for name in names:
        if name not in zoo:
            near = [known for known in zoo if name in known][:3]
            raise ValueError(f"no animal is called {name!r}; {'perhaps ' + ', '.join(near) if near else 'see the zoo'}")
    chosen = [
        animal
        for animal in zoo.values()
        if which in ("all", animal.half)
        and (not groups or animal.group in groups)
        and (not names or animal.name in names)
    ]
    return some(chosen)


def some(chosen: list[Any]) -> list[Any]:
    """The list itself; raises ValueError where it is empty."""
    if not chosen:
        raise ValueError("nothing in the zoo satisfies --half, --category and --only together; drop one of them")
    return chosen


def add_choice(cli: argparse.ArgumentParser, *, groups: Sequence[str] = GROUPS) -> None:
    """The options of `choose`."""
    cli.add_argument("--half", choices=("tune", "held_out", "all"), default="all", help="which half (default: all)")
    cli.add_argument(
        "--category", action="append", default=[], choices=groups, help="only these; may be repeated (default: all)"
    )
    cli.add_argument("--only", action="append", default=[], metavar="NAME", help="only this one; may be repeated")
