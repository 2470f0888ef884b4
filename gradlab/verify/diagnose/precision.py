"""Hypotheses: digits are lost, in float32, in half precision or in a numerical difference."""

from __future__ import annotations

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, largest

# Relative errors that rounding to a dtype leaves: half its eps at most, a few roundings together more.
_COARSE = (("float32", np.float32, 1e-5), ("half precision (float16)", np.float16, 2e-2))

# Rounding that comes back larger than this on mild numbers was divided by a step.
_AMPLIFIED = 1e3

# A change of the inputs in the eleventh digit: float64 follows it, anything coarser does not see it or jumps.
_NUDGE = 1e-11


def downcast(evidence: Evidence) -> Diagnosis | None:
    """Small errors of alternating sign, and an answer that does not follow a tiny change of the inputs."""
    errors: list[float] = []
    signs: list[float] = []
    for _, answer, truth in evidence.pairs:
        size = largest(truth)
        # A sum may come out right by luck; entries that are 0 or exact say nothing.
        relative = ((answer - truth) / size)[~np.isnan(truth) & (np.abs(answer - truth) > 1e-12 * size)]
        errors.extend(np.abs(relative))
        signs.extend(np.sign(relative))
    if len(errors) < 4 or max(errors) > _COARSE[-1][2] or max(errors) < 1e-10:
        return None
    onesided = abs(float(np.mean(signs)))
    worst = max(errors)
    for name, dtype, limit in _COARSE:
        if worst > limit:
            continue
        if all(_on_grid(answer, dtype) for _, answer, _ in evidence.pairs) or (
            onesided < 0.75 and all(_coarse(sample, evidence.k) for sample in evidence.samples)
        ):
            text = f"{evidence.grad} has the digits of {name} only: errors of up to {worst:.1e} of the largest entry"
            remedy = "keep the inputs' dtype throughout: look for float32 constants, astype and buffers"
            return Diagnosis("downcast", f"{text} ({evidence.fit()})", remedy, evidence.facts(error=worst))
    return differenced(evidence) if worst < 1e-4 else None


def differenced(evidence: Evidence) -> Diagnosis | None:
    """Rounding of the inputs comes back a thousand times larger, on mild numbers."""
    if not evidence.pairs:
        return None
    noise = float(np.median([_noise(sample, evidence.k) for sample, _, _ in evidence.pairs]))
    worst = max(float(np.nanmax(np.abs(a - t), initial=0.0)) / (largest(t) or 1.0) for _, a, t in evidence.pairs)
    if noise > _AMPLIFIED:
        text = f"{evidence.grad} looks numerically differenced: off by {worst:.1e}, with {noise:.1e} times the rounding"
        return Diagnosis(
            "downcast", f"{text} ({evidence.fit()})", "use the derivative's formula", evidence.facts(noise=noise)
        )
    return None


def _on_grid(answer: Array, dtype: type[np.floating]) -> bool:
    return bool(np.array_equal(answer, answer.astype(dtype).astype(np.float64))) and bool((answer != 0).any())


def _nudged(sample: Sample, k: int, relative: float, seed: int = 5) -> tuple[Array, Array] | None:
    """Backward's answer before and after every input and upstream element moves by a tiny part of itself."""
    rng = np.random.default_rng(seed)

    def move(array: Array) -> Array:
        if array.dtype.kind != "f":
            return array
        return np.asarray(array * (1 + relative * rng.uniform(0.5, 1, array.shape)))

    before = sample.answers[k]
    after = sample.trial.again([move(array) for array in sample.inputs], move(sample.grad_output))[k]
    return None if before is None or after is None else (before, after)


def _coarse(sample: Sample, k: int) -> bool:
    """True where most entries do not move at all, or jump, when the inputs move in the eleventh digit."""
    pair = _nudged(sample, k, _NUDGE)
    if pair is None or not pair[0].any():
        return False
    before, after = pair
    change = np.abs(after - before)[before != 0] / np.abs(before)[before != 0]
    return bool(((change < 0.01 * _NUDGE) | (change > 100 * _NUDGE)).mean() > 0.8)


def _noise(sample: Sample, k: int) -> float:
    """Largest change of the answer per change of its inputs, for four changes of a few roundings."""
    step = 8 * float(np.finfo(np.float64).eps)
    pairs = [_nudged(sample, k, step, seed) for seed in range(4)]
    known = [(before, after) for before, after in filter(None, pairs) if largest(before)]
    return max((float(np.abs(after - before).max()) / largest(before) / step for before, after in known), default=0.0)
