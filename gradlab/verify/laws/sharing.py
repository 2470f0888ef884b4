"""Law "sharing": the same array passed as two arguments gives each of them the gradient that a copy would get."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.verify.judge import same
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "sharing"

# As between two calls: one sum may run in another order.
_ROUNDINGS = 64


def sharing(trial: Trial) -> Iterator[Violation]:
    """x + x is a call of add(a, b) like any other: gradients kept per array, or found by identity, come out doubled."""
    if trial.case.shared is None or not trial.ran:
        return
    first, second = trial.case.shared
    apart = [np.array(array, order="C") for array in trial.case.inputs]
    if not np.array_equal(apart[first], apart[second]):
        return
    usual = trial.again(apart, trial.grad_output)
    together = [np.array(array, order="C") for array in trial.case.inputs]
    together[second] = together[first]
    eps = float(np.finfo(trial.case.dtype).eps)
    pair = f"{trial.name(first)} and {trial.name(second)}"
    for k, answer in enumerate(trial.again(together, trial.grad_output)):
        expected = usual[k]
        if expected is None or not expected.size:
            continue
        if answer is None:
            claim = f"no usable gradient of {trial.name(k)} comes back where one array is passed as {pair}"
            yield Violation(LAW, trial.name(k), claim)
            continue
        scale = float(np.abs(np.nan_to_num(expected, posinf=0, neginf=0)).max())
        if not same(expected, answer, eps, _ROUNDINGS, scale).all():
            j = int(np.argmax(np.abs(np.nan_to_num(expected - answer, nan=np.inf))))
            numbers = float(expected.reshape(-1)[j]), float(answer.reshape(-1)[j])
            claim = (
                f"one array passed as {pair} gives {numbers[1]:.9g} in the gradient of {trial.name(k)}; "
                f"two equal arrays give {numbers[0]:.9g}"
            )
            yield Violation(LAW, trial.name(k), claim, {"apart": numbers[0], "shared": numbers[1]})
