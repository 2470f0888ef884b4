"""Failures whose law already says most: contract, purity, layout, the reference, the forward's own stability."""

from __future__ import annotations

import numpy as np

from gradlab.verify.calls import Caller
from gradlab.verify.diagnose.circumstances import Circumstances, sizes_or_parameter
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.laboratory import Laboratory
from gradlab.verify.diagnose.placement import layout
from gradlab.verify.diagnose.sample import Sample
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation


def promise(laboratory: Laboratory, violation: Violation, c: Circumstances) -> Diagnosis | None:
    """The diagnosis of a failure that is no matter of formulas; None for all others."""
    match violation.law:
        case "purity":
            return in_place(violation.claim, violation.argument)
        case "primal":
            return _forward(violation)
        case "layout":
            return layout(c) or _layout(violation)
        case "contract":
            return _contract(laboratory, violation, c)
        case "kinks" if "declared" in violation.claim:
            return _kink(violation)
        case "stability" if violation.argument == "output":
            return _unstable_forward(violation)
    return None


def in_place(claim: str, argument: str) -> Diagnosis:
    """An argument was written to."""
    what = argument or "an argument"
    remedy = f"work on a copy: {what} = {what}.copy(), or write a = a - b instead of a -= b"
    return Diagnosis("in place", claim, remedy if argument else "write a = a - b instead of a -= b", {})


def edited(laboratory: Laboratory) -> Diagnosis | None:
    """A mild call after which an input or grad_output is no longer what it was: all else follows from that."""
    for sample in laboratory.ordinary[:1]:
        trial = Trial(sample.case, laboratory.specification, Caller(laboratory.subject))
        placed = [*trial.placed, *([trial.upstream] if trial.upstream is not None else [])]
        before = [*trial.before, *([trial.upstream_before] if trial.upstream is not None else [])]
        for name, array, old in zip([*laboratory.names, "grad_output"], placed, before, strict=False):
            if array.fingerprint() != old:
                return in_place(f"{name} is changed in place", name)
    return None


def _forward(violation: Violation) -> Diagnosis:
    remedy = "correct forward first (or the reference): the gradient of a wrong forward cannot be judged"
    return Diagnosis("forward", violation.claim, remedy, dict(violation.evidence))


def _layout(violation: Violation) -> Diagnosis:
    remedy = "index arrays by their axes, or copy with np.ascontiguousarray first; never assume strides or memory order"
    return Diagnosis("layout", violation.claim, remedy, {})


def _kink(violation: Violation) -> Diagnosis:
    remedy = "give the declared slope at the kink, or where several elements tie give the gradient to one of them"
    return Diagnosis("kink", violation.claim, remedy, {})


def _unstable_forward(violation: Violation) -> Diagnosis:
    text = f"forward loses what its inputs determine: {violation.claim}"
    remedy = "rewrite forward so that nothing overflows or cancels: shift by the largest, use log1p or expm1"
    return Diagnosis("instability", text, remedy, {})


def _contract(laboratory: Laboratory, violation: Violation, c: Circumstances) -> Diagnosis | None:
    claim, evidence = violation.claim, violation.evidence
    if "read-only" in claim:
        text = f"backward writes into an array that it was given: {claim}"
        return Diagnosis("in place", text, "write into a new array: a = a - b instead of a -= b", {})
    if "error" in evidence:
        return _raises(violation, c)
    if "returned" in evidence:
        remedy = f"return {evidence['expected']} values, one for each argument in its order, None for those without"
        return Diagnosis("contract", claim, remedy, dict(evidence))
    if "dtype" in evidence:
        remedy = "allocate with dtype=x.dtype (np.zeros_like) and keep constants of that dtype"
        return Diagnosis("contract", claim, remedy, dict(evidence))
    if "must return None" in claim:
        return Diagnosis("contract", claim, f"return None at the place of {violation.argument}", {})
    if "shape" in evidence:
        return _shape(laboratory, violation)
    remedy = f"return an array of {violation.argument or 'the argument'}'s shape and dtype"
    return Diagnosis("contract", claim, remedy, {})


