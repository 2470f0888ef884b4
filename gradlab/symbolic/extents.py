"""Sizes and integer parameters of random points, small and unequal, at which every computed axis has an entry."""

from __future__ import annotations

import random
from collections.abc import Mapping

from gradlab.errors import DefinitionError
from gradlab.symbolic.indices import Axis
from gradlab.symbolic.program import Program

_ATTEMPTS = 2000
_REACH = 2  # integer parameters are drawn from as many values above their minimum: sums stay short
_WINDOWS = 3
_ROOM = 6


def sizes(program: Program, draw: int) -> dict[Axis, int]:
    """Unequal small sizes, rotated from draw to draw. Where there are few axes, one of them has size 1 now and then."""
    axes = program.axes
    pool = [2, 3, 4, 5] if len(axes) <= 2 else [2, 3, 1, 4, *range(5, len(axes) + 1)]
    rotated = {axis: pool[(position + draw) % len(pool)] for position, axis in enumerate(axes)}
    if draw % 2 and 1 <= len(axes) <= 2:
        rotated[axes[draw // 2 % len(axes)]] = 1
    return rotated


def drawn(program: Program, draw: int) -> tuple[dict[Axis, int], dict[str, int]]:
    """Sizes and integer parameters of one draw. Raises DefinitionError where no windows fit."""
    if not program.integers and not program.windows:
        return sizes(program, draw), {}
    rng = random.Random(f"{program.name}:{draw}")
    for attempt in range(_ATTEMPTS):
        # Every other draw is a generic one: strides above 1, padding, and several windows.
        generic = draw % 2 == 0 and attempt < _ATTEMPTS // 2
        integers = _integers(program, generic, rng)
        base = _base(program, rng) if program.windows else sizes(program, draw)
        found = completed(program, base, integers)
        if all((2 if generic else 1) <= found[axis] <= _WINDOWS for axis in program.windows):
            return found, integers
    raise DefinitionError(
        f"{program.definition.source}: {program.name}: no small sizes and integer parameters were found at which "
        f"{', '.join(axis.name for axis in program.windows)} has an entry; check the ranges of the parameters"
    )


def completed(program: Program, base: Mapping[Axis, int], integers: Mapping[str, int]) -> dict[Axis, int]:
    """With the sizes that follow from the others and from integer parameters."""
    found = {**base, **{axis: integers[axis.name] for axis in program.axes if axis.parameter}}
    for axis, windows in program.windows.items():
        found[axis] = windows.count(found, integers)
    return {axis: found[axis] for axis in program.axes}


def _integers(program: Program, generic: bool, rng: random.Random) -> dict[str, int]:
    found = {}
    for parameter in program.definition.parameters:
        if parameter.integer:
            low, high = int(parameter.minimum), int(parameter.maximum)
            high = min(high, low + _REACH)
            found[parameter.name] = rng.randint(min(low + generic, high), high)
    return found


def _base(program: Program, rng: random.Random) -> dict[Axis, int]:
    """Axes that are cut into windows have room for some; all others are short, because sums run over many of them."""
    cut = {windows.slot.axis for windows in program.windows.values()}
    free = [axis for axis in program.axes if axis not in program.windows and not axis.parameter]
    return {axis: rng.randint(2, _ROOM) if axis in cut else rng.randint(1, 3) for axis in free}
