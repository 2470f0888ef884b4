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
    return _kept_one(evidence, 1) or _kept_one(evidence, 0)


def _kept_one(evidence: Evidence, axis: int) -> Diagnosis | None:
    several = 0
    for _, claimed, true in evidence.jacobians:
        if axis == 0:
            claimed, true = claimed.T, true.T
        mine, theirs = _supports(claimed, true)
        if (mine & ~theirs).any() or (np.abs(claimed - true)[mine] > 1e-7 * largest(true)).any():
            return None
        counts, kept = theirs.sum(axis=1), mine.sum(axis=1)
        # One is left of several, or (where each comes with others, as the channels of a window do) some of them.
        if (kept[counts >= 1] < 1).any() or (axis == 0 and (kept[counts >= 1] != 1).any()):
            return None
        several += int((counts > kept).sum())
    if several < 2 or not evidence.jacobians:
        return None
    text = f"where several outputs contribute to one element of {evidence.grad}, only some of them count"
    if axis == 0:
        text = f"where several elements of {evidence.name} contribute to one output, only one of them gets its gradient"
    remedy = "add contributions (+= in a loop, np.add.at for indices) instead of assigning them"
    return Diagnosis("missing term", f"{text} ({evidence.fit()}, {several} elements)", remedy, evidence.facts())


def inverted_mask(evidence: Evidence) -> Diagnosis | None:
    """Nonzero exactly where the truth is zero."""
    seen = 0
    for sample, answer, truth in evidence.pairs:
        mine, theirs = answer != 0, np.abs(truth) > 1e-9 * largest(truth)
        weighed = np.ones(answer.shape, dtype=bool)
        if sample.output.shape == answer.shape:
            weighed = sample.grad_output != 0
        # A diagonal may belong to both.
        if (mine ^ theirs)[weighed].mean() < 0.7 or not mine.any() or not theirs.any():
            return None
        if not (mine[~theirs & weighed]).all():
            return None
        seen += int(mine.sum())
    if seen < 4:
        return None
    text = f"{evidence.grad} is zero where it should not be and the reverse: the mask is inverted ({evidence.fit()})"
    return Diagnosis("mistaken quantity", text, "invert the condition of the mask", evidence.facts())


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


def other_element(evidence: Evidence) -> Diagnosis | None:
    """Every output passes its gradient to one element, with the right factor, but to another one."""
    moved = 0
    for _, claimed, true in evidence.jacobians:
        mine, theirs = _supports(claimed, true)
        if (mine.sum(axis=0) != theirs.sum(axis=0)).any() or (theirs.sum(axis=0) != 1).any():
            return None
        if np.abs(claimed.sum(axis=0) - true.sum(axis=0)).max() > 1e-7 * largest(true):
            return None
        moved += int((mine & ~theirs).sum())
    if moved < 4:
        return None
    text = f"grad_output goes to another element of {evidence.name} than the one that the output was taken from"
    how = _chosen(evidence)
    remedy = "use the indices that forward used"
    return Diagnosis("shifted", f"{text}{how} ({evidence.fit()})", remedy, evidence.facts(moved=moved))


def _chosen(evidence: Evidence) -> str:
    """Whether the elements chosen are always smaller (or larger) than those that should have been."""
    less: list[bool] = []
    for sample, claimed, true in evidence.jacobians:
        x = sample.inputs[evidence.k].reshape(-1)
        mine, theirs = np.abs(claimed).argmax(axis=0), np.abs(true).argmax(axis=0)
        less.extend((x[mine] < x[theirs])[mine != theirs])
    return ": always to a smaller one" if all(less) else ": always to a larger one" if not any(less) else ""


def lost(evidence: Evidence) -> Diagnosis | None:
    """With indices or labels: right where it is not zero, and zero at elements that should not be."""
    specification = evidence.laboratory.specification
    if not any(argument.domain.kind in ("labels", "integers") for argument in specification.arguments):
        return None
    gone = right = 0
    for _, answer, truth in evidence.pairs:
        size = largest(truth)
        if (np.abs(answer - truth)[answer != 0] > 1e-7 * size).any():
            return None
        gone += int(((answer == 0) & (np.abs(truth) > 1e-9 * size)).sum())
        right += int((answer != 0).sum())
    if gone < 4 or right < 4:
        return None
    text = f"{evidence.grad} lacks contributions: {gone} elements are zero and should not be, {right} are right"
    return Diagnosis("missing term", f"{text} ({evidence.fit()})", "check which indices are skipped", evidence.facts())
