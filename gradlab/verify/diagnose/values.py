"""When it is the values that matter: exact zeros, ties, whole numbers, signs, magnitudes, a large mean, an upstream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.case import Case
from gradlab.verify.diagnose.circumstances import Circumstances, without_upstream
from gradlab.verify.diagnose.diagnosis import Diagnosis, Kind
from gradlab.verify.diagnose.thresholds import shown, threshold

Change = Callable[[Array], Array]


def upstream_values(c: Circumstances) -> Diagnosis | None:
    """Right with a generic upstream gradient of size 1, wrong with this one."""
    generic = without_upstream(c)
    if generic is None or not c.ok(grad_output=generic, upstream="normal"):
        return None
    g = np.asarray(c.case.grad_output)
    grad, size = c.grad, float(np.abs(g).max())
    if not g.any():
        text = f"{grad} is not zero where grad_output is zero"
        return Diagnosis("upstream", text, "multiply every term by grad_output", {})

    def at(scale: float) -> Case:
        return replace(c.case, grad_output=(generic * generic.dtype.type(scale)).astype(generic.dtype))

    for word, far in (("above", max(size, 1e6)), ("below", min(float(np.abs(g[g != 0]).min()), 1e-6))):
        if not c.laboratory.expired and c.fails(at(far)):
            edge = threshold(1.0, far, lambda scale: c.fails(at(scale)), lambda: c.laboratory.expired)
            limit = shown(edge * float(np.abs(generic).max()))
            text = f"{grad} is wrong only where |grad_output| is {word} about {limit}"
            remedy = "do not clip, round or flush grad_output: the result must be linear in it"
            return Diagnosis("upstream", text, remedy, {"limit": edge})
    if (g == 0).any() and c.ok(grad_output=np.where(g == 0, generic, g).astype(g.dtype)):
        text = f"{grad} is wrong only where some of grad_output is exactly 0"
        return Diagnosis("upstream", text, "do not test grad_output for zero", {})
    return None


def input_values(c: Circumstances, law: str, kinked: Callable[[Case], bool]) -> Diagnosis | None:
    """One argument's values matter: the first property of them whose removal makes the case pass."""
    between = _between_arguments(c, kinked)
    if between is not None:
        return between
    for j, name in enumerate(c.laboratory.names):
        array = c.case.inputs[j]
        if array.dtype.kind != "f" or not array.size or c.laboratory.expired:
            continue
        if not c.ok(inputs=_with(c.case, j, c.mild().inputs[j])):
            continue
        found = _special(c, j, name, law, kinked) or _magnitude(c, j, name, law) or _offset(c, j, name, law)
        if found is not None:
            return found
    return _all_zero(c, law)


def _all_zero(c: Circumstances, law: str) -> Diagnosis | None:
    """Zeros in several arguments, each of which would do."""
    floats = [j for j, array in enumerate(c.case.inputs) if array.dtype.kind == "f" and (array == 0).any()]
    moved = {j: np.where(c.case.inputs[j] == 0, 0.37 + 0.1 * j, c.case.inputs[j]) for j in floats}
    inputs = tuple(moved[j].astype(old.dtype) if j in moved else old for j, old in enumerate(c.case.inputs))
    if len(floats) < 2 or not c.ok(inputs=inputs):
        return None
    names = " or ".join(c.laboratory.names[j] for j in floats)
    kind: Kind = "instability" if law == "stability" else "region"
    text = f"{c.grad} is {'not finite' if kind == 'instability' else 'wrong'} only where {names} is exactly 0"
    return Diagnosis(kind, text, "handle zeros apart: no division by them or by their length", {"arguments": names})


def _with(case: Case, j: int, array: Array) -> tuple[Array, ...]:
    return tuple(np.asarray(array).astype(old.dtype) if k == j else old for k, old in enumerate(case.inputs))


