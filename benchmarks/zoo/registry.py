"""Where subjects and mutants are entered, as their modules are imported."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from typing import Any

from benchmarks.zoo.subject import Category, Function, Mutant, Subject, Witness

SUBJECTS: list[Subject] = []
"""Ordinary operations with correct backwards; the mutants are made from these."""

HARD: list[Subject] = []
"""Correct backwards that are easily mistaken for wrong ones."""

MUTANTS: list[Mutant] = []


def operation(**fields: Any) -> Subject:
    """Enter an ordinary operation."""
    subject = Subject(**fields)
    SUBJECTS.append(subject)
    return subject


def hard(**fields: Any) -> Subject:
    """Enter a correct backward that a checker may cry wolf about."""
    subject = Subject(**fields)
    HARD.append(subject)
    return subject


def _story(function: Function) -> str:
    return " ".join(cleandoc(function.__doc__ or "").split())


def mutant(of: Subject, category: Category, **witness: Any) -> Callable[[Function], Function]:
    """Enter the decorated function as a wrong backward; its docstring is the story, the rest is the witness."""

    def enter(backward: Function) -> Function:
        MUTANTS.append(
            Mutant(
                name=f"{of.name}/{backward.__name__}",
                subject=of,
                category=category,
                story=_story(backward),
                make=lambda: (of.forward, backward),
                witness=Witness(**witness),
            )
        )
        return backward

    return enter


def mutant_pair(of: Subject, category: Category, **witness: Any) -> Callable[[Function], Function]:
    """Enter a factory of (forward, backward): for wrong pairs that share state, and for wrong forwards."""

    def enter(make: Callable[[], tuple[Function, Function]]) -> Function:
        MUTANTS.append(
            Mutant(
                name=f"{of.name}/{make.__name__}",
                subject=of,
                category=category,
                story=_story(make),
                make=make,
                witness=Witness(**witness),
            )
        )
        return make

    return enter


def patch(
    of: Subject, category: Category, name: str, story: str, wrap: Callable[[Subject], Function], **witness: Any
) -> None:
    """Enter the correct backward of `of`, spoilt by `wrap`, anew for each build."""
    MUTANTS.append(
        Mutant(
            name=f"{of.name}/{name}",
            subject=of,
            category=category,
            story=story,
            make=lambda: (of.forward, wrap(of)),
            witness=Witness(**witness),
        )
    )
