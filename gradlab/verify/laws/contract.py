"""Law "contract": one gradient per argument, of its shape and dtype; None exactly where there is none to give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradlab.verify.along import leading_of, shape_of
from gradlab.verify.calls import not_an_array
from gradlab.verify.oracles.reference import TORCH
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Severity, Violation

LAW = "contract"


def contract(trial: Trial) -> Iterator[Violation]:
    """Arity, shape, dtype and None placement, exactly as returned: nothing repairs them first."""
    if trial.forward.error:
        if not _refused_by_all(trial):
            yield _refusal(trial)
        return
    yield from _output(trial)
    if trial.upstream is None:
        return
    if trial.error:
        if trial.forward_finite:
            yield Violation(LAW, "", f"backward raises {trial.error}", {"error": trial.error})
        return
    count = len(trial.inputs)
    if isinstance(trial.returned, list) and all(isinstance(item, float | int | list) for item in trial.returned):
        claim = "backward returns a list of numbers; a tuple with one array for each argument is expected"
        yield Violation(LAW, "", claim)
        return
    if isinstance(trial.returned, list):
        yield Violation(LAW, "", "backward returns a list; a tuple is the convention", severity="note")
    if len(trial.gradients) != count:
        claim = f"backward returns {len(trial.gradients)} gradients for {count} arguments"
        yield Violation(LAW, "", claim, {"returned": len(trial.gradients), "expected": count})
        return
    for k, gradient in enumerate(trial.gradients):
        yield from _gradient(trial, k, gradient)


def _refused_by_all(trial: Trial) -> bool:
    """Where an independent reference refuses the case as well it is no legal one: the maximum of nothing."""
    if not trial.forward.error.startswith("raises"):
        return False
    independent = [reference for reference in trial.references if reference.name == TORCH]
    return any(reference.output(trial.case.inputs, trial.params) is None for reference in independent)


def _refusal(trial: Trial) -> Violation:
    # Registered operations promise to take every legal case; a user's forward may decline some, and says so.
    claim = f"forward {trial.forward.error}"
    refused = trial.forward.error.startswith("raises")
    severity: Severity = "note" if refused and not trial.specification.strict else "failure"
    return Violation(LAW, "output", claim, {"error": trial.forward.error}, severity)


def _output(trial: Trial) -> Iterator[Violation]:
    named = trial.specification.signature.output
    if trial.output.dtype.kind != "f":
        claim = (
            f"forward returns {trial.output.dtype} for {trial.case.dtype} inputs; a floating-point output is expected"
        )
        yield Violation(LAW, "output", claim, {"dtype": str(trial.output.dtype)})
        return
    if named is None:
        return
    specification, params = trial.specification, trial.params
    pairs = zip(specification.signature.inputs, trial.inputs, strict=True)
    leading = np.broadcast_shapes(*(leading_of(specification, dims, array.shape, params) for dims, array in pairs))
    shape = shape_of(specification, named, trial.case.sizes, leading, params)
    if trial.output.shape != shape:
        claim = f"forward returns shape {trial.output.shape}; the signature promises {shape}"
        yield Violation(LAW, "output", claim, {"shape": trial.output.shape, "expected": shape})


def _gradient(trial: Trial, k: int, gradient: Any) -> Iterator[Violation]:
    argument = trial.specification.arguments[k]
    if not argument.differentiable:
        if gradient is not None:
            claim = f"{argument.name} has no gradient: backward must return None for it, not {type(gradient).__name__}"
            yield Violation(LAW, argument.name, claim)
        return
    if gradient is None:
        yield from _missing(trial, k)
        return
    wrong = "an int; an array is expected" if isinstance(gradient, int) else not_an_array(gradient)
    if wrong:
        yield Violation(LAW, argument.name, f"the gradient of {argument.name} is {wrong}")
        return
    array = np.asarray(gradient)
    expected = trial.inputs[k]
    if array.shape != expected.shape:
        claim = f"the gradient of {argument.name} has shape {array.shape}; the argument has {expected.shape}"
        yield Violation(LAW, argument.name, claim, {"shape": array.shape, "expected": expected.shape})
        return
    # float64 results for float32 inputs are not backward's fault where forward does the same.
    kept = trial.output.dtype == np.dtype(trial.case.dtype)
    if kept and array.dtype != expected.dtype and not isinstance(gradient, float):
        claim = f"the gradient of {argument.name} is {array.dtype} for {expected.dtype} inputs; forward keeps the dtype"
        yield Violation(LAW, argument.name, claim, {"dtype": str(array.dtype), "expected": str(expected.dtype)})


def _missing(trial: Trial, k: int) -> Iterator[Violation]:
    """None stands for a zero gradient, and is a failure only where the true one is not zero."""
    differences, elements = trial.differences, np.arange(trial.inputs[k].size)[:8]
    truth = differences.coordinates(k, elements, trial.weights, lambda value, error, magnitude, which: value * 0 + 2)
    if (np.abs(truth.value) > 10 * truth.error).any():
        largest = float(np.nanmax(np.abs(truth.value)))
        claim = f"backward returns None for {trial.name(k)}, whose gradient is not zero"
        yield Violation(LAW, trial.name(k), claim, {"largest true value": largest})
