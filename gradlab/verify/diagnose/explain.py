"""From a failure to its diagnosis: the order in which explanations are tried.

First what the broken law already tells, then state, then which formula a wrong answer on mild cases is (`HYPOTHESES`),
and for a backward that is right there, when it goes wrong. Where nothing fits nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gradlab.verify.calls import quiet
from gradlab.verify.case import Case
from gradlab.verify.diagnose import (
    contributions,
    entries,
    exchanges,
    factors,
    parameters,
    places,
    precision,
    reductions,
    regions,
    scaling,
    terms,
    upstreams,
    values,
)
from gradlab.verify.diagnose.circumstances import Circumstances, sizes_or_parameter
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.diagnose.placement import layout
from gradlab.verify.diagnose.promises import edited, promise
from gradlab.verify.diagnose.sample import Sample
from gradlab.verify.diagnose.state import state
from gradlab.verify.oracles.kinks import coordinate_sides
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

Hypothesis = Callable[[Evidence], Diagnosis | None]

# The most specific first; each is one function, and each must fit every case.
HYPOTHESES: tuple[Hypothesis, ...] = (
    scaling.sign,
    scaling.constant_factor,
    precision.downcast,
    exchanges.swapped_arguments,
    upstreams.mask_from_upstream,
    upstreams.changed_upstream,
    upstreams.offset,
    upstreams.nonlinear,
    places.moved,
    exchanges.transposed,
    exchanges.input_for_output,
    exchanges.mistaken_input,
    terms.coupling_term,
    places.permuted,
    places.one_place,
    regions.region,
    entries.mistaken_formula,
    reductions.wrong_coupling,
    reductions.summed_too_often,
    reductions.part_of_the_sum,
    reductions.summed_apart,
    factors.factor,
    contributions.overwritten,
    terms.residual_along_axis,
    terms.no_statistics,
    places.neighbours,
    contributions.other_element,
    contributions.inverted_mask,
    contributions.lost_mask,
    contributions.lost,
    regions.approximation,
    parameters.parameter,
)

_SCALED: tuple[Hypothesis, ...] = (scaling.sign, scaling.constant_factor)

# A mistake that depends on indices, masks or labels shows in some draws only.
_IN_SOME_DRAWS: tuple[Hypothesis, ...] = (
    contributions.overwritten,
    places.one_place,
    places.neighbours,
    contributions.other_element,
    contributions.lost,
    regions.region,
)

# Where a mistake shows at square shapes only, these say more than "only where n == m".
_AT_EQUAL_SIZES: tuple[Hypothesis, ...] = (
    exchanges.swapped_arguments,
    exchanges.transposed,
    places.moved,
    reductions.wrong_coupling,
    reductions.summed_too_often,
    places.permuted,
)


def diagnose(
    laboratory: Laboratory, violation: Violation, case: Case, fails: Callable[[Case], bool]
) -> Diagnosis | None:
    """Explain one failure in about a second; None where no explanation fits all cases.

    `case` is the shrunk failing case, `fails` says whether a changed copy breaks the same law.
    """
    laboratory.begin()
    circumstances = Circumstances(laboratory, violation.argument, case, fails)
    with quiet():
        found = promise(laboratory, violation, circumstances)
        if found is not None or violation.argument not in laboratory.names:
            return found
        k = laboratory.names.index(violation.argument)
        found = edited(laboratory) or state(laboratory, k)
        if found is None and violation.law == "repeatability":
            # State that only shows in the failing case: a workspace for large arrays.
            found = state(laboratory, k, laboratory.sample(case))
        if found is None and violation.law == "repeatability":
            # It agrees with itself by now: chance would not.
            text = f"an earlier call decided: {violation.claim}; later identical calls agree"
            return Diagnosis("stale state", text, "let the answer depend on the arguments only", {})
        if found is not None or violation.law == "contract":
            return found
        found = _what(laboratory, k) if violation.law != "stability" else None
        return found or _when(circumstances, violation, k)


def _what(laboratory: Laboratory, k: int) -> Diagnosis | None:
    """For a backward that is wrong on mild cases: the mistake that it is."""
    ordinary = [sample for sample in laboratory.ordinary if sample.wrong(k) is not None]
    bad = [sample for sample in ordinary if _is_wrong(sample, k)]
    if not bad:
        return _other_sizes(laboratory, k) or (
            first((parameters.parameter, upstreams.limited, precision.differenced), Evidence(laboratory, k, ordinary))
            if ordinary
            else None
        )
    if len(bad) < len(ordinary):
        found = regions.region(Evidence(laboratory, k, ordinary))
        bad = [*bad, *laboratory.more(k, 6)]
        evidence = Evidence(laboratory, k, bad)
        return found or (first(_IN_SOME_DRAWS, evidence) if evidence.enough else None)
    resized = [sample for sample in laboratory.resized if sample.wrong(k) is not None]
    # With indices or masks a single draw may be right by chance: it says nothing.
    evidence = Evidence(laboratory, k, [*ordinary, *filter(lambda sample: _is_wrong(sample, k), resized)])
    if not evidence.enough:
        return None
    # A factor may be a formula of the parameters as well; other mistakes are looked for at the default ones.
    other = [sample for sample in laboratory.other_params if _is_wrong(sample, k)]
    scaled = first(_SCALED, Evidence(laboratory, k, [*evidence.samples, *other])) if other else None
    return _only_at(laboratory, k, scaled or first(HYPOTHESES, evidence))


def _only_at(laboratory: Laboratory, k: int, found: Diagnosis | None) -> Diagnosis | None:
    """Where another size is right, the size is the news, and what is wrong there the detail."""
    arguments = laboratory.specification.arguments
    if (
        found is None
        or found.kind not in ("sign", "constant factor")
        or not all(a.domain.continuous for a in arguments)
    ):
        return found
    for sample in laboratory.resized:
        wrong, truth = sample.wrong(k), sample.truth(k)
        changed = [dim for dim in laboratory.dims if sample.sizes[dim] != (laboratory.sizes or {}).get(dim)]
        if wrong is None or truth is None or wrong.any() or not truth.any() or len(changed) != 1:
            continue
        dim, usual = changed[0], (laboratory.sizes or {})[changed[0]]
        text = f"wrong at {dim}={usual} and right at {dim}={sample.sizes[dim]}; there, {found.text}"
        return Diagnosis("sizes", text, f"check what backward does at some {dim} only", found.evidence)
    return found


def _other_sizes(laboratory: Laboratory, k: int) -> Diagnosis | None:
    """Right at the ordinary sizes and wrong where one of them is longer: there were no two windows, no remainder."""
    for sample in laboratory.resized:
        if _is_wrong(sample, k):
            again = [laboratory.drawn(sample.sizes, sample.params, 60 + seed) for seed in range(2)]
            evidence = Evidence(laboratory, k, [sample, *(other for other in again if _is_wrong(other, k))])
            return first(HYPOTHESES, evidence) if evidence.enough else None
    return None


def _is_wrong(sample: Sample, k: int) -> bool:
    wrong = sample.wrong(k)
    return wrong is not None and bool(wrong.any())


def first(hypotheses: Sequence[Hypothesis], evidence: Evidence) -> Diagnosis | None:
    """The first hypothesis that fits."""
    for hypothesis in hypotheses:
        if evidence.laboratory.expired:
            return None
        found = hypothesis(evidence)
        if found is not None:
            return found
    return None


def _when(c: Circumstances, violation: Violation, k: int) -> Diagnosis | None:
    """For a backward that is right on mild cases: what makes it wrong."""
    if violation.law != "stability" and any(_is_wrong(sample, k) for sample in c.laboratory.ordinary):
        return None
    if not c.fails(c.case):
        return None
    found = layout(c)
    if found is not None:
        return found
    found = sizes_or_parameter(c)
    if found is not None:
        if violation.law == "stability" and found.kind == "sizes" and min(c.case.sizes.values(), default=1) > 0:
            text = found.text.replace("is wrong", "is not finite")
            remedy = "keep the denominator away from 0: divide by sqrt(var + eps), or by max(size, eps)"
            return Diagnosis("instability", text, remedy, found.evidence)
        return _at_these_sizes(c, k, found)

    def kinked(case: Case) -> bool:
        return _kinked(c, violation, case, k)

    return values.upstream_values(c) or values.input_values(c, violation.law, kinked)


def _at_these_sizes(c: Circumstances, k: int, found: Diagnosis) -> Diagnosis:
    """With equal sizes, a transposition or a wrong axis can be named."""
    if "equal" not in found.evidence:
        return found
    laboratory, (a, b) = c.laboratory, found.evidence["equal"]
    samples = []
    for seed, size in enumerate((3, 4, 4)):
        sizes = {**(laboratory.sizes or {}), a: size, b: size}
        if laboratory.legal(sizes, c.case.params):
            samples.append(laboratory.drawn(sizes, c.case.params, seed))
    evidence = Evidence(laboratory, k, [sample for sample in samples if _is_wrong(sample, k)])
    more = first(_AT_EQUAL_SIZES, evidence) if evidence.enough else None
    if more is None:
        return found
    return Diagnosis(more.kind, f"{more.text}, only where {a} == {b}", f"{more.remedy}; {found.remedy}", more.evidence)


def _kinked(c: Circumstances, violation: Violation, case: Case, k: int) -> bool:
    """True where forward itself has a kink at the failing element."""
    trial = Trial(case, c.laboratory.specification, c.laboratory.caller)
    index, shape = violation.evidence.get("index", ()), case.inputs[k].shape
    if not trial.ran or not trial.differences.usable:
        return False
    if isinstance(index, tuple) and len(index) == len(shape):
        elements = [int(np.ravel_multi_index(index, shape)) if shape else 0]
    else:
        elements = [int(element) for element in np.flatnonzero(case.inputs[k] == 0)[:8]]
    sides = [coordinate_sides(trial.differences, k, element, trial.weights) for element in elements]
    return any(side.kinked or side.singular for side in sides)
