"""Law "layout": the same numbers give the same gradient wherever they lie in memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import SPREAD_FACTOR, same
from gradlab.verify.spread import output_spread
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "layout"

# A wrong reading of memory gives other numbers altogether; sums in another order, followed by the inverse of a nearly
# singular matrix, differ by many spreads.
_CONDITION = 1e3


def layout(trial: Trial) -> Iterator[Violation]:
    """Against a run on contiguous copies; within rounding, since the order of summation may follow the layout."""
    if all(name == "C" for name in trial.case.layouts):
        return
    used = ", ".join(f"{name}: {how}" for name, how in _layouts(trial))
    if trial.forward.error or trial.error:
        yield from _refused(trial, used)
        return
    if not trial.ran:
        return
    plain = trial.caller.forward(trial.case.inputs, trial.params)
    if not plain.error and plain.output.shape == trial.output.shape:
        yield from _output(trial, plain.output, used)
    twin = trial.again(trial.case.inputs, trial.grad_output)
    eps = float(np.finfo(trial.case.dtype).eps)
    for k, expected in enumerate(twin):
        answer = trial.answers[k]
        if expected is None or answer is None or not answer.size:
            continue
        scale = trial.scales(k)
        bad = ~same(answer, expected, eps, 64, scale.largest + scale.upstream)
        if bad.any():
            bad &= ~same(answer, expected, eps, 64, _terms(trial, k))
        if bad.any():
            bad &= ~(np.abs(answer - expected) <= _rounding(trial, k))
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            pair = float(answer.reshape(-1)[j]), float(expected.reshape(-1)[j])
            name, numbers = trial.name(k), f"{pair[0]:.9g}, contiguous {pair[1]:.9g}"
            claim = f"the gradient of {name} depends on the memory layout ({used}): {numbers}"
            yield Violation(LAW, trial.name(k), claim, {"laid out": pair[0], "contiguous": pair[1], "layouts": used})


def _terms(trial: Trial, k: int) -> float:
    """Size of the gradient for a generic upstream as large as this one: terms that cancel for a constant upstream."""
    size = float(np.abs(trial.grad_output).max(initial=0.0))
    generic = np.asarray(size * trial.rng.normal(size=trial.grad_output.shape)).astype(trial.grad_output.dtype)
    gradient = trial.again(trial.case.inputs, generic)[k]
    return 0.0 if gradient is None else float(np.abs(np.nan_to_num(gradient, posinf=0, neginf=0)).max(initial=0.0))


def _rounding(trial: Trial, k: int) -> Array:
    """Of two numbers normalised by each other nothing but rounding is left, which no move of the inputs changes."""
    moved, scaled = trial.spread[k], trial.rescaled_spread[k]
    bar = np.zeros(trial.inputs[k].shape) if moved is None else _CONDITION * moved
    return bar if scaled is None else np.asarray(bar + SPREAD_FACTOR[trial.case.dtype] * scaled)


def _layouts(trial: Trial) -> list[tuple[str, str]]:
    names = [*(argument.name for argument in trial.specification.arguments), "grad_output"]
    return [(name, how) for name, how in zip(names, trial.case.layouts, strict=True) if how != "C"]


def _refused(trial: Trial, used: str) -> Iterator[Violation]:
    plain = trial.caller.forward(trial.case.inputs, trial.params)
    if plain.error:
        return
    if trial.forward.error:
        # A forward that declines a layout is open about it.
        claim = f"forward refuses the layout ({used}): {trial.forward.error}"
        yield Violation(LAW, "output", claim, severity="note")
        return
    _, error = trial.caller.backward(trial.grad_output, trial.case.inputs, plain.saved, trial.params)
    if not error:
        yield Violation(LAW, "", f"backward raises for a memory layout ({used}) only: {trial.error}")


def _output(
    trial: Trial, expected: np.ndarray[tuple[int, ...], np.dtype[np.float64]], used: str
) -> Iterator[Violation]:
    found = trial.output.astype(np.float64)
    finite = np.abs(expected[np.isfinite(expected)])
    scale = float(finite.max(initial=0.0))
    # 1e4 roundings: only a wrong reading of memory is meant here, rounding of the forward belongs to "stability".
    bad = ~same(found, expected.astype(np.float64), float(np.finfo(trial.case.dtype).eps), 1e4, scale)
    if bad.any() and np.isfinite(expected).all():
        moved = output_spread(
            trial.caller, trial.case.inputs, expected.astype(np.float64), trial.params, trial.rng, trial.case.dtype
        )
        bad &= ~(np.abs(found - expected) <= SPREAD_FACTOR[trial.case.dtype] * moved)
    if bad.any():
        j = int(np.flatnonzero(bad)[0])
        pair = float(found.reshape(-1)[j]), float(expected.reshape(-1)[j])
        claim = f"forward depends on the memory layout ({used}): {pair[0]:.9g}, contiguous {pair[1]:.9g}"
        yield Violation(LAW, "output", claim)
