"""Hypotheses: wrong only where an input, the output or grad_output has certain values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample

_FEWEST = 3  # elements on each side of a threshold


@dataclass(frozen=True, slots=True)
class _Marked:
    """Values of one array beside the verdict on the elements that they belong to."""

    values: Array
    wrong: Array


def region(evidence: Evidence) -> Diagnosis | None:
    """One array's sign or size separates the wrong elements from the right ones, in all draws together."""
    for name, read in _arrays(evidence):
        marked = _marked(evidence, read)
        if marked is None:
            continue
        where = _separated(marked)
        if where is not None:
            text, remedy = f"{evidence.grad} is wrong only where {where.format(name)}", "check the branch for {}"
            counts = evidence.facts(wrong=int(marked.wrong.sum()), right=int((~marked.wrong).sum()))
            zero = _all_zero(evidence)
            text += ", where it is zero" if zero else ""
            facts = f"{int(marked.wrong.sum())} wrong, {int((~marked.wrong).sum())} right elements"
            return Diagnosis("region", f"{text} ({facts})", remedy.format(where.format(name)), counts)
    return None


def _all_zero(evidence: Evidence) -> bool:
    return all(not answer[_mask(sample, evidence.k)].any() for sample, answer, _ in evidence.pairs)


def _mask(sample: Sample, k: int) -> Array:
    wrong = sample.wrong(k)
    assert wrong is not None
    return wrong


Read = Callable[[Sample], Array | None]


def _arrays(evidence: Evidence) -> Iterator[tuple[str, Read]]:
    """Arrays with one value for each element of the argument."""
    shape_of = evidence.k
    order = [evidence.k, *(j for j in range(len(evidence.laboratory.names)) if j != evidence.k)]
    for j in order:

        def read(sample: Sample, j: int = j) -> Array | None:
            array = sample.inputs[j]
            same = array.shape == sample.inputs[shape_of].shape and array.dtype.kind in "fib"
            return array.astype(np.float64) if same else None

        yield evidence.laboratory.names[j], read
    yield "the output", lambda s: s.output if s.output.shape == s.inputs[shape_of].shape else None
    yield "grad_output", lambda s: s.grad_output if s.output.shape == s.inputs[shape_of].shape else None
    for a in order:
        for b in order:
            if a < b:

                def difference(sample: Sample, a: int = a, b: int = b) -> Array | None:
                    first, second = sample.inputs[a], sample.inputs[b]
                    same = first.shape == second.shape == sample.inputs[shape_of].shape
                    return first - second if same and first.dtype.kind == second.dtype.kind == "f" else None

                names = evidence.laboratory.names
                yield f"{names[a]} - {names[b]}", difference


def _marked(evidence: Evidence, read: Read) -> _Marked | None:
    values, masks = [], []
    for sample in evidence.samples:
        array, wrong, truth, answer = (
            read(sample), sample.wrong(evidence.k), sample.truth(evidence.k), sample.answers[evidence.k]
        )  # fmt: skip
        if array is None or wrong is None or truth is None or answer is None:
            return None
        # Where both are zero an element is right for want of an upstream gradient or of a slope.
        telling = wrong | (truth != 0)
        values.append(array[telling])
        masks.append(wrong[telling])
    if not values:
        return None
    marked = _Marked(np.concatenate(values), np.concatenate(masks))
    few = min(int(marked.wrong.sum()), int((~marked.wrong).sum())) < _FEWEST
    return None if few or marked.wrong.size < 10 else marked


def _separated(marked: _Marked) -> str | None:
    x, wrong = marked.values, marked.wrong
    for text, rule in (
        ("{} is negative", x < 0),
        ("{} is positive", x > 0),
        ("{} is 0", x == 0),
        ("{} is not 0", x != 0),
    ):
        if np.array_equal(rule, wrong):
            return text
    for text, key in (("{}", x), ("|{}|", np.abs(x))):
        low, high = key[wrong], key[~wrong]
        if low.min() > high.max():
            return f"{text} > {_between(float(high.max()), float(low.min()))}"
        if low.max() < high.min():
            return f"{text} < {_between(float(low.max()), float(high.min()))}"
    return None


def _between(right: float, wrong: float) -> str:
    """The shortest number between two."""
    low, high = sorted((right, wrong))
    for digits in range(6):
        for candidate in (round((low + high) / 2, digits), round(low, digits), round(high, digits)):
            if low <= candidate <= high:
                return f"{candidate:g}"
    return f"{(low + high) / 2:g}"


def approximation(evidence: Evidence) -> Diagnosis | None:
    """Elementwise, right near 0 and worse the larger the input: a series or a rational function."""
    sizes: list[float] = []
    errors: list[float] = []
    for sample, claimed, true in evidence.jacobians:
        if claimed.shape[0] != claimed.shape[1] or np.count_nonzero(true - np.diag(np.diag(true))):
            return None
        slope = np.diag(true)
        sizes.extend(np.abs(sample.inputs[evidence.k].reshape(-1)))
        errors.extend(np.abs(np.diag(claimed) - slope) / np.abs(slope))
    order = np.argsort(sizes)
    ranked = np.array(errors)[order]
    if ranked.size < 16 or (np.diff(ranked) < -0.02 * ranked[1:]).any() or ranked[0] > 0.02 * ranked[-1]:
        return None
    near, far = np.array(sizes)[order][[0, -1]]
    text = (
        f"{evidence.grad} is nearly right for small |{evidence.name}| and worse the larger it is "
        f"(relative error {ranked[0]:.1e} at {near:.2g}, {ranked[-1]:.1e} at {far:.2g}): an approximation"
    )
    return Diagnosis("region", text, "use the derivative itself, not its series", evidence.facts(errors=len(errors)))
