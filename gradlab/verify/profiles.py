"""How much is run and kept: a profile is a number of rounds of stratified cases, with or without pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from gradlab.errors import SignatureError
from gradlab.verify.plan import CASES_PER_ROUND, QUICK, STRATA, Stratum
from gradlab.verify.specification import suggestion


@dataclass(frozen=True, slots=True)
class Profile:
    """A named amount of work: rounds, each with one case of every stratum.

    `settings` are Hypothesis' own, where the user gave some; their `database` and `derandomize` count as well.
    `pictures` asks for the data of a failure's charts, which a passing check does not pay for.
    """

    name: str
    rounds: int
    settings: Any = None
    pictures: bool = False
    strata: tuple[Stratum, ...] = STRATA


PROFILES = {
    # 90 cases found 99 % of 101 planted bugs in a study of this design, 240 all of them.
    "quick": Profile("quick", 1, strata=QUICK),
    "default": Profile("default", 6),
    "thorough": Profile("thorough", 17),
}


def pictured(choice: Any) -> Profile:
    """The same profile, its failures with the data of their charts (`Finding.picture`)."""
    return replace(profile(choice), pictures=True)


def profile(choice: Any) -> Profile:
    """The profile of a name, of a registered Hypothesis profile's name, or of a `hypothesis.settings` object.

    A Hypothesis profile gives its `max_examples`, rounded up to whole rounds, its `database` and `derandomize`.
    Raises SignatureError for anything else.
    """
    if isinstance(choice, Profile):
        return choice
    if isinstance(choice, str) and choice in PROFILES:
        return PROFILES[choice]
    from hypothesis import settings
    from hypothesis.errors import InvalidArgument

    name = choice if isinstance(choice, str) else "hypothesis settings"
    try:
        loaded = settings.get_profile(choice) if isinstance(choice, str) else choice
    except InvalidArgument:
        loaded = None
    if not isinstance(loaded, settings):
        raise SignatureError(f"profile={choice!r} is unknown; {suggestion(str(choice), PROFILES)}")
    return Profile(name, max(1, -(-loaded.max_examples // CASES_PER_ROUND)), loaded)
