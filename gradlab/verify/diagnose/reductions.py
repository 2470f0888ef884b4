"""Hypotheses: summed or normalised over the wrong axis, only in part, or once too often."""

from __future__ import annotations

import itertools

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, close, largest
from gradlab.verify.diagnose.terms import coupling_axes


def wrong_coupling(evidence: Evidence) -> Diagnosis | None:
    """The answer mixes entries along another axis than the truth does."""
    claims: set[int] = set()
    truths: set[int] = set()
    for sample, claimed, true in evidence.jacobians:
        shared = _shared(evidence, sample)
        claims |= coupling_axes(claimed, sample.inputs[evidence.k].shape, sample.output.shape, shared)
        truths |= coupling_axes(true, sample.inputs[evidence.k].shape, sample.output.shape, shared)
    extra, missing = claims - truths, truths - claims
    if not extra:
        return None
    text = f"{evidence.grad} mixes entries along {_axes(evidence, extra)}"
    if missing:
        text += f" where it should mix those along {_axes(evidence, missing)}"
        remedy = f"sum over {_axes(evidence, missing)} instead of {_axes(evidence, extra)}"
    else:
        text += ", which are independent of each other"
        remedy = f"do not sum over {_axes(evidence, extra)}"
    facts = evidence.facts(found=sorted(claims), true=sorted(truths))
    return Diagnosis("wrong axis", f"{text} ({evidence.fit()})", remedy, facts)


def _shared(evidence: Evidence, sample: Sample) -> dict[int, int]:
    """Axes of the argument that the output has too, by their names in the signature: {argument's: output's}."""
    if sample.inputs[evidence.k].shape == sample.output.shape:
        return {axis: axis for axis in range(sample.output.ndim)}
    names = [evidence.axis_name(axis) for axis in range(sample.inputs[evidence.k].ndim)]
    others = [evidence.axis_name(axis, -1) for axis in range(sample.output.ndim)]
    return {
        axis: others.index(name)
        for axis, name in enumerate(names)
        if name is not None and not name.isdigit() and names.count(name) == 1 and others.count(name) == 1
    }


def _axes(evidence: Evidence, axes: set[int]) -> str:
    return " and ".join(evidence.axis(axis) for axis in sorted(axes))


def summed_too_often(evidence: Evidence) -> Diagnosis | None:
    """The answer is the truth summed (or averaged) over one of its own axes and broadcast back."""
    ndim = evidence.pairs[0][2].ndim
    for count in range(1, ndim + 1):
        for axes in itertools.combinations(range(ndim), count):
            for how, word in ((np.sum, "sum"), (np.mean, "mean")):
                found: list[Array | None] = []
                for _, answer, truth in evidence.pairs:
                    if truth.ndim != ndim or min(truth.shape[axis] for axis in axes) < 2:
                        break
                    spread = np.broadcast_to(how(truth, axis=axes, keepdims=True), truth.shape)
                    found.append(np.asarray(spread))
                    if not close(np.asarray(spread), answer):
                        break
                if evidence.all_close(found):
                    where = " and ".join(evidence.axis(axis) for axis in axes)
                    text = f"{evidence.grad} is the {word} of the correct gradient over {where} ({evidence.fit()})"
                    return Diagnosis("wrong axis", text, f"do not reduce over {where}", evidence.facts())
    return None


def part_of_the_sum(evidence: Evidence) -> Diagnosis | None:
    """Some upstream elements are ignored: the first along an axis is used instead of the sum over it."""
    if not evidence.jacobians:
        return None
    used: set[tuple[int, str]] | None = None
    for sample, claimed, true in evidence.jacobians:
        size = largest(true)
        taken = np.abs(claimed) > 1e-9 * size
        if not taken.any() or (np.abs(claimed - true) > 1e-7 * size)[taken].any():
            return None
        lost = (np.abs(true) > 1e-9 * size) & ~taken
        here = _single_place(np.asarray(taken.any(axis=0)), np.asarray(lost.any(axis=0)), sample.output.shape)
        used = here if used is None else used & here
    if not used:
        return None
    axis, place = min(used)
    where = evidence.axis(axis, -1)
    if (evidence.axis_name(axis, -1) or "").isdigit():
        # An axis of fixed size stacks several outputs.
        text = f"{evidence.grad} uses only the {place} of the outputs stacked along {where} ({evidence.fit()})"
        remedy = "add the gradient that comes through the other outputs"
        return Diagnosis("missing term", text, remedy, evidence.facts(axis=axis))
    text = f"{evidence.grad} uses only the {place} entry of grad_output along {where}, not the sum ({evidence.fit()})"
    return Diagnosis("wrong axis", text, f"sum over {where} of grad_output", evidence.facts(axis=axis))


def _single_place(taken: Array, lost: Array, shape: tuple[int, ...]) -> set[tuple[int, str]]:
    if (taken & lost).any() or not lost.any():
        return set()
    found = set()
    index = np.nonzero(taken.reshape(shape))
    for axis, positions in enumerate(index):
        values = np.unique(positions)
        if shape[axis] > 1 and values.size == 1 and values[0] in (0, shape[axis] - 1):
            found.add((axis, "first" if values[0] == 0 else "last"))
    return found


def summed_apart(evidence: Evidence) -> Diagnosis | None:
    """Sums taken apart: sum(g) * sum(a) for sum(g * a)."""
    if not evidence.jacobians:
        return None
    for sample, claimed, true in evidence.jacobians:
        if sample.inputs[evidence.k].size >= sample.output.size or claimed.shape[0] == 0:
            return None
        rows = [(claimed[i][np.abs(true[i]) > 0], true[i][np.abs(true[i]) > 0]) for i in range(claimed.shape[0])]
        if any(mine.size < 3 for mine, _ in rows):
            return None
        if not all(np.ptp(mine) <= 1e-7 * largest(mine) for mine, _ in rows):
            return None
        if all(np.ptp(theirs) <= 1e-6 * largest(theirs) for _, theirs in rows):
            return None
        if not all(abs(mine.mean() - theirs.sum()) <= 1e-6 * largest(theirs) for mine, theirs in rows):
            return None
    text = (
        f"{evidence.grad} is a product of two sums, where it should be the sum of the products grad_output * factor "
        f"({evidence.fit()})"
    )
    return Diagnosis("wrong axis", text, "multiply first, then sum over the broadcast axes", evidence.facts())
