"""Where two right answers may differ: at a kink each of two runs may take another slope of the bracket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradlab.verify.oracles.kinks import coordinate_sides, direction_sides
from gradlab.verify.trial import Trial


def rough_at(trial: Trial, argument: int, element: int) -> bool:
    """True where the slopes on both sides of one element differ or grow without bound."""
    if trial.differences.scales[argument] is None:
        return False
    sides = coordinate_sides(trial.differences, argument, element, trial.weights)
    return sides.kinked or sides.singular


def rough_along(trial: Trial, tangents: Sequence[Any]) -> bool:
    """The same along a joint direction."""
    sides = direction_sides(trial.differences, tangents, trial.weights)
    return sides.kinked or sides.singular
