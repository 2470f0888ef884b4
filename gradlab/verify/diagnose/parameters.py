"""Hypothesis: a keyword parameter is ignored, misread, or only right at some of its values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, close


def parameter(evidence: Evidence) -> Diagnosis | None:
    """Right at some values of one parameter (the default first) and wrong at others."""
    laboratory = evidence.laboratory
    samples = [*laboratory.ordinary, *laboratory.other_params]
    verdicts = [(sample, sample.wrong(evidence.k)) for sample in samples]
    known = [(sample, bool(wrong.any())) for sample, wrong in verdicts if wrong is not None]
    default_wrong = any(wrong for sample, wrong in known if dict(sample.params) == laboratory.defaults)
    for name in laboratory.specification.params:
        others = [pair for pair in known if pair[0].params[name] != laboratory.defaults[name]]
        bad = [sample for sample, wrong in others if wrong]
        good = [sample for sample, wrong in others if not wrong]
        if not default_wrong and bad:
            if any(wrong is not None and wrong.any() for wrong in (s.wrong(evidence.k) for s in laboratory.resized)):
                return None
            shown = f"wrong at {_values(bad, name)}, right at {name}={laboratory.defaults[name]!r}"
        elif default_wrong and good and not bad:
            shown = f"right at {_values(good, name)}, wrong at {name}={laboratory.defaults[name]!r}"
        else:
            continue
        if not bad and not _confirmed(evidence, good[0]):
            continue
        probe = (bad or laboratory.ordinary)[0]
        ignored = _ignored(evidence, probe, name)
        how = f" and does not change with {name}: backward ignores it" if ignored else ""
        text = f"{evidence.grad} is {shown}{how} ({len(known)} draws)"
        remedy = f"use the {name} that is passed, as forward does" if ignored else f"check where backward uses {name}"
        return Diagnosis("parameter", text, remedy, {"wrong": len(bad), "right": len(good), "ignored": ignored})
    return None


def _values(samples: list[Sample], name: str) -> str:
    return ", ".join(dict.fromkeys(f"{name}={sample.params[name]!r}" for sample in samples))


def _ignored(evidence: Evidence, sample: Sample, name: str) -> bool:
    """The answer for the same arrays stays the same when only this parameter returns to its default."""
    default = evidence.laboratory.defaults[name]
    case = sample.case
    other = evidence.laboratory.sample(
        replace(case, params={**case.params, name: default}, grad_output=sample.grad_output)
    )
    mine, theirs = sample.answers[evidence.k], other.answers[evidence.k]
    if mine is None or theirs is None or not other.usable or other.output.shape != sample.output.shape:
        return False
    return close(mine, theirs, 1e-12) and bool(np.abs(mine).any())


def _confirmed(evidence: Evidence, sample: Sample) -> bool:
    """Right in two more draws with the same parameters: one draw may be right by luck."""
    for seed in (51, 52):
        again = evidence.laboratory.drawn(sample.sizes, sample.params, seed)
        wrong = again.wrong(evidence.k) if again.usable else None
        if wrong is None or wrong.any():
            return False
    return True
