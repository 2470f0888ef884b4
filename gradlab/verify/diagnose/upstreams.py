"""Hypotheses: backward is not linear in grad_output, or reads something else than grad_output."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, close, largest
from gradlab.verify.diagnose.thresholds import shown, threshold

_TELLING = ("abs", "maximum", "sign", "ones", "clip", "**2")

Change = Callable[[Array], Array]


def _filled(value: Callable[[Array], float]) -> Change:
    return lambda g: np.full(g.shape, value(g))


# What backward may have made of grad_output, and how to say it; the truth for that upstream is then the answer.
_CHANGES: tuple[tuple[str, Change], ...] = (
    ("abs(grad_output)", np.abs),
    ("maximum(grad_output, 0)", lambda g: np.maximum(g, 0)),
    ("minimum(grad_output, 0)", lambda g: np.minimum(g, 0)),
    ("sign(grad_output)", np.sign),
    ("ones: grad_output is ignored", np.ones_like),
    ("the mean of grad_output", _filled(lambda g: float(g.mean()))),
    ("the sum of grad_output", _filled(lambda g: float(g.sum()))),
    ("the first element of grad_output", _filled(lambda g: float(g.flat[0]))),
    ("the last element of grad_output", _filled(lambda g: float(g.flat[-1]))),
    ("the largest element of grad_output", _filled(lambda g: float(g.max()))),
    ("clip(grad_output, -1, 1)", lambda g: np.clip(g, -1, 1)),
    ("grad_output**2", np.square),
    ("maximum(grad_output, 0)**2", lambda g: np.maximum(g, 0) ** 2),
    ("round(grad_output)", np.rint),
    ("trunc(grad_output)", np.trunc),
    ("grad_output * abs(grad_output)", lambda g: g * np.abs(g)),
    ("tanh(grad_output)", np.tanh),
    ("grad_output / norm(grad_output)", lambda g: g / np.sqrt((g * g).sum())),
)


def changed_upstream(evidence: Evidence) -> Diagnosis | None:
    """The answer is the correct gradient for another upstream gradient."""
    for text, change in _CHANGES:
        found: list[Array | None] = []
        for sample, answer, _ in evidence.pairs:
            # With one element its mean, its sum and itself are the same; signs still tell.
            if sample.output.size < 2 and not any(word in text for word in _TELLING):
                break
            found.append(sample.truth(evidence.k, change(sample.grad_output)))
            if found[-1] is None or not close(np.asarray(found[-1]), answer):
                break
        if evidence.all_close(found) and not evidence.all_close([truth for _, _, truth in evidence.pairs]):
            sentence = f"{evidence.grad} is the correct gradient for {text} ({evidence.fit()})"
            remedy = "multiply by grad_output itself, element by element; the result must be linear in it"
            return Diagnosis("upstream", sentence, remedy, evidence.facts(upstream=text))
    return None


def mask_from_upstream(evidence: Evidence) -> Diagnosis | None:
    """grad_output where grad_output is positive: the mask of a ReLU is taken from the wrong array."""
    for sample, answer, truth in evidence.pairs:
        g = sample.grad_output
        if g.shape != answer.shape or answer.size < 4:
            return None
        if not close(answer, np.where(g > 0, g, 0.0)) or close(answer, truth):
            return None
        other = truth[~np.isnan(truth)]
        if not all(np.isclose(value, 0) or value in g for value in other):
            return None
    if not evidence.pairs:
        return None
    text = (
        f"{evidence.grad} is grad_output where grad_output > 0: the mask is taken from grad_output, "
        f"not from {evidence.name} ({evidence.fit()})"
    )
    remedy = f"build the mask from the input: grad_output * ({evidence.name} > 0)"
    return Diagnosis("upstream", text, remedy, evidence.facts())


def offset(evidence: Evidence) -> Diagnosis | None:
    """B(0) is not 0, and B(g) - B(0) is right."""
    facts = []
    for sample, answer, truth in evidence.pairs:
        zero = sample.trial.again(sample.inputs, np.zeros_like(sample.grad_output))[evidence.k]
        if zero is None or not zero.any() or not close(answer - zero, truth):
            return None
        facts.append(float(np.abs(zero).max()))
    if not facts:
        return None
    text = f"{evidence.grad} is the correct gradient plus an offset: a zero grad_output gives up to {max(facts):.3g}"
    remedy = "remove what is added to grad_output; a zero grad_output must give a zero gradient"
    return Diagnosis("upstream", f"{text} ({evidence.fit()})", remedy, evidence.facts(offsets=facts))


_SCALES = (1e3, 1e-3, 1e6, 1e-6, 1e9, 1e-9, 1e12, 1e-12)


def limited(evidence: Evidence) -> Diagnosis | None:
    """Linear for upstream gradients of size 1, and not beyond some size: clipped, flushed, rounded."""
    sample = evidence.samples[0]
    answer = sample.answers[evidence.k]
    if answer is None or not largest(answer):
        return None

    def bends(scale: float) -> bool:
        found = sample.trial.again(sample.inputs, scale * sample.grad_output)[evidence.k]
        return found is None or not close(found / scale, answer)

    for scale in _SCALES:
        if bends(scale):
            edge = threshold(1.0, scale, bends, lambda: evidence.laboratory.expired) * largest(sample.grad_output)
            word = "above" if scale > 1 else "below"
            text = (
                f"{evidence.grad} is not linear in grad_output: wrong where |grad_output| is {word} about {shown(edge)}"
            )
            remedy = "do not clip, flush or round grad_output: the result must be linear in it"
            return Diagnosis("upstream", text, remedy, evidence.facts(limit=edge))
    return None


def nonlinear(evidence: Evidence) -> Diagnosis | None:
    """Doubling or negating grad_output does not double or negate the answer, for mild numbers."""
    for name, factor in (("negating", -1.0), ("doubling", 2.0)):
        seen = [_scaled(evidence, sample, answer, factor) for sample, answer, _ in evidence.pairs]
        if seen and all(found is not None for found in seen):
            ratio = seen[0]
            even = len({round(value, 6) for value in seen if value is not None}) == 1
            effect = f"multiplies it by {ratio:.4g}" if even and ratio != np.inf else "does something else"
            text = f"{evidence.grad} is not linear in grad_output: {name} grad_output {effect} ({evidence.fit()})"
            remedy = "use grad_output as a factor of every term: no abs, clip, comparison or rounding of it"
            return Diagnosis("upstream", text, remedy, evidence.facts(factor=factor))
    return None


def _scaled(evidence: Evidence, sample: Sample, answer: Array, factor: float) -> float | None:
    """How the answer changes with grad_output; None where it is as linear as it should be, inf where unevenly."""
    found = sample.trial.again(sample.inputs, factor * sample.grad_output)[evidence.k]
    if found is None or close(found, factor * answer) or not largest(answer):
        return None
    scale = float((answer**2).sum())
    ratio = float((found * answer).sum()) / scale
    return ratio if close(found, ratio * answer) else np.inf