def _special(c: Circumstances, j: int, name: str, law: str, kinked: Callable[[Case], bool]) -> Diagnosis | None:
    array = c.case.inputs[j]
    infinite = law == "stability"
    rng = np.random.default_rng(4)
    size = float(np.median(np.abs(array[array != 0]))) if array.any() else 1.0
    bounded = max(min(size, 1.0), 1e-3)
    jitter = np.asarray(bounded * rng.uniform(0.05, 0.1, array.shape))
    zero = array == 0
    tied = np.unique(array).size < array.size
    rows: list[tuple[bool, Array, str, Kind, str]] = [
        (
            zero.any() and not zero.all(),
            np.where(zero, 0.37, array),  # equal numbers stay equal: a tie at 0 is a tie
            f"{name} is exactly 0",
            "instability" if infinite else "region",
            f"handle {name} == 0 apart: no division by it, no mask from it",
        ),
        (
            zero.all(),
            np.full(array.shape, 0.37),
            f"{name} is exactly 0" if array.size == 1 else f"all of {name} is 0 (a zero row)",
            "instability" if infinite else "region",
            f"handle {name} == 0 apart: no division by its size, no mask from it",
        ),
        (
            tied,
            array + jitter,
            f"entries of {name} are equal",
            "instability" if infinite else "kink",
            "at a tie choose one entry, or share the gradient; where all entries are equal divide by sqrt(var + eps)",
        ),
        (
            bool((array == np.rint(array)).all()),
            array + jitter,
            f"{name} holds whole numbers",
            "region",
            f"no special path for whole numbers in {name}",
        ),
        (
            bool((array < 0).any()) and not infinite,
            np.abs(array),
            f"{name} is negative",
            "region",
            f"check the branch for {name} < 0",
        ),
        (
            bool((array > 0).any()) and not infinite,
            -np.abs(array),
            f"{name} is positive",
            "region",
            f"check the branch for {name} > 0",
        ),
    ]
    domain = c.laboratory.specification.arguments[j].domain
    for applies, changed, where, kind, remedy in rows:
        legal = (changed >= domain.minimum).all() and (changed <= domain.maximum).all()
        if applies and legal and domain.kind != "simplex" and c.ok(inputs=_with(c.case, j, changed)):
            if "0" in where and not infinite and kinked(c.case):
                kind = "kink"
                remedy = "at a kink give a slope between those on both sides, as torch does"
            effect = "not finite" if infinite else "wrong"
            return Diagnosis(kind, f"{c.grad} is {effect} only where {where}", remedy, {"argument": name})
    return None


def _magnitude(c: Circumstances, j: int, name: str, law: str) -> Diagnosis | None:
    """Mild numbers times a factor: the size at which it begins to fail."""
    if c.laboratory.specification.arguments[j].domain.kind == "simplex":
        return None
    array = c.case.inputs[j].astype(np.float64)
    size = float(np.abs(array).max())
    least = float(np.abs(array[array != 0]).min()) if array.any() else 0.0
    for word, unit in (("above", size), ("below", least)):
        far = unit
        if not far or (word == "above") != (far > 1):
            continue

        # The failing numbers themselves, brought to size 1: their signs and their pattern stay.
        def at(scale: float, unit: float = unit) -> Case:
            return replace(c.case, inputs=_with(c.case, j, _clipped(c, j, array * (scale / unit))))

        if c.fails(at(1.0)):
            continue
        if c.laboratory.expired or not c.fails(at(far)):
            continue
        edge = threshold(1.0, far, lambda scale: c.fails(at(scale)), lambda: c.laboratory.expired)
        unstable = law == "stability" or (word == "above" and edge > 14)
        kind: Kind = "instability" if unstable else "region"
        effect = "not finite" if law == "stability" else "wrong"
        text = f"{c.grad} is {effect} only where |{name}| is {word} about {shown(edge)}"
        remedy = (
            "rewrite the formula so that nothing overflows or cancels there: shift by the largest, use log1p or expm1"
            if unstable
            else f"check the threshold or approximation near |{name}| = {shown(edge)}"
        )
        return Diagnosis(kind, text, remedy, {"limit": edge, "argument": name})
    return None


def _clipped(c: Circumstances, j: int, values: Array) -> Array:
    domain = c.laboratory.specification.arguments[j].domain
    return np.clip(values, domain.minimum, domain.maximum)


def _offset(c: Circumstances, j: int, name: str, law: str) -> Diagnosis | None:
    """Large numbers that differ little: cancellation."""
    array = c.case.inputs[j].astype(np.float64)
    mean = float(array.mean())
    if abs(mean) < 10 * float(array.std()) or not c.ok(inputs=_with(c.case, j, array - mean)):
        return None
    text = f"{c.grad} is wrong only where the mean of {name} is large beside its spread (here {shown(mean)})"
    remedy = "subtract the mean before squaring: E[x**2] - E[x]**2 cancels"
    return Diagnosis("instability", text, remedy, {"mean": mean, "argument": name})


def _between_arguments(c: Circumstances, kinked: Callable[[Case], bool]) -> Diagnosis | None:
    """Equal entries in two arguments."""
    rng = np.random.default_rng(6)
    for j, name in enumerate(c.laboratory.names):
        for m in range(j):
            first, second = c.case.inputs[m], c.case.inputs[j]
            if first.shape != second.shape or first.dtype.kind != "f" or not (first == second).any():
                continue
            if c.ok(inputs=_with(c.case, j, second + rng.uniform(0.05, 0.1, second.shape))):
                text = f"{c.grad} is wrong only where {c.laboratory.names[m]} == {name}"
                remedy = "at a tie give the gradient to one argument, or share it: not to both or none"
                facts = {"arguments": [c.laboratory.names[m], name]}
                if kinked(c.case):
                    return Diagnosis("kink", text, remedy, facts)
                return Diagnosis("region", text, "check the branch for equal numbers", facts)
    return None
