"""Law "purity": forward and backward change nothing that they were given, nor the memory around it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "purity"


def purity(trial: Trial) -> Iterator[Violation]:
    """Bytes of inputs, upstream gradient and saved arrays before and after, guard bands included."""
    for k, placed in enumerate(trial.placed):
        name = trial.name(k)
        if trial.after_forward[k] != trial.before[k]:
            yield Violation(LAW, name, f"forward changes its input {name} in place")
        elif placed.fingerprint() != trial.after_forward[k]:
            yield Violation(LAW, name, f"backward changes the input {name} in place")
    if trial.upstream is None:
        return
    if trial.upstream.fingerprint() != trial.upstream_before:
        yield Violation(LAW, "grad_output", "backward changes grad_output in place")
    for before, array in zip(trial.saved_before, trial.saved, strict=True):
        if array.tobytes() != before:
            yield Violation(LAW, "saved", "backward changes a saved array in place: a second backward would be wrong")
            break
    yield from _aliases(trial)


def _aliases(trial: Trial) -> Iterator[Violation]:
    # Legitimate for identity, reshape or broadcast: worth knowing, no failure.
    upstream = trial.upstream
    assert upstream is not None
    held = [("grad_output", upstream.buffer)]
    held += [(trial.name(k), placed.buffer) for k, placed in enumerate(trial.placed)]
    gradients = [
        (trial.name(k), g) for k, g in enumerate(trial.gradients) if isinstance(g, np.ndarray) and k < len(trial.inputs)
    ]
    for name, gradient in gradients:
        for other, array in held:
            if np.may_share_memory(gradient, array):
                yield Violation(LAW, name, f"the gradient of {name} shares memory with {other}", severity="note")
        held.append((f"the gradient of {name}", gradient))
