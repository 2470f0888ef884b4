"""Hypotheses about which outputs contribute to which input: contributions lost, a mask inverted, another winner."""

from __future__ import annotations

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import largest


def _supports(claimed: Array, true: Array) -> tuple[Array, Array]:
    size = 1e-9 * max(largest(claimed), largest(true))
    return np.abs(claimed) > size, np.abs(true) > size


def overwritten(evidence: Evidence) -> Diagnosis | None:
    """Elements with several contributions keep one of them; those with a single one are right."""
    several = 0
    for _, claimed, true in evidence.jacobians:
        mine, theirs = _supports(claimed, true)
        if (mine & ~theirs).any() or (np.abs(claimed - true)[mine] > 1e-7 * largest(true)).any():
            return None
        counts, kept = theirs.sum(axis=1), mine.sum(axis=1)
        if (kept[counts == 1] != 1).any() or (kept[counts > 1] != 1).any():
            return None
        several += int((counts > 1).sum())
    if several < 2 or not _some_single(evidence):
        return None
    text = f"where several outputs contribute to one element of {evidence.grad}, only one of them counts"
    remedy = "add contributions (+= in a loop, np.add.at for indices) instead of assigning them"
    return Diagnosis("missing term", f"{text} ({evidence.fit()}, {several} elements)", remedy, evidence.facts())


def _some_single(evidence: Evidence) -> bool:
    return any((_supports(claimed, true)[1].sum(axis=1) == 1).any() for _, claimed, true in evidence.jacobians)


def inverted_mask(evidence: Evidence) -> Diagnosis | None:
    """Nonzero exactly where the truth is zero."""
    seen = 0
    for sample, answer, truth in evidence.pairs:
        mine, theirs = answer != 0, np.abs(truth) > 1e-9 * largest(truth)
        weighed = np.ones(answer.shape, dtype=bool)
        if sample.output.shape == answer.shape:
            weighed = sample.grad_output != 0
        if not np.array_equal(mine[weighed], ~theirs[weighed]) or not mine.any() or not theirs.any():
            return None
        seen += int(mine.sum())
    if seen < 4:
        return None
    text = f"{evidence.grad} is zero exactly where it should not be: the mask is inverted ({evidence.fit()})"
    return Diagnosis("region", text, "invert the condition of the mask", evidence.facts())


def lost_mask(evidence: Evidence) -> Diagnosis | None:
    """Right wherever the truth is not zero, and not zero where it should be."""
    extra = right = 0
    for _, answer, truth in evidence.pairs:
        size = largest(truth)
        theirs = np.abs(truth) > 1e-9 * size
        if (np.abs(answer - truth)[theirs] > 1e-7 * size).any():
            return None
        extra += int((~theirs & (answer != 0)).sum())
        right += int(theirs.sum())
    if extra < 4 or right < 4:
        return None
    text = f"{evidence.grad} is right where it is not zero, but {extra} elements that should be zero are not"
    return Diagnosis("region", f"{text} ({evidence.fit()})", "apply the mask to grad_output", evidence.facts())
