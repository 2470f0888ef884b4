"""Law "precision": in float16 and bfloat16 a gradient loses no more digits than the same code must lose there.

The truth is the subject's own gradient of the same numbers in float64, which law "value" verifies; the ordinary error
is what the subject makes in float32, scaled by the digits that are missing. Accumulation in the dtype itself counts as
ordinary (NumPy's own sum over the first axis does it); what remains are guards that underflow (1e-8 is 0 in float16),
intermediate results that overflow, and branches that only low precision takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import SPREAD_FACTOR, Scales, attainable
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "precision"

# An ordinary error is one sample of rounding; ten of them bound what else the same code may make of it.
_ORDINARY = 10.0

# float64 can afford to forgive 24 roundings of a term; in bfloat16 that would be a third of it. Six are
# still twice what the generated kernels need.
_FEWER = 0.25


@dataclass(frozen=True, slots=True)
class Narrow:
    """The format of a dtype with few digits: distance from 1 to the next number, largest and smallest normal one."""

    eps: float
    largest: float
    tiny: float


NARROW = {
    "float16": Narrow(2.0**-10, 65504.0, 2.0**-14),
    "bfloat16": Narrow(2.0**-7, 3.38953139e38, 2.0**-126),
}


def precision(trial: Trial) -> Iterator[Violation]:
    """Judges cases of low precision only; others have the law "value"."""
    narrow = NARROW.get(trial.case.dtype)
    if narrow is None or not trial.ran or not trial.forward_finite or not trial.output.size:
        return
    exact, single = _in(trial, np.float64), _in(trial, np.float32)
    for k in trial.specification.differentiable:
        answer, truth = trial.answers[k], exact[k]
        if answer is None or truth is None or not answer.size:
            continue
        bar = _bar(trial, narrow, k, truth, single[k])
        # Half the range is left to intermediate results; beyond it inf is no mistake.
        opinion = np.isfinite(truth) & (np.abs(truth) < narrow.largest / 4) & np.isfinite(bar)
        miss = np.where(opinion, np.abs(answer - truth), 0.0)
        wrong = opinion & ~(miss <= bar)
        if wrong.any() and trial.spread[k] is not None:
            # Measured per ulp of the arrays, which may be wider than the numbers in them.
            units = narrow.eps / float(np.finfo(trial.grad_output.dtype).eps)
            bar = bar + SPREAD_FACTOR["float64"] * units * np.asarray(trial.spread[k])
            wrong = opinion & ~(miss <= bar)
        agreed = opinion & ~wrong
        trial.tally.compared(f"precision in {trial.case.dtype}", np.asarray(miss / bar)[agreed])
        if wrong.any():
            yield _violation(trial, k, answer, truth, bar, wrong)


def _in(trial: Trial, dtype: type[np.floating]) -> list[Array | None]:
    """The subject's gradients of the same numbers in a wider dtype."""
    inputs = [array.astype(dtype) if array.dtype.kind == "f" else array for array in trial.case.inputs]
    return trial.wide_again(inputs, trial.grad_output.astype(dtype))


def _bar(trial: Trial, narrow: Narrow, k: int, truth: Array, single: Array | None) -> Array:
    scales = trial.scales(k)
    wide = Scales("float64", scales.upstream, scales.output, scales.weighed, scales.largest)
    x = trial.case.inputs[k].astype(np.float64)
    # Rounding is proportional to eps: the bound that float64 is judged by, in coarser units.
    bar = _FEWER * attainable(truth, np.abs(truth), x, wide) * (narrow.eps / 2.0**-52)
    if single is not None:
        ordinary = np.abs(single - truth) * (narrow.eps / 2.0**-23)
        bar = bar + _ORDINARY * np.maximum(ordinary, 0.1 * ordinary.max(initial=0.0))
    # Numbers below the smallest normal one keep an absolute error.
    return np.asarray(bar + 64 * narrow.tiny * narrow.eps * max(1.0, scales.upstream))


def _violation(trial: Trial, k: int, answer: Array, truth: Array, bar: Array, wrong: Array) -> Violation:
    ratio = np.where(wrong, np.abs(answer - truth) / bar, 0.0)
    j = int(np.argmax(np.where(np.isnan(ratio), np.inf, ratio)))
    found, exact = float(answer.reshape(-1)[j]), float(truth.reshape(-1)[j])
    index = [int(i) for i in np.unravel_index(j, answer.shape)]
    dtype, name = trial.case.dtype, trial.name(k)
    claim = f"in {dtype} grad {name}{index or ''} is {found:.6g}, in float64 {exact:.6g} for the same numbers"
    evidence: dict[str, object] = {
        "index": tuple(index),
        "backward": found,
        "true": exact,
        "tolerances": float(ratio.reshape(-1)[j]),
    }
    # A NaN needs no company: nothing rounds to it.
    return Violation(LAW, name, claim, evidence, provisional=bool(np.isfinite(found)))
