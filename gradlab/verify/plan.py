"""One round of stratified cases as plain decisions: sizes, dtype, regimes, layouts, kind of upstream gradient.

A round is a pure function of its seed. Drawing cases independently left rounds without an empty case or without a tie
and missed bugs for that reason alone; strata put each of them into every round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradlab.errors import SignatureError
from gradlab.operation import ELLIPSIS
from gradlab.verify.layouts import LAYOUTS
from gradlab.verify.regimes import MILD, REGIMES
from gradlab.verify.shapes import PATTERNS, Shape, broadcast_leading, concrete
from gradlab.verify.specification import Relation, Specification

# (sizes, position in dtypes) of each case of a round.
STRATA: tuple[tuple[str, int], ...] = (
    ("small", 0),
    ("small", 1),
    ("equal", 0),
    ("small", 1),
    ("one", 0),
    ("empty", 0),
    ("medium", 0),
    ("large", 0),
    ("medium", 1),
    ("few", 1),
    ("small", 0),
    ("small", 0),
    ("equal", 1),
    ("large", 0),
    ("medium", 0),
)
CASES_PER_ROUND = len(STRATA)

# Hostile numbers are wasted on sizes that leave nothing to go wrong with them.
_DEGENERATE = ("one", "empty", "few")

# A regime for all arguments, or for one of them with the others mild: the shares of a study that ranked them.
MODES = ("all",) * 7 + ("one",) * 8
assert len(MODES) == len(PATTERNS) == CASES_PER_ROUND <= len(REGIMES)

# Cases of ordinary numbers, and those of them in which the power of the comparison is measured: in each argument one
# element is asked about in every way there is, with every costly term of the tolerance.
ORDINARY = (0, 1, 3, 12, 14)
MEASURED = (0, 1)

# The case whose magnitude is drawn apart from its numbers: one that `hypothesis.target` can climb.
TILTED = 10

# Cases of a round in which arguments share values. At random they were the last bugs to be found.
TIED = 4

# Elements of an input: 2 GiB in float64, of which a case holds several copies.
_MOST = 1 << 28

# Sizes at which blocked, unrolled or thresholded code changes its path: just above 16, 32, 64, 128, 256 and 100.
LARGE = (130, 33, 65, 17, 260, 101)

# Regimes that find the same bugs; each round sends a scout with one of each family into each argument.
FAMILIES = (
    ("shift8",),
    ("shift4",),
    ("large", "larger", "saturated"),
    ("wide8", "wide3", "tiny", "outlier"),
    ("zeros", "zero row", "ints", "constant", "ties", "near kink"),
    ("mid", "negative"),
)

UPSTREAMS = ("normal", "signs", "sparse", "one hot", "ints", "huge", "tiny", "positive", "zero")


@dataclass(frozen=True, slots=True)
class Plan:
    """The decisions behind one case: a shape per argument, …; `seed` draws its numbers."""

    sizes: Mapping[str, int]
    shapes: tuple[Shape, ...]
    params: Mapping[str, Any]
    dtype: str
    regimes: tuple[str, ...]
    layouts: tuple[str, ...]
    upstream: str
    scale: float
    tie_arguments: bool
    shared: tuple[int, int] | None
    measured: bool
    seed: int


def round_of_plans(specification: Specification, seed: tuple[int, ...], tilt: float = 0.0) -> list[Plan]:
    """The plans of one round; `tilt` is the binary exponent of the magnitude of case `TILTED`.

    Raises SignatureError where no sizes satisfy `dims` and `where`.
    """
    rng = np.random.default_rng(seed)
    names = list(REGIMES)
    hot = [names[k] for k in rng.permutation(len(names))]
    layouts = [LAYOUTS[k] for k in rng.permutation(len(LAYOUTS))]
    upstreams = [UPSTREAMS[k] for k in rng.permutation(len(UPSTREAMS))]
    modes = [MODES[k] for k in rng.permutation(CASES_PER_ROUND)]
    patterns = rng.permutation(PATTERNS) if specification.broadcast else ("equal",) * CASES_PER_ROUND
    ties = set(rng.permutation(CASES_PER_ROUND)[:TIED])
    count, turn = len(specification.arguments), int(rng.integers(1 << 16))
    plans: list[Plan] = []
    for index, (kind, dtype) in enumerate(STRATA):
        sizes, leading, params = _sizes(specification, kind, turn + index // 7, rng)
        mode = "mild" if kind in _DEGENERATE or index in ORDINARY else modes[index]
        regimes = _regimes(mode, specification, hot[index], rng)
        if index == TILTED:
            regimes = ("normal",) * count
        # A large case has too few coordinates tried to afford numbers that hide each other.
        if kind == "large" and rng.random() < 0.5:
            regimes = tuple(str(rng.choice(MILD)) for _ in regimes)
        plan = Plan(
            sizes,
            _shapes(specification, sizes, leading, str(patterns[index]), rng),
            params,
            specification.dtypes[dtype % len(specification.dtypes)],
            regimes,
            tuple(layouts[(index + k) % len(layouts)] for k in range(count + 1)),
            _nonzero(upstreams[index % len(upstreams)], index),
            2.0**tilt if index == TILTED else 1.0,
            count > 1 and index in ties,
            None,
            index in MEASURED,
            int(rng.integers(1 << 32)),
        )
        plans.append(plan)
    _share(plans, specification, rng)
    return plans


def plain_plan(
    specification: Specification,
    sizes: Mapping[str, int],
    shapes: tuple[Shape, ...],
    params: Mapping[str, Any],
    dtype: str,
    seed: int,
) -> Plan:
    """Ordinary numbers in contiguous arrays, with a generic upstream."""
    count = len(specification.arguments)
    regimes, layouts = ("normal",) * count, ("C",) * (count + 1)
    return Plan(dict(sizes), shapes, dict(params), dtype, regimes, layouts, "normal", 1.0, False, None, False, seed)


def scouting_plans(specification: Specification, seed: tuple[int, ...]) -> list[Plan]:
    """Plans of cases that are only looked at, see `scouts`: in the first dtype, contiguous, with a generic upstream.

    Each meets one thing: hostile numbers in one argument, or one dimension that is large, one or empty.
    """
    rng = np.random.default_rng((*seed, 1))
    count, plans = len(specification.arguments), []
    for kind, turn, hostile, argument in _missions(specification, rng):
        sizes, leading, params = _sizes(specification, kind, turn, rng)
        regimes = [str(rng.choice(MILD)) for _ in range(count)]
        if hostile:
            regimes[argument] = hostile
        shapes, drawn = _shapes(specification, sizes, leading, "equal", rng), int(rng.integers(1 << 32))
        plan = plain_plan(specification, sizes, shapes, params, specification.dtypes[0], drawn)
        plans.append(replace(plan, regimes=tuple(regimes)))
    return plans


def _missions(specification: Specification, rng: np.random.Generator) -> Iterator[tuple[str, int, str, int]]:
    """Kind of sizes, whose turn it is, hostile regime, argument that gets it."""
    for argument in specification.differentiable:
        for family in FAMILIES:
            yield "plural", 0, str(rng.choice(family)), argument
    dims = len([dim for dim in specification.signature.dims if dim != ELLIPSIS]) + specification.has_ellipsis
    for kind in ("large", "unit", "none"):
        for turn in rng.permutation(dims)[: max(3, (dims + 1) // 2)]:
            yield kind, int(turn), "", 0
    yield "equal", 0, "", 0


def _share(plans: list[Plan], specification: Specification, rng: np.random.Generator) -> None:
    """In one case of the round, where two arguments may be one array, they are."""
    arguments = specification.arguments
    pairs = [(j, k) for k in range(len(arguments)) for j in range(k) if arguments[j].domain == arguments[k].domain]
    for index in rng.permutation(CASES_PER_ROUND) if pairs else ():
        plan = plans[index]
        if index in MEASURED or STRATA[index][0] in ("large", "empty"):
            continue
        fitting = [pair for pair in pairs if plan.shapes[pair[0]] == plan.shapes[pair[1]]]
        if fitting:
            plans[index] = replace(plan, shared=fitting[rng.integers(len(fitting))])
            return


def _shapes(
    specification: Specification, sizes: Mapping[str, int], leading: Shape, pattern: str, rng: np.random.Generator
) -> tuple[Shape, ...]:
    inputs = specification.signature.inputs
    own = [leading] * len(inputs)
    if specification.broadcast:
        own = broadcast_leading(leading, inputs, specification.whole, pattern, rng)
    shapes = tuple(concrete(dims, sizes, mine) for dims, mine in zip(inputs, own, strict=True))
    largest = max(shapes, key=math.prod)
    if math.prod(largest) > _MOST:
        raise SignatureError(f"dims: an input of shape {largest} is too large to check; lower the sizes in `dims`")
    return shapes


def _nonzero(upstream: str, index: int) -> str:
    return "normal" if upstream == "zero" and index in MEASURED else upstream


def _regimes(mode: str, specification: Specification, hot: str, rng: np.random.Generator) -> tuple[str, ...]:
    count = len(specification.arguments)
    if mode == "all":
        return (hot,) * count
    regimes = [str(rng.choice(MILD)) for _ in range(count)]
    # Labels, masks and signs have no regimes.
    continuous = [k for k, argument in enumerate(specification.arguments) if argument.domain.continuous]
    if mode == "one" and continuous:
        regimes[rng.choice(continuous)] = hot
    return tuple(regimes)


_ATTEMPTS = 200


def _sizes(
    specification: Specification, kind: str, turn: int, rng: np.random.Generator
) -> tuple[dict[str, int], tuple[int, ...], dict[str, Any]]:
    names = [dim for dim in specification.signature.dims if dim != ELLIPSIS]
    for attempt in range(_ATTEMPTS):
        # A relation between dimensions may rule the stratum out: plain small sizes are then tried.
        wanted = kind if attempt < _ATTEMPTS // 2 else "small"
        sizes, leading = _draw_sizes(specification, names, wanted, turn, rng)
        params = {
            name: values[0] if rng.random() < 0.5 else values[int(rng.integers(len(values)))]
            for name, values in specification.params.items()
        }
        if _holds(specification.where, sizes, params):
            return sizes, leading, params
    bounds = ", ".join(f"{name} in {specification.range_of(name)}" for name in names)
    raise SignatureError(f"where: no sizes found that satisfy it with {bounds}; relax `where` or `dims`")


def _holds(where: Relation | None, sizes: dict[str, int], params: dict[str, Any]) -> bool:
    if where is None:
        return True
    try:
        return bool(where(dict(sizes), dict(params)))
    except Exception as error:
        raise SignatureError(
            f"where({sizes}, {params}) raises {type(error).__name__}: {error}; it takes two dictionaries, sizes and "
            "parameters, and returns True or False"
        ) from error


def _draw_sizes(
    specification: Specification, names: list[str], kind: str, turn: int, rng: np.random.Generator
) -> tuple[dict[str, int], tuple[int, ...]]:
    highest = {1: 7, 2: 5, 3: 3}.get(len(names), 3) + (3 if kind == "medium" else 0)
    # Shapes of two axes, the commonest in use, come up most for `...` as well.
    rank = int(rng.choice((0, 1, 1, 2, 3))) if specification.has_ellipsis else 0
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
        size = {"unit": 1, "none": 0}.get(kind, int(rng.choice(LARGE)))
        if place < len(names):
            sizes[names[place]] = size
        elif specification.has_ellipsis:
            leading = [size, *leading[1:2]]
    elif kind in _DEGENERATE:
        _degenerate(kind, names, sizes, leading, rng)
    return {name: _within(size, specification.range_of(name)) for name, size in sizes.items()}, tuple(leading)


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
