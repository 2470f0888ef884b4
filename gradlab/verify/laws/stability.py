"""Law "stability": the forward is finite and accurate where the same forward in extended precision is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.verify.spread import output_spread
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "stability"

# A forward is called unstable only for gross errors (parts of the value and of the largest output) that one-ulp changes
# of its inputs do not explain: an ill-conditioned problem moves as much by itself.
_GROSS = 1e-4
_CONDITION = 30.0

# A forward that cancels digits in float32 loses more than this, and not only once.
_SMALL = 1e-2


def stability(trial: Trial) -> Iterator[Violation]:
    """Judges forward; backward's own overflow is judged by "value" against the true gradient."""
    if trial.upstream is None or not trial.output.size:
        return
    differences = trial.differences
    truth = differences.output.astype(np.float64)
    found = trial.output.astype(np.float64).reshape(-1)
    if truth.shape != found.shape or (not differences.extended and trial.case.dtype == "float64"):
        return
    within = np.isfinite(truth) & (np.abs(truth) < float(np.finfo(trial.case.dtype).max) / 4)
    lost = within & ~np.isfinite(found)
    if lost.any():
        k = int(np.flatnonzero(lost)[0])
        evidence = {"found": float(found[k]), "true": float(truth[k])}
        claim = f"forward gives {found[k]} where the true value is {truth[k]:.6g}"
        yield Violation(LAW, "output", claim, evidence)
        return
    miss = np.where(within, np.abs(found - truth), 0.0)
    dtype = trial.case.dtype
    natural = trial.natural(truth[within])
    gross = miss > _GROSS * np.maximum(np.abs(truth), natural)
    if not gross.any():
        return
    moved = output_spread(
        trial.caller,
        differences.point,
        differences.output.reshape(differences.shape),
        trial.params,
        trial.rng,
        trial.case.dtype,
    ).reshape(-1)
    gross &= miss > _CONDITION * moved
    if gross.any():
        k = int(np.argmax(np.where(gross, miss, 0)))
        evidence = {"found": float(found[k]), "true": float(truth[k]), "moved by one ulp": float(moved[k])}
        claim = f"forward gives {found[k]:.6g} in {dtype} where the true value is {truth[k]:.6g}"
        # Where two roundings cancel in truth alone (two numbers, normalised, are ±1), float32 may be far off once.
        small = dtype == "float32" and miss[k] <= _SMALL * max(abs(truth[k]), natural)
        yield Violation(LAW, "output", claim, evidence, provisional=small)