def _raises(violation: Violation, c: Circumstances) -> Diagnosis:
    found = layout(c) or sizes_or_parameter(c)
    if found is not None:
        text = found.text.replace("is wrong", "raises").replace("is right", "runs")
        return Diagnosis(found.kind, f"{text}: {violation.evidence['error']}", found.remedy, found.evidence)
    return Diagnosis("contract", violation.claim, "backward must take every case that forward takes", {})


def _shape(laboratory: Laboratory, violation: Violation) -> Diagnosis | None:
    """From shapes in a case whose sizes all differ, where that shows the mistake; else from the failing one."""
    name, evidence = violation.argument, violation.evidence
    if name not in laboratory.names:
        return Diagnosis("contract", violation.claim, "return the output that the signature promises", dict(evidence))
    k = laboratory.names.index(name)
    found, expected = _as_shape(evidence["shape"]), _as_shape(evidence["expected"])
    for sample in laboratory.ordinary[:1]:
        here = _returned(sample, k)
        if here is not None and here != sample.inputs[k].shape:
            found, expected = here, sample.inputs[k].shape
            other = _swapped(laboratory, sample, k)
            if other:
                text = f"grad {name} has the shape of {other} and grad {other} that of {name}: {found} for {expected}"
                return Diagnosis("swapped arguments", text, f"exchange grad {name} and grad {other}", {})
    facts = {"shape": found, "expected": expected}
    head = f"grad {name} has shape {found}, {name} has {expected}"
    if len(found) > 1 and found == expected[::-1]:
        return Diagnosis("transposed", f"{head}: it is transposed", f"return grad_{name}.T", facts)
    if len(found) > len(expected) and found[len(found) - len(expected) :] == expected:
        axes = tuple(range(len(found) - len(expected)))
        summed = f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"
        text = f"{head}: it is not summed over {summed}, along which forward broadcasts {name}"
        return Diagnosis("wrong axis", text, f"sum: grad_{name}.sum(axis={axes[0] if len(axes) == 1 else axes})", facts)
    if len(found) == len(expected) and any(e == 1 and f != 1 for f, e in zip(found, expected, strict=True)):
        axes = tuple(a for a, (f, e) in enumerate(zip(found, expected, strict=True)) if f != e)
        if all(expected[axis] == 1 for axis in axes):
            text = f"{head}: it is not summed over axis {', '.join(map(str, axes))}, along which forward broadcasts"
            remedy = f"sum: grad_{name}.sum(axis={axes if len(axes) > 1 else axes[0]}, keepdims=True)"
            return Diagnosis("wrong axis", text, remedy, facts)
    if tuple(size for size in found if size != 1) == tuple(size for size in expected if size != 1):
        text = f"{head}: an axis of length 1 is {'left over' if len(found) > len(expected) else 'missing'}"
        return Diagnosis("contract", text, "check keepdims, or reshape to the argument's shape", facts)
    if laboratory.ordinary and found == laboratory.ordinary[0].output.shape and len(found) < len(expected):
        text = f"{head}: it has grad_output's shape and is not expanded"
        return Diagnosis("contract", text, f"broadcast it: np.broadcast_to(grad_output[...], {name}.shape)", facts)
    if _subsequence(found, expected) and len(found) < len(expected):
        return Diagnosis("wrong axis", f"{head}: it is summed too often", "sum over fewer axes", facts)
    return Diagnosis("contract", head, f"return an array of {name}'s shape", facts)


def _as_shape(value: object) -> tuple[int, ...]:
    return tuple(int(size) for size in value) if isinstance(value, tuple | list) else ()


def _returned(sample: Sample, k: int) -> tuple[int, ...] | None:
    gradients = sample.trial.gradients
    return np.shape(gradients[k]) if k < len(gradients) and gradients[k] is not None else None


def _swapped(laboratory: Laboratory, sample: Sample, k: int) -> str:
    """The argument whose gradient stands in this one's place, and the other way round."""
    for j, name in enumerate(laboratory.names):
        exchanged = _returned(sample, k) == sample.inputs[j].shape and _returned(sample, j) == sample.inputs[k].shape
        if j != k and exchanged and sample.inputs[j].shape != sample.inputs[k].shape:
            return name
    return ""


def _subsequence(short: tuple[int, ...], long: tuple[int, ...]) -> bool:
    rest = iter(long)
    return all(size in rest for size in short)
