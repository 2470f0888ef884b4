"""Law "kinks": at a declared kink the gradient is the declared one (relu'(0) = 0, as torch has it)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "kinks"

_CONDITION = re.compile(r"\s*(\w+)\s*==\s*([-+.\w]+)\s*")


def kinks(trial: Trial) -> Iterator[Violation]:
    """For elementwise operations that declare a slope at points like "x == 0"."""
    names = [argument.name for argument in trial.specification.arguments]
    for kink in trial.specification.kinks:
        match = _CONDITION.fullmatch(kink.where)
        if match is None or match[1] != kink.argument or not trial.ran:
            continue
        k = names.index(kink.argument)
        answer, x = trial.answers[k], trial.case.inputs[k]
        if answer is None or x.shape != trial.output.shape:
            continue
        slope, at = (_number(value, trial.case.params) for value in (kink.derivative, match[2]))
        expected = slope * trial.grad_output.astype(np.float64)
        bad = (x == at) & ~(np.abs(answer - expected) <= 4 * np.finfo(trial.case.dtype).eps * np.abs(expected))
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            found, upstream = float(answer.reshape(-1)[j]), float(trial.weights[j])
            claim = (
                f"at {kink.where} the declared slope is {slope:g}; "
                f"backward gives {found:.6g} for grad_output {upstream:.6g}"
            )
            yield Violation(LAW, kink.argument, claim, {"found": found, "grad_output": upstream})


def _number(value: float | str, params: Mapping[str, Any]) -> float:
    """A number, or the value of the parameter that it names."""
    return float(params[value] if isinstance(value, str) and value in params else value)
