"""One round of stratified cases as plain decisions: sizes, dtype, regimes, layouts, kind of upstream gradient.

A round is a pure function of its seed. Drawing cases independently left rounds without an empty case or without a tie
and missed bugs for that reason alone; strata put each of them into every round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradlab.errors import SignatureError
from gradlab.verify.along import shape_of
from gradlab.verify.layouts import LAYOUTS
from gradlab.verify.regimes import MILD, REGIMES
from gradlab.verify.shapes import PATTERNS, Shape, broadcast_leading
from gradlab.verify.sizes import DEGENERATE, draw_sizes
from gradlab.verify.specification import Specification

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

# A regime for all arguments, or for one of them with the others mild: the shares of a study that ranked them.
MODES = ("all",) * 7 + ("one",) * 8
assert len(MODES) == len(PATTERNS) == CASES_PER_ROUND <= len(REGIMES)

# Cases of ordinary numbers, and those of them in which the power of the comparison is measured: in each argument one
# element is asked about in every way there is, with every costly term of the tolerance.
ORDINARY = (0, 1, 3, 12, 14)
MEASURED = (0, 1, 14)

# The case whose magnitude is drawn apart from its numbers: one that `hypothesis.target` can climb.
TILTED = 10

# Cases of a round in which arguments share values. At random they were the last bugs to be found.
TIED = 4

# Elements of an input: 2 GiB in float64, of which a case holds several copies.
_MOST = 1 << 28

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
        sizes, leading, params = draw_sizes(specification, kind, turn + index // 7, rng)
        mode = "mild" if kind in DEGENERATE or index in ORDINARY else modes[index]
        regimes = _regimes(mode, specification, hot[index], rng)
        if index == TILTED:
            regimes = ("normal",) * count
        # A large case has too few coordinates tried to afford numbers that hide each other.
        if kind == "large" and rng.random() < 0.5:
            regimes = tuple(str(rng.choice(MILD)) for _ in regimes)
        plan = Plan(
            sizes,
            draw_shapes(specification, sizes, leading, str(patterns[index]), rng, params),
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


def draw_shapes(
    specification: Specification,
    sizes: Mapping[str, int],
    leading: Shape,
    pattern: str,
    rng: np.random.Generator,
    params: Mapping[str, Any] | None = None,
) -> tuple[Shape, ...]:
    """A shape per argument; with `broadcast` they differ by the pattern. Raises SignatureError for gigantic ones."""
    inputs = specification.signature.inputs
    own = [leading] * len(inputs)
    if specification.broadcast:
        own = broadcast_leading(leading, inputs, specification.whole, pattern, rng)
    shapes = tuple(
        shape_of(specification, dims, sizes, mine, params or {}) for dims, mine in zip(inputs, own, strict=True)
    )
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
