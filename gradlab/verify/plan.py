"""One round of stratified cases as plain decisions: sizes, dtype, regimes, layouts, kind of upstream gradient.

A round is a pure function of its seed. Drawing cases independently left rounds without an empty case or without a tie
and missed bugs for that reason alone; strata put each of them into every round.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradlab.errors import SignatureError
from gradlab.verify.along import shape_of
from gradlab.verify.draws import one_of
from gradlab.verify.layouts import LAYOUTS
from gradlab.verify.regimes import MILD, REGIMES
from gradlab.verify.shapes import PATTERNS, Shape, broadcast_leading
from gradlab.verify.sizes import DEGENERATE, draw_sizes
from gradlab.verify.specification import Specification


@dataclass(frozen=True, slots=True)
class Stratum:
    """What one case of a round is sure to have: a kind of sizes, and a dtype by its position in the specification.

    `ordinary` numbers hide nothing from each other. `measured` asks in each argument about one element in every way
    there is, with every costly term of the tolerance: the power of the comparison. `tilted`: its magnitude is drawn
    apart from its numbers, so that `hypothesis.target` can climb it.
    """

    sizes: str
    dtype: int = 0
    ordinary: bool = False
    measured: bool = False
    tilted: bool = False


STRATA = (
    Stratum("small", ordinary=True, measured=True),
    Stratum("small", 1, ordinary=True, measured=True),
    Stratum("equal"),
    Stratum("small", 1, ordinary=True),
    Stratum("one"),
    Stratum("empty"),
    Stratum("medium"),
    Stratum("large"),
    Stratum("medium", 1),
    Stratum("few", 1),
    Stratum("small", tilted=True),
    Stratum("small"),
    Stratum("equal", 1, ordinary=True),
    Stratum("large"),
    Stratum("medium", ordinary=True, measured=True),
)
CASES_PER_ROUND = len(STRATA)

# One round that has to do alone: nothing climbs in it, and sizes that a whole round has twice are in it once.
QUICK = tuple(STRATA[k] for k in (0, 1, 2, 4, 5, 6, 7, 9, 11, 11))

# A regime for all arguments, or for one of them with the others mild: the shares of a study that ranked them.
MODES = ("all",) * 7 + ("one",) * 8
assert len(MODES) == len(PATTERNS) == CASES_PER_ROUND <= len(REGIMES)

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


def round_of_plans(
    specification: Specification, seed: tuple[int, ...], tilt: float = 0.0, strata: Sequence[Stratum] = STRATA
) -> list[Plan]:
    """The plans of one round; `tilt` is the binary exponent of the magnitude of its tilted case.

    Raises SignatureError where no sizes satisfy `dims` and `where`.
    """
    rng = np.random.default_rng(seed)
    names = list(REGIMES)
    hot = [names[k] for k in rng.permutation(len(names))]
    layouts = [LAYOUTS[k] for k in rng.permutation(len(LAYOUTS))]
    upstreams = [UPSTREAMS[k] for k in rng.permutation(len(UPSTREAMS))]
    modes = [MODES[k] for k in rng.permutation(CASES_PER_ROUND)]
    patterns = rng.permutation(PATTERNS) if specification.broadcast else ("equal",) * CASES_PER_ROUND
    ties = set(rng.permutation(len(strata))[:TIED])
    count, turn = len(specification.arguments), int(rng.integers(1 << 16))
    plans: list[Plan] = []
    for index, stratum in enumerate(strata):
        sizes, leading, params = draw_sizes(specification, stratum.sizes, turn + index // 7, rng)
        mode = "mild" if stratum.sizes in DEGENERATE or stratum.ordinary else modes[index]
        regimes = _regimes(mode, specification, hot[index], rng)
        if stratum.tilted:
            regimes = ("normal",) * count
        # A large case has too few coordinates tried to afford numbers that hide each other.
        if stratum.sizes == "large" and rng.random() < 0.5:
            regimes = tuple(one_of(rng, MILD) for _ in regimes)
        plan = Plan(
            sizes,
            draw_shapes(specification, sizes, leading, str(patterns[index]), rng, params),
            params,
            specification.dtypes[stratum.dtype % len(specification.dtypes)],
            regimes,
            tuple(layouts[(index + k) % len(layouts)] for k in range(count + 1)),
            _upstream(upstreams[index % len(upstreams)], stratum),
            2.0**tilt if stratum.tilted else 1.0,
            count > 1 and index in ties,
            None,
            stratum.measured,
            int(rng.integers(1 << 32)),
        )
        plans.append(plan)
    _share(plans, strata, specification, rng)
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


def _share(
    plans: list[Plan], strata: Sequence[Stratum], specification: Specification, rng: np.random.Generator
) -> None:
    """In one case of the round, where two arguments may be one array, they are."""
    arguments = specification.arguments
    pairs = [(j, k) for k in range(len(arguments)) for j in range(k) if arguments[j].domain == arguments[k].domain]
    for index in rng.permutation(len(plans)) if pairs else ():
        plan, stratum = plans[index], strata[index]
        if stratum.measured or stratum.sizes in ("large", "empty"):
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


def _upstream(kind: str, stratum: Stratum) -> str:
    return "normal" if kind == "zero" and stratum.measured else kind


def _regimes(mode: str, specification: Specification, hot: str, rng: np.random.Generator) -> tuple[str, ...]:
    count = len(specification.arguments)
    if mode == "all":
        return (hot,) * count
    regimes = [one_of(rng, MILD) for _ in range(count)]
    # Labels, masks and signs have no regimes.
    continuous = [k for k, argument in enumerate(specification.arguments) if argument.domain.continuous]
    if mode == "one" and continuous:
        regimes[one_of(rng, continuous)] = hot
    return tuple(regimes)
