"""Hypotheses: the correct gradient times a number."""

from __future__ import annotations

import numpy as np

from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence, r_squared
from gradlab.verify.diagnose.formulas import recognised
from gradlab.verify.diagnose.sample import close


def factors(evidence: Evidence) -> tuple[list[float], float] | None:
    """The factor of each pair and the worst R², where every answer is its truth times a number."""
    found, fits = [], []
    for _, answer, truth in evidence.pairs:
        known = ~np.isnan(truth)
        scale = float((truth[known] ** 2).sum())
        if not scale or int((truth[known] != 0).sum()) < 1:
            return None
        factor = float((answer[known] * truth[known]).sum()) / scale
        if not factor or not close(answer, factor * truth, evidence.tolerance):
            return None
        found.append(factor)
        fits.append(r_squared(factor * truth, answer))
    return (found, min(fits)) if found else None


def sign(evidence: Evidence) -> Diagnosis | None:
    """answer = -truth."""
    known = factors(evidence)
    if known is None or not np.allclose(known[0], -1, rtol=1e-7):
        return None
    text = f"{evidence.grad} is the correct gradient times -1 ({evidence.fit()}, R² = {known[1]:.7f})"
    remedy = f"change the sign of {evidence.grad}"
    return Diagnosis("sign", text, remedy, evidence.facts(factor=-1, r_squared=known[1]))


def constant_factor(evidence: Evidence) -> Diagnosis | None:
    """answer = c * truth, with c the same for the same sizes and parameters."""
    known = factors(evidence)
    if known is None:
        return None
    values, fit = known
    first: dict[str, float] = {}
    for value, (sample, _, _) in zip(values, evidence.pairs, strict=True):
        usual = first.setdefault(repr((dict(sample.sizes), dict(sample.params), sample.output.shape)), value)
        if abs(value - usual) > 1e-7 * abs(usual):
            return None
    quantities = [evidence.quantities(sample) for sample, _, _ in evidence.pairs]
    names = set.intersection(*(set(case) for case in quantities))
    formula = recognised(values, [{name: case[name] for name in case if name in names} for case in quantities])
    facts = evidence.facts(factors=values, r_squared=fit)
    if formula is not None:
        text = f"{evidence.grad} is the correct gradient times {formula.text} ({evidence.fit()}, R² = {fit:.7f})"
        remedy = f"multiply {evidence.grad} by {formula.inverse}"
        return Diagnosis("constant factor", text, remedy, {**facts, "formula": formula.text})
    if np.ptp(values) <= 1e-7 * abs(values[0]):
        text = f"{evidence.grad} is the correct gradient times {values[0]:.9g} ({evidence.fit()}, R² = {fit:.7f})"
        return Diagnosis("constant factor", text, f"divide {evidence.grad} by {values[0]:.9g}", facts)
    text = (
        f"{evidence.grad} is the correct gradient times a number that depends on sizes or parameters: "
        f"{min(values):.4g} to {max(values):.4g} ({evidence.fit()}, R² = {fit:.7f})"
    )
    return Diagnosis("constant factor", text, f"look for the factor that {evidence.grad} is scaled with", facts)
