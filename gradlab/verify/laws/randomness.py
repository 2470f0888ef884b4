"""Why two equal calls differ: random numbers in forward or in backward, a state that piles up, or something else."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import listed, numeric
from gradlab.verify.trial import Trial

MASK = "a dropout mask is an input: draw it outside and pass it as an argument (domain gradlab.mask())"


# Seeds of repeated calls: several, since a mask of one element is the same in every second draw.
_SAME, _OTHERS = (1,) * 8, (2, 3, 4, 5)


@contextmanager
def _global_state() -> Iterator[None]:
    """The global generators are put back as they were."""
    kept, plain = np.random.get_state(), random.getstate()  # noqa: NPY002 - the code under test may use them
    try:
        yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002
        random.setstate(plain)


def _seeded(seed: int) -> None:
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def random_forward(trial: Trial) -> str:
    """What is the matter where forward gives other numbers in a second call, else ""."""
    with _global_state():
        outputs: list[list[Array | None]] = []
        for seed in (*_SAME, *_OTHERS):
            _seeded(seed)
            forward = trial.caller.forward(trial.inputs, trial.params)
            if forward.error or forward.output.shape != trial.output.shape:
                return ""
            # What it saves counts too: a mask over zeros does not show in the output.
            saved = trial.caller.subject.saved_arrays(forward.saved)
            outputs.append([np.array(forward.output), *map(np.array, saved)])
    equal = [_equal([outputs[0], output]) for output in outputs]
    if all(equal[: len(_SAME)]):
        # The seed decides the output, or it does not vary at all: then it varied with something else before.
        drawn = not all(equal)
        return f"forward draws random numbers; {MASK}" if drawn else ""
    return f"forward is nondeterministic: it draws random numbers or keeps a state; {MASK}"


def random_backward(trial: Trial) -> str:
    """What is the matter where backward answers differently for identical saved state, else ""."""
    forward = trial.caller.forward(trial.inputs, trial.params)
    if forward.error or trial.upstream is None:
        return ""

    def answers() -> list[Array | None]:
        assert trial.upstream is not None
        returned, error = trial.caller.backward(trial.upstream.array, trial.inputs, forward.saved, trial.params)
        shapes = [array.shape for array in trial.case.inputs]
        found = [] if error else numeric(listed(returned, len(shapes)), shapes)
        return [None if answer is None else np.array(answer) for answer in found]

    with _global_state():
        runs = []
        for seed in (*_SAME, *_OTHERS):
            _seeded(seed)
            runs.append(answers())
    if not all(runs) or _equal(runs):
        return ""
    if _equal(runs[: len(_SAME)]):
        return f"backward is nondeterministic: it draws random numbers, also with identical saved state; {MASK}"
    if _steady(runs):
        return "backward keeps a state that grows with every call: set gradients, do not add to them"
    return (
        "backward is nondeterministic: with identical inputs and saved state every call gives other numbers; "
        f"it draws random numbers or keeps a state; {MASK}"
    )


def _equal(runs: list[list[Array | None]]) -> bool:
    first = runs[0]
    return all(len(run) == len(first) for run in runs) and all(
        _same(answer, usual) for run in runs[1:] for answer, usual in zip(run, first, strict=True)
    )


def _same(left: Array | None, right: Array | None) -> bool:
    if left is None or right is None:
        return left is right
    return np.array_equal(left, right, equal_nan=left.dtype.kind == "f")


def _steady(runs: list[list[Array | None]]) -> bool:
    """Every call adds the same again: a sum that is never set back."""
    for answers in zip(*runs, strict=True):
        arrays = [answer for answer in answers if answer is not None]
        if len(arrays) < len(runs):
            continue
        steps = np.diff(np.stack(arrays), axis=0)
        size = float(np.abs(steps).max(initial=0.0))
        if size and not np.allclose(steps, steps[:1], rtol=1e-6, atol=1e-6 * size):
            return False
    return True
