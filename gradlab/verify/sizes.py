"""Sizes of a case: small, equal, degenerate or large, within the ranges and the relation that the user allows."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradlab.errors import SignatureError
from gradlab.verify.along import KEYWORD, draw_axis
from gradlab.verify.draws import one_of
from gradlab.verify.specification import Specification

# Sizes at which blocked, unrolled or thresholded code changes its path: just above 16, 32, 64, 128, 256 and 100.
LARGE = (130, 33, 65, 17, 260, 101)

# A square matrix of 260 shows little that one of 130 does not, and its products in extended precision, which no BLAS
# knows, take eight times as long: most of a minute in one check.
_SQUARE = 130

# Hostile numbers are wasted on sizes that leave nothing to go wrong with them.
DEGENERATE = ("one", "empty", "few")

_ATTEMPTS = 200

# The largest window, dilated, and some steps: more than a window in a "large" case need.
_LONGER = 2 * max(LARGE) + 16


def draw_sizes(
    specification: Specification, kind: str, turn: int, rng: np.random.Generator
) -> tuple[dict[str, int], tuple[int, ...], dict[str, Any]]:
    """Sizes by name, the sizes that `...` stands for, and parameters, for one kind of sizes.

    "small", "medium", "plural" (none below 2), "equal", "large", "unit" or "none" (one dimension in turn), or a kind in
    `DEGENERATE`. Raises SignatureError where nothing satisfies `dims` and `where`.
    """
    names = list(specification.dims)
    for attempt in range(_ATTEMPTS):
        # A relation between dimensions may rule the stratum out: plain small sizes are then tried.
        wanted = kind if attempt < _ATTEMPTS // 2 else "small"
        sizes, leading = _attempt(specification, names, wanted, turn, rng)
        params = {
            name: values[0] if rng.random() < 0.5 else values[int(rng.integers(len(values)))]
            for name, values in specification.params.items()
        }
        _make_room(specification, sizes, params, kind, rng)
        if specification.along is not None:
            params[KEYWORD] = draw_axis(specification.along, leading, rng)
        if specification.allows(sizes, params):
            return sizes, leading, params
    bounds = ", ".join(f"{name} in {specification.range_of(name)}" for name in names)
    raise SignatureError(f"where: no sizes found that satisfy it with {bounds}; relax `where` or `dims`")


def _attempt(
    specification: Specification, names: list[str], kind: str, turn: int, rng: np.random.Generator
) -> tuple[dict[str, int], tuple[int, ...]]:
    highest = {1: 7, 2: 5, 3: 3}.get(len(names), 3) + (3 if kind == "medium" else 0)
    # Shapes of two axes, the commonest in use, come up most for `...` as well.
    rank = one_of(rng, (0, 1, 1, 2, 3)) if specification.has_ellipsis else 0
    leading = [int(rng.integers(1, 4)) for _ in range(rank)]
    sizes = {name: int(rng.integers(1, (3 if kind == "large" else highest) + 1)) for name in names}
    if kind == "equal":
        size = int(rng.integers(2, min(highest, 4) + 1))
        sizes, leading = dict.fromkeys(names, size), [size] * min(rank, 2)
    elif kind == "plural":
        sizes = {name: int(rng.integers(2, highest + 1)) for name in names}
        leading = [int(rng.integers(2, 4)) for _ in range(min(rank, 2))]
    elif kind in ("large", "unit", "none"):
        # The dimensions take turns, all leading ones together as one.
        place = turn % max(1, len(names) + specification.has_ellipsis)
        size = {"unit": 1, "none": 0}.get(kind, one_of(rng, LARGE))
        if place < len(names):
            square = any(dims.count(names[place]) > 1 for dims in specification.signature.inputs)
            sizes[names[place]] = min(size, _SQUARE) if square else size
        elif specification.has_ellipsis:
            leading = [size, *leading[1:2]]
    elif kind in DEGENERATE:
        _degenerate(kind, names, sizes, leading, rng)
    return {name: _within(size, specification.range_of(name)) for name, size in sizes.items()}, tuple(leading)


def _make_room(
    specification: Specification, sizes: dict[str, int], params: dict[str, Any], kind: str, rng: np.random.Generator
) -> None:
    """Lengthen what windows move over until one to three of them fit, and now and then a little more."""
    spare = kind not in DEGENERATE and kind != "equal"
    given = {dim for shape in specification.signature.inputs for dim in shape}
    for extent in specification.extents:
        if extent.dim in given:
            continue
        wanted = int(rng.integers(1, 4)) if spare else 1
        for dim in sizes:
            longer = {**sizes, dim: sizes[dim] + _LONGER}
            found, more = (specification.completed(known, params)[extent.dim] for known in (sizes, longer))
            if more <= found:
                continue
            low = sizes[dim]
            while found < wanted and sizes[dim] < low + _LONGER:
                sizes[dim] += 1
                found = specification.completed(sizes, params)[extent.dim]
            # A rest that no window reaches.
            sizes[dim] = _within(sizes[dim] + int(spare and rng.integers(3)), specification.range_of(dim))


def _degenerate(
    kind: str, names: list[str], sizes: dict[str, int], leading: list[int], rng: np.random.Generator
) -> None:
    slots = len(names) + len(leading)
    if not slots:
        return
    special = {"one": 1, "empty": 0}.get(kind, int(rng.integers(2)))
    # Every third case touches all dimensions independently, the others exactly one.
    chosen = {int(rng.integers(slots))} if rng.random() < 0.7 else set(range(slots))
    for slot in chosen:
        if slot and len(chosen) > 1 and rng.random() < 0.4:
            continue
        if slot < len(names):
            sizes[names[slot]] = special
        else:
            leading[slot - len(names)] = special


def _within(size: int, bounds: tuple[int, int | None]) -> int:
    low, high = bounds
    return max(low, size if high is None else min(size, high))
