"""Law "edges": where there is nothing to sum the gradient is exactly zero, never NaN; a zero upstream gives zeros."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "edges"


def edges(trial: Trial) -> Iterator[Violation]:
    """Empty outputs, and B(0) = 0."""
    if not trial.ran:
        return
    if not trial.output.size:
        for k, answer in enumerate(trial.answers):
            name = trial.name(k)
            if answer is not None and (answer != 0).any():
                found = _first(answer)
                claim = f"the output is empty, so the gradient of {name} is exactly 0; backward gives {found}"
                yield Violation(LAW, name, claim, {"sizes": dict(trial.case.sizes)})
            elif answer is not None and "0" in (trial.specification.signature.output or ()):
                # Empty by its signature: there is nothing else to verify.
                trial.tally.record(name, trial.case.dtype, "empty output", answer.size, 0.0)
        return
    if not trial.forward_finite:
        return
    zero = trial.again(trial.inputs, np.zeros_like(trial.output))
    for k, answer in enumerate(zero):
        usual = trial.answers[k]
        # A backward whose factor is infinite here (sqrt at 0) gives 0 * inf.
        if answer is None or usual is None or not np.isfinite(usual).all():
            continue
        if (answer != 0).any():
            claim = f"grad_output is zero, so the gradient of {trial.name(k)} is 0; backward gives {_first(answer)}"
            yield Violation(LAW, trial.name(k), claim)


def _first(answer: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    return f"{float(answer[answer != 0].reshape(-1)[0])!r}"
