"""Answers that change from call to call: by chance, or because something is remembered."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import listed, numeric
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.diagnose.sample import Sample, close

_CALLS = 6
_EXACT = 1e-13


def state(laboratory: Laboratory, k: int, sample: Sample | None = None) -> Diagnosis | None:
    """Six identical calls, then two forwards before the backward of the first; None where all is well."""
    sample = sample or (laboratory.ordinary[0] if laboratory.ordinary else None)
    if sample is None or sample.answers[k] is None:
        return None
    name = laboratory.names[k]
    answers = [sample.trial.again(sample.inputs, sample.grad_output)[k] for _ in range(_CALLS)]
    calls = [answer for answer in answers if answer is not None]
    if len(calls) < _CALLS:
        return None
    if not all(close(answer, calls[0], _EXACT) for answer in calls[1:]) and calls[0].size:
        return _changing(laboratory, name, k, sample, calls)
    return _shared(name, k, sample) or _memoised(laboratory, name, k) or _interleaved(laboratory, name, k, sample)


def _changing(laboratory: Laboratory, name: str, k: int, sample: Sample, calls: list[Array]) -> Diagnosis:
    facts = {"calls": _CALLS}
    step = calls[1] - calls[0]
    remedy = "keep nothing between calls: start every gradient from zero"
    if all(close(calls[n + 1] - calls[n], step, 1e-9) for n in range(1, _CALLS - 1)):
        text = f"every identical call adds the same to grad {name}: gradients accumulate ({_CALLS} calls)"
        return Diagnosis("stale state", text, remedy, facts)
    ratio = _ratio(calls[0], calls[1])
    if ratio is not None and all(abs((_ratio(a, b) or 0) - ratio) < 1e-9 for a, b in pairwise(calls)):
        text = (
            f"every identical call multiplies grad {name} by {ratio:.6g}: something grows in between ({_CALLS} calls)"
        )
        return Diagnosis("stale state", text, remedy, facts)
    for period in (2, 3):
        if all(close(calls[n + period], calls[n], _EXACT) for n in range(_CALLS - period)):
            text = f"identical calls give grad {name} in a cycle of {period}: a counter decides ({_CALLS} calls)"
            return Diagnosis("stale state", text, "let the answer depend on the arguments only", facts)
    settled = all(close(call, calls[-1], _EXACT) for call in calls[2:])
    if settled:
        text = f"grad {name} depends on the call before: identical calls agree only later ({_CALLS} calls)"
        return Diagnosis("stale state", text, "let the answer depend on the arguments only", facts)
    size = max(float(np.abs(a - b).max()) for a, b in pairwise(calls))
    relative = size / (float(np.abs(calls[0]).max()) or 1.0)
    text = f"identical calls give different grad {name}, by up to {relative:.1e} of it ({_CALLS} calls, no pattern)"
    remedy = "draw random numbers in forward and keep them, or take them as an argument"
    return Diagnosis("random", text, remedy, {**facts, "relative": relative})


def _ratio(first: Array, second: Array) -> float | None:
    scale = float((first**2).sum())
    if not scale:
        return None
    ratio = float((first * second).sum()) / scale
    return ratio if close(second, ratio * first, 1e-9) else None


def _shared(name: str, k: int, sample: Sample) -> Diagnosis | None:
    """A second call with another upstream gradient overwrites what the first call returned."""
    trial = sample.trial
    forward = trial.caller.forward(sample.inputs, trial.params)
    returned, error = trial.caller.backward(sample.grad_output, sample.inputs, forward.saved, trial.params)
    gradients = listed(returned, len(sample.inputs))
    if error or k >= len(gradients) or not isinstance(gradients[k], np.ndarray):
        return None
    before = np.array(gradients[k])
    trial.again(sample.inputs, 2 * sample.grad_output)
    if np.array_equal(before, gradients[k], equal_nan=True):
        return None
    text = f"the next call overwrites the grad {name} that was returned: both are the same buffer"
    return Diagnosis("stale state", text, "return a new array, or a copy of the workspace", {"calls": 2})


def _interleaved(laboratory: Laboratory, name: str, k: int, sample: Sample) -> Diagnosis | None:
    """Forward A, forward B, backward A: a cache that holds one call answers for B."""
    trial, other = sample.trial, laboratory.sample(replace(sample.case, seed=sample.case.seed + 1))
    for second in [*laboratory.ordinary[1:2], *laboratory.other_params, other]:
        if not second.usable:
            continue
        first = trial.caller.forward(sample.inputs, trial.params)
        trial.caller.forward(second.inputs, second.params)
        returned, error = trial.caller.backward(sample.grad_output, sample.inputs, first.saved, trial.params)
        shapes = [array.shape for array in sample.inputs]
        answer = None if error else numeric(listed(returned, len(shapes)), shapes)[k]
        usual = sample.answers[k]
        if answer is not None and usual is not None and not close(answer, usual, _EXACT) and usual.any():
            text = f"grad {name} uses what the last forward left behind, not the forward that it belongs to"
            remedy = "keep one cache per call: return it from forward and pass it to backward"
            return Diagnosis("stale state", text, remedy, {"calls": 2})
    return None


def _memoised(laboratory: Laboratory, name: str, k: int) -> Diagnosis | None:
    """Other numbers of the same shapes get the answer of the first call, although the truth differs."""
    if len(laboratory.ordinary) < 2:
        return None
    first, second = laboratory.ordinary[:2]
    one, two = first.answers[k], second.answers[k]
    if one is None or two is None or not one.any() or not np.array_equal(one, two):
        return None
    truths = first.truth(k), second.truth(k)
    if truths[0] is None or truths[1] is None or close(truths[0], truths[1]):
        return None
    text = f"grad {name} stays the same for other numbers of the same shapes: an earlier answer is returned again"
    remedy = "a cache must not be keyed by shapes: compute the gradient in every call"
    return Diagnosis("stale state", text, remedy, {"calls": 2})
