"""Hypotheses: the right formula for another array: arguments exchanged, output for input, a factor transposed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, close


def swapped_arguments(evidence: Evidence) -> Diagnosis | None:
    """The answer for one argument is the truth for another one of the same shape."""
    for j, other in evidence.others():
        truths = [
            sample.truth(j) if sample.inputs[j].shape == answer.shape else None for sample, answer, _ in evidence.pairs
        ]
        if evidence.all_close(truths):
            text = f"{evidence.grad} is the correct gradient of {other} ({evidence.fit()})"
            remedy = f"exchange the gradients of {evidence.name} and {other} in what backward returns"
            return Diagnosis("swapped arguments", text, remedy, evidence.facts(other=other))
    return None


def mistaken_input(evidence: Evidence) -> Diagnosis | None:
    """The answer is the truth of a case in which one input is another array."""
    for text, remedy, replaced in _replacements(evidence):
        found: list[Array | None] = []
        for sample, answer, _ in evidence.pairs:
            if evidence.laboratory.expired:
                return None
            other = replaced(sample)
            found.append(None if other is None or not other.usable else other.truth(evidence.k, sample.grad_output))
            if found[-1] is None or not close(found[-1], answer):
                break
        if evidence.all_close(found):
            return Diagnosis("mistaken quantity", f"{text} ({evidence.fit()})", remedy, evidence.facts())
    return None


def _replacements(evidence: Evidence) -> Iterator[tuple[str, str, Callable[[Sample], Sample | None]]]:
    laboratory, grad = evidence.laboratory, evidence.grad
    names = laboratory.names
    continuous = [j for j, argument in enumerate(laboratory.specification.arguments) if argument.domain.continuous]
    for j in continuous:

        def with_output(sample: Sample, j: int = j) -> Sample | None:
            legal = sample.output.shape == sample.inputs[j].shape and _inside(evidence, j, sample.output)
            return laboratory.with_inputs(sample, {j: sample.output}) if legal else None

        yield (
            f"{grad} is the correct gradient with the output in place of {names[j]}",
            f"use {names[j]} where backward uses the output",
            with_output,
        )
        for m in continuous:

            def with_other(sample: Sample, j: int = j, m: int = m) -> Sample | None:
                same = j != m and sample.inputs[j].shape == sample.inputs[m].shape
                legal = same and _inside(evidence, j, sample.inputs[m])
                return laboratory.with_inputs(sample, {j: sample.inputs[m]}) if legal else None

            yield (
                f"{grad} is the correct gradient with {names[m]} in place of {names[j]}",
                f"use {names[j]} where backward uses {names[m]}",
                with_other,
            )


def _inside(evidence: Evidence, j: int, values: Array) -> bool:
    domain = evidence.laboratory.specification.arguments[j].domain
    return bool((values >= domain.minimum).all() and (values <= domain.maximum).all())


def input_for_output(evidence: Evidence) -> Diagnosis | None:
    """Backward at x = f(u) answers with the truth at u: it takes x for the output of the call that made it."""
    fitted = 0
    for sample, _, _ in evidence.pairs:
        if sample.output.shape != sample.inputs[evidence.k].shape or not _inside(evidence, evidence.k, sample.output):
            return None
        later = evidence.laboratory.with_inputs(sample, {evidence.k: sample.output})
        answer, truth = later.answers[evidence.k], sample.truth(evidence.k)
        if not later.usable or answer is None or truth is None or not close(answer, truth):
            return None
        fitted += 1
    if not fitted:
        return None
    name = evidence.name
    text = f"{evidence.grad} is the correct formula in the output, evaluated at {name} ({evidence.fit()})"
    return Diagnosis("mistaken quantity", text, f"use the output where backward uses {name}", evidence.facts())


def transposed(evidence: Evidence) -> Diagnosis | None:
    """With square matrices: the answer is the truth transposed, or the truth for a transposed factor."""
    square = [pair for pair in evidence.pairs if _square(pair[1])]
    if len(square) == len(evidence.pairs) and square:
        turned = [np.swapaxes(truth, -1, -2) for _, _, truth in evidence.pairs]
        if evidence.all_close(turned):
            text = f"{evidence.grad} is the correct gradient transposed ({evidence.fit()})"
            remedy = f"transpose {evidence.grad}: exchange the two factors of the product or add .T"
            return Diagnosis("transposed", text, remedy, evidence.facts())
    for j, name in enumerate(evidence.laboratory.names):
        found: list[Array | None] = []
        for sample, answer, _ in evidence.pairs:
            array = sample.inputs[j]
            if not _square(array) or array.dtype.kind != "f" or evidence.laboratory.expired:
                break
            other = evidence.laboratory.with_inputs(sample, {j: np.swapaxes(array, -1, -2)})
            found.append(other.truth(evidence.k, sample.grad_output) if other.usable else None)
            if found[-1] is None or not close(found[-1], answer):
                break
        if evidence.all_close(found):
            text = f"{evidence.grad} is the correct gradient for {name} transposed ({evidence.fit()})"
            remedy = f"use {name}.T where backward uses {name}, or {name} where it uses {name}.T"
            return Diagnosis("transposed", text, remedy, evidence.facts(factor=name))
    turned_upstream = [
        sample.truth(evidence.k, np.swapaxes(sample.grad_output, -1, -2)) if _square(sample.output) else None
        for sample, _, _ in evidence.pairs
    ]
    if evidence.all_close(turned_upstream):
        text = f"{evidence.grad} is the correct gradient for grad_output transposed ({evidence.fit()})"
        return Diagnosis("transposed", text, "use grad_output as it is, not transposed", evidence.facts())
    return None


def _square(array: Array) -> bool:
    return array.ndim >= 2 and array.shape[-1] == array.shape[-2] >= 2
