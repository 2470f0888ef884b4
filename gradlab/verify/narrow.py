"""Cases of low precision: the same plans, with numbers that the few digits and the short range can hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import Argument
from gradlab.verify.case import Case, build
from gradlab.verify.plan import round_of_plans
from gradlab.verify.specification import Specification

# Beyond 8 a square and a sum over a hundred elements leave the range of float16, in any correct code.
_REACH = 8.0
_SMALLEST = 2.0**-8

# Low precision follows paths through the code, hardly values: two rounds of cases meet them all.
ROUNDS = 2

# What overflows or vanishes by itself says nothing about the code.
_UPSTREAMS = {"huge": "normal", "tiny": "signs"}


def narrow_cases(specification: Specification, dtype: str, seed: int, rounds: int, holder: str = "") -> Iterator[Case]:
    """Rounds of cases in `dtype`; their arrays are held in `holder` where NumPy does not have the dtype itself."""
    # In float32 numbers are drawn, then rounded: the plan's own dtypes are wide ones.
    wide = replace(specification, dtypes=("float32",))
    for draw in range(min(rounds, ROUNDS)):
        for plan in round_of_plans(wide, (seed, draw, 16)):
            case = build(plan, wide)
            inputs = tuple(
                _narrowed(array, argument, dtype, holder or dtype)
                for array, argument in zip(case.inputs, specification.arguments, strict=True)
            )
            upstream = _UPSTREAMS.get(case.upstream, case.upstream)
            yield replace(case, dtype=dtype, inputs=inputs, upstream=upstream, measured=False)


def _narrowed(values: Array, argument: Argument, dtype: str, holder: str) -> Array:
    if values.dtype.kind != "f":
        return values
    domain = argument.domain
    result = values.astype(np.float64)
    largest = float(np.abs(result).max(initial=0.0))
    # One factor for the whole array keeps ties and zeros; a bounded domain keeps its numbers.
    if largest > _REACH and domain.minimum in (-np.inf, 0.0) and domain.maximum == np.inf:
        result = result * (_REACH / largest)
    if domain.kind == "positive":
        result = np.maximum(result, _SMALLEST)
    return rounded(result, dtype).astype(holder)


def rounded(values: Array, dtype: str) -> Array:
    """The nearest numbers of a dtype, as float32."""
    if dtype == "float16":
        return values.astype(np.float16).astype(np.float32)
    # bfloat16 is float32 with its lower half cut off; half a unit and the last kept bit make it round to even.
    bits = np.array(values, dtype=np.float32).view(np.uint32)
    bits = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    return np.asarray((bits & np.uint32(0xFFFF0000)).view(np.float32))
