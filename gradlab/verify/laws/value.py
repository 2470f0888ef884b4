"""Law "value": every gradient is the true one, element by element, within a derived tolerance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.cross import cross_examine
from gradlab.verify.judge import ORACLE_BARS, SPREAD_FACTOR, Verdicts, attainable, compare, indistinct, levels
from gradlab.verify.laws.acquittal import Acquittal
from gradlab.verify.laws.directions import directions
from gradlab.verify.laws.unstable import gross, unstable
from gradlab.verify.oracles.estimate import Estimate, Oracle
from gradlab.verify.oracles.reference import GradientsOracle
from gradlab.verify.planted import Opinions, Probe
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation
from gradlab.verify.witnesses import own_differences, witnesses

LAW = "value"

# Coordinates cost six forwards each. All are tried in tiny and in shrunk cases; else a few of each argument, one of its
# extreme numbers among them, and a random direction, which sees every element that no other hides.
ALL_COORDINATES, EXHAUSTIVE, LARGEST = 6, 12, 24
SAMPLE, SAMPLE_MORE = 1, 3
_LIMITS = {"few": ALL_COORDINATES, "many": EXHAUSTIVE, "all": LARGEST}

# The worst few elements that an oracle disputes are examined closely; the rest would tell the same story.
_SUSPECTS = 4


@dataclass(slots=True)
class _Question:
    """One argument of one trial, with its answer and the scales of its tolerance."""

    trial: Trial
    argument: int
    answer: Array

    def tolerance(self, elements: Array, magnitude: Array) -> Array:
        x = self.trial.case.inputs[self.argument].reshape(-1)[elements].astype(np.float64)
        magnitude = np.where(np.isfinite(magnitude), magnitude, 0.0)
        return attainable(self.answer[elements], magnitude, x, self.trial.scales(self.argument))

    def spread(self, elements: Array) -> Array:
        return self._bars(self.trial.spread, elements)

    def rescaled(self, elements: Array) -> Array:
        """More of it, for a backward whose linearity other laws judge."""
        return self._bars(self.trial.rescaled_spread, elements)

    def _bars(self, spread: Sequence[Array | None], elements: Array) -> Array:
        own = spread[self.argument]
        if own is None:
            return np.zeros(elements.size)
        return SPREAD_FACTOR[self.trial.case.dtype] * own.reshape(-1)[elements]

    def judge(self, elements: Array, estimate: Estimate, spread: Array | float = 0.0) -> Verdicts:
        tolerance = self.tolerance(elements, estimate.magnitude) + spread
        answer, dtype = self.answer[elements], self.trial.case.dtype
        blur = np.maximum(estimate.blur, indistinct(self.trial.scales(self.argument)))
        return compare(answer, estimate.value, estimate.error, estimate.magnitude, tolerance, dtype, blur)


def value(trial: Trial) -> Iterator[Violation]:
    """Differences of the forward and every reference; an element fails only where no oracle covers it."""
    if not trial.ran or not trial.output.size:
        return
    if not trial.forward_finite:
        trial.tally.skipped["forward is not finite"] += 1
        return
    references = witnesses(trial)
    differentiable = [k for k in trial.specification.differentiable if trial.answers[k] is not None]
    total = sum(trial.inputs[k].size for k in differentiable)
    every = total <= _LIMITS[trial.case.coordinates]
    acquittal = Acquittal(trial)
    for k in differentiable:
        answer = trial.answers[k]
        if answer is None or not answer.size:
            continue
        question = _Question(trial, k, answer.reshape(-1))
        yield from _elements(question, references, every, acquittal)
    # Where some numbers hide others a direction tells little, and scouts have asked it already.
    if not every and (total > LARGEST or not trial.case.hostile):
        yield from directions(trial, references)
    yield from acquittal.ties()


def _elements(question: _Question, references: list[Oracle], every: bool, acquittal: Acquittal) -> Iterator[Violation]:
    trial, size = question.trial, question.answer.size
    everything = np.arange(size)
    sample = everything if every else _sampled(question)
    disputed: dict[str, Array] = {}
    asked: list[tuple[Oracle, Estimate]] = []
    for reference in references:
        estimate = _ask(question, reference, everything)
        verdicts = question.judge(everything, estimate)
        _record(question, reference.name, verdicts)
        disputed[reference.name] = everything[verdicts.differs]
        asked.append((reference, estimate))
        sample = np.union1d(sample, _worst(everything, verdicts))
    differences = own_differences(trial)
    estimate = _ask(question, differences, sample)
    cross_examine(trial, question.argument, sample, differences, estimate, asked)
    verdicts = question.judge(sample, estimate)
    _record(question, differences.name, verdicts)
    _power(question, sample, estimate, verdicts, asked)
    suspects = _worst(sample, verdicts)
    for element in suspects:
        violation = _examine(question, int(element), differences, references, acquittal)
        if violation is not None:
            yield violation
            return
    silent = sample[~(verdicts.agrees | verdicts.covered | verdicts.differs)]
    for reference in references:
        # Where differences have no opinion, the reference stands alone.
        for element in np.intersect1d(disputed[reference.name], silent)[:_SUSPECTS]:
            violation = _alone(question, int(element), reference)
            if violation is not None:
                yield violation
                return


def _sampled(question: _Question) -> Array:
    """A few elements by chance, the extreme ones, and those that no direction can see: NaN makes its product NaN."""
    trial, size = question.trial, question.answer.size
    # In float32 a direction sees none but gross errors.
    more = trial.case.dtype != "float64" or trial.case.coordinates != "few"
    count = SAMPLE_MORE if more else SAMPLE
    chosen = trial.rng.choice(size, size=min(count, size), replace=False)
    if trial.case.hostile:
        x = np.abs(trial.case.inputs[question.argument].reshape(-1))
        chosen = np.union1d(chosen, [int(x.argmin() if trial.rng.random() < 0.5 else x.argmax())])
    return np.union1d(chosen, np.flatnonzero(~np.isfinite(question.answer))[:_SUSPECTS])


def _ask(question: _Question, oracle: Oracle, elements: Array) -> Estimate:
    def settled(value: Array, error: Array, magnitude: Array, which: Array) -> Array:
        return levels(question.judge(elements[which], Estimate(value, error, magnitude, np.zeros(value.size))))

    return oracle.coordinates(question.argument, elements, question.trial.weights, settled)


def _worst(elements: Array, verdicts: Verdicts) -> Array:
    order = np.argsort(np.where(verdicts.differs, -verdicts.ratio, np.inf), kind="stable")
    return np.asarray(elements[order[: min(_SUSPECTS, int(verdicts.differs.sum()))]])


def _record(question: _Question, oracle: str, verdicts: Verdicts) -> None:
    trial = question.trial
    worst = float(verdicts.ratio[verdicts.verified].max(initial=0.0))
    trial.tally.record(trial.name(question.argument), trial.case.dtype, oracle, int(verdicts.verified.sum()), worst)


def _power(
    question: _Question,
    elements: Array,
    estimate: Estimate,
    verdicts: Verdicts,
    others: list[tuple[Oracle, Estimate]],
) -> None:
    trial = question.trial
    answer = question.answer[elements]
    chosen = verdicts.verified & (answer != 0)
    if not chosen.any():
        return
    key = trial.name(question.argument), trial.case.dtype
    trial.tally.looked[key] += int(chosen.sum()) / question.answer.size
    if not trial.case.measured:
        return
    bars = question.tolerance(elements, estimate.magnitude) + question.spread(elements) + 3 * estimate.error
    # An error of this relative size would have left the tolerance, whatever the present miss is.
    power = (bars + np.abs(answer - estimate.value))[chosen] / np.abs(answer[chosen])
    trial.tally.powers[key].append(power)
    # Any of them or the largest: nearly all of a saturated softmax's gradient is too small to tell anything.
    among = np.flatnonzero(chosen)
    largest = trial.rng.random() < 0.5
    position = int(among[np.abs(answer[among]).argmax()] if largest else trial.rng.choice(among))
    trial.tally.probes[key].append(_probe(question, int(elements[position]), float(estimate.blur[position]), others))


def _probe(question: _Question, element: int, blur: float, others: list[tuple[Oracle, Estimate]]) -> Probe:
    """One element with every opinion that may acquit it: each family of steps, each other oracle."""
    trial, one, heard = question.trial, np.array([element]), Opinions()
    trial.differences.coordinates(question.argument, one, trial.weights, heard.hear)
    families = len(heard.value)
    for _, other in others:
        heard.hear(other.value[one], other.error[one], other.magnitude[one], one)
    value, error, magnitude = (np.array(part) for part in (heard.value, heard.error, heard.magnitude))
    many = np.full(value.size, element)
    tolerance = question.tolerance(many, magnitude) + question.spread(many)
    blur = max(blur, indistinct(trial.scales(question.argument)))
    answer = float(question.answer[element])
    return Probe(trial.case.dtype, answer, value, error, magnitude, tolerance, blur, families)


def _examine(
    question: _Question, element: int, differences: Oracle, references: list[Oracle], acquittal: Acquittal
) -> Violation | None:
    """A suspect is acquitted by rounding, by a kink, by blurred differences or by any reference that covers it."""
    trial, one = question.trial, np.array([element])
    estimate, answer = _ask(question, differences, one), float(question.answer[element])
    # Most suspects stand at a kink; asking costs little beside repeated differences and spreads.
    if acquittal.kink(question.argument, element, answer, float(question.tolerance(one, estimate.magnitude)[0])):
        return None
    estimate = acquittal.refined(question.argument, element, estimate)
    spread = question.spread(one)
    verdicts = question.judge(one, estimate, spread)
    if not verdicts.differs.any() and not gross(trial, question.argument, element, estimate):
        return None
    tolerance = float((question.tolerance(one, estimate.magnitude) + spread)[0])
    if acquittal.kink(question.argument, element, answer, tolerance):
        return None
    if acquittal.near(question.argument, element, answer, float(estimate.value[0])):
        return None
    for reference in references:
        other = question.judge(one, _ask(question, reference, one), spread)
        if (other.agrees | other.covered).any():
            return None
    if not verdicts.differs.any():
        return unstable(trial, question.argument, element, estimate)
    return _violation(question, element, differences, estimate, verdicts)


def _alone(question: _Question, element: int, reference: Oracle) -> Violation | None:
    one = np.array([element])
    estimate = _ask(question, reference, one)
    if isinstance(reference, GradientsOracle):
        # Ten spreads in all, as for the backward itself; the judge takes three times the error.
        estimate.error += SPREAD_FACTOR["float64"] / ORACLE_BARS * reference.doubt(question.argument, element)
    verdicts = question.judge(one, estimate, question.spread(one) + question.rescaled(one))
    return _violation(question, element, reference, estimate, verdicts) if verdicts.differs.any() else None


def _violation(question: _Question, element: int, oracle: Oracle, estimate: Estimate, verdicts: Verdicts) -> Violation:
    trial = question.trial
    name = trial.name(question.argument)
    answer, truth = float(question.answer[element]), float(estimate.value[0])
    shape = trial.inputs[question.argument].shape
    index = tuple(int(i) for i in np.unravel_index(element, shape)) if shape else ()
    evidence: dict[str, object] = {
        "index": index,
        "backward": answer,
        "true": truth,
        "oracle": oracle.name,
        "oracle error": float(estimate.error[0]),
        "tolerances": float(verdicts.ratio[0]),
    }
    place = f"grad {name}[{', '.join(map(str, index))}]" if index else f"grad {name}"
    if not np.isfinite(answer):
        return Violation("stability", name, f"{place} is {answer} where the true value is {truth:.9g}", evidence)
    claim = f"{place} is {answer:.9g} where {oracle.name} give{'s' * (oracle.name[-1] != 's')} {truth:.9g}"
    return Violation(LAW, name, claim, evidence, provisional=trial.case.dtype == "float32")
