"""Hypotheses about which formula stands in each entry of the Jacobian: products of inputs and output, by name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis, Kind
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import Sample, largest

_SPECIALS = (("1 - {}",), ("1 + {}",), ("1 - {}", "1 + {}"), ("1 - {0}**2",), ("1 + {0}**2",))
_MOST = 4  # the sum of the exponents of a formula that a person would write


@dataclass(frozen=True, slots=True)
class Product:
    """coefficient * product of arrays to small powers."""

    coefficient: float
    powers: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        above = [_power(name, exponent) for name, exponent in self.powers if exponent > 0]
        below = [_power(name, -exponent) for name, exponent in self.powers if exponent < 0]
        head = "" if abs(self.coefficient - 1) < 1e-7 else f"{self.coefficient:.6g}"
        head = "-" if abs(self.coefficient + 1) < 1e-7 else head
        product = "*".join(([head] if head not in ("", "-") else []) + above) or "1"
        product = f"-{product}" if head == "-" else product
        if not below:
            return product
        return f"{product}/{below[0]}" if len(below) == 1 and "*" not in below[0] else f"{product}/({'*'.join(below)})"


def _power(name: str, exponent: float) -> str:
    name = f"({name})" if " " in name else name
    if exponent == 1:
        return name
    return f"sqrt({name})" if exponent == 0.5 else f"{name}**{exponent:g}"


@dataclass(slots=True)
class _Entries:
    """One number per entry that is not zero: claimed, true, and each array's element that belongs to it."""

    claimed: Array
    true: Array
    arrays: dict[str, Array]


def mistaken_formula(evidence: Evidence) -> Diagnosis | None:
    """Each entry of the Jacobian is one product of arrays where it should be another one."""
    # One set of sizes and parameters: they are part of the coefficient.
    usual = evidence.samples[0].sizes, evidence.samples[0].params
    same = [triple for triple in evidence.jacobians if (triple[0].sizes, triple[0].params) == usual]
    entries = [_entries(evidence, sample, claimed, true) for sample, claimed, true in same]
    known = [entry for entry in entries if entry is not None]
    if not known or len(known) != len(entries):
        return None
    claimed = np.concatenate([entry.claimed for entry in known])
    true = np.concatenate([entry.true for entry in known])
    arrays = {name: np.concatenate([entry.arrays[name] for entry in known]) for name in known[0].arrays}
    found = product_of(claimed, arrays)
    if found is None:
        return None
    right = product_of(true, arrays)
    factor = f"grad_output * {_in_product(str(found))}"
    summed = evidence.jacobians[0][1].shape[0] < evidence.jacobians[0][1].shape[1]
    wrapped = f"the sum of {factor}" if summed else factor
    facts = evidence.facts(entries=int(claimed.size), found=str(found), true=None if right is None else str(right))
    if right is not None:
        missing = _missing(found, right)
        kind: Kind = "missing term" if missing else "mistaken quantity"
        correct = f"grad_output * {_in_product(str(right))}"
        correct = f"the sum of {correct}" if summed else correct
        text = f"{evidence.grad} is {wrapped}, and should be {correct} ({evidence.fit()})"
        remedy = f"multiply by {missing}" if missing else f"replace {found} by {right}"
        return Diagnosis(kind, text, remedy, facts)
    if not found.powers and not summed:
        # grad_output itself: a slope is missing, nobody can say of which kind.
        text = f"{evidence.grad} is grad_output itself: the slope of the function is missing ({evidence.fit()})"
        return Diagnosis("missing term", text, "multiply grad_output by the derivative", facts)
    part = product_of(true - claimed, arrays)
    if part is not None or (not summed and dict(found.powers) == {evidence.name: -1.0, "y": 1.0}):
        rest = f" and lacks grad_output * {_in_product(str(part))}" if part is not None else ""
        text = f"{evidence.grad} is {wrapped}{rest}: one term of the product rule ({evidence.fit()})"
        return Diagnosis("missing term", text, "add the other term of the product rule", facts)
    if summed and all(_normalised(claimed, true) for _, claimed, true in same):
        right_one = f"the sum of grad_output * ({found} normalised)"
        text = f"{evidence.grad} is {wrapped}, and should be {right_one} ({evidence.fit()})"
        remedy = f"multiply grad_output by the normalised {found} (x_hat), not by {found} itself"
        return Diagnosis("mistaken quantity", text, remedy, facts)
    text = f"{evidence.grad} is {wrapped}, which is not the derivative ({evidence.fit()})"
    inner = " * ".join(name for name, _ in found.powers) or "1"
    remedy = f"replace {inner} by what forward multiplies with (a normalised or transformed array)"
    return Diagnosis("mistaken quantity", text, remedy, facts)


def _normalised(claimed: Array, true: Array) -> bool:
    """Row by row the true entries are the claimed ones, shifted and scaled to a mean of 0."""
    for mine, theirs in zip(claimed, true, strict=True):
        used = theirs != 0
        if used.sum() < 4:
            return False
        basis = np.stack([np.ones(int(used.sum())), mine[used]], axis=1)
        solution = np.linalg.lstsq(basis, theirs[used], rcond=None)[0]
        if np.abs(basis @ solution - theirs[used]).max() > 1e-6 * largest(theirs) or abs(theirs.sum()) > 1e-6:
            return False
    return True


def _in_product(text: str) -> str:
    return f"({text})" if text.startswith("-") or "/" in text else text


def _missing(found: Product, right: Product) -> str:
    """The factor that `found` lacks to be `right`; "" where it is not a plain factor."""
    have, want = dict(found.powers), dict(right.powers)
    if any(have[name] * want.get(name, 0) <= 0 or abs(have[name]) > abs(want.get(name, 0)) for name in have):
        return ""
    if not np.isclose(found.coefficient, right.coefficient):
        return ""
    rest = tuple((name, want[name] - have.get(name, 0)) for name in want if want[name] != have.get(name, 0))
    return str(Product(1.0, rest)) if rest and all(exponent > 0 for _, exponent in rest) else ""


def product_of(values: Array, arrays: dict[str, Array]) -> Product | None:
    """The simplest product of powers that `values` is everywhere, with one sign; None where there is none."""
    if values.size < 8 or not np.isfinite(values).all() or (values == 0).any():
        return None
    plain = {name: array for name, array in arrays.items() if _loggable(array)}
    found = _powers(values, plain)
    for forms in _SPECIALS:
        for name, array in plain.items():
            if found is not None:
                return found
            made = {form.format(name): _make(form, array) for form in forms}
            if all(map(_loggable, made.values())):
                found = _powers(values, plain | made)
    return found


def _make(form: str, array: Array) -> Array:
    sign = -1 if "-" in form else 1
    return np.asarray(1 + sign * (array**2 if "**" in form else array))


def _loggable(array: Array) -> bool:
    # A constant array is part of the coefficient.
    return bool(np.isfinite(array).all() and (array != 0).all() and np.ptp(array) > 1e-9 * largest(array))


def _powers(values: Array, arrays: dict[str, Array]) -> Product | None:
    # The simplest answer uses few arrays: one, then two, then three of them.
    inputs = [name for name in arrays if "y" not in name.split()]
    for names in (inputs, list(arrays)):  # a / b says more than y
        for count in range(min(len(names), 3) + 1):
            for chosen in itertools.combinations(names, count):
                found = _solve(values, {name: arrays[name] for name in chosen})
                if found is not None:
                    return found
    return None


def _solve(values: Array, arrays: dict[str, Array]) -> Product | None:
    columns = [np.ones(values.size)] + [np.log(np.abs(array)) for array in arrays.values()]
    matrix, target = np.stack(columns, axis=1), np.log(np.abs(values))
    solution, _, rank, _ = np.linalg.lstsq(matrix, target, rcond=None)
    if rank < matrix.shape[1] or values.size < matrix.shape[1] + 4:
        return None
    if np.abs(matrix @ solution - target).max() > 1e-6:
        return None
    exponents = np.round(2 * solution[1:]) / 2
    if np.abs(exponents - solution[1:]).max(initial=0.0) > 1e-5 or np.abs(exponents).sum() > _MOST:
        return None
    product = np.ones(values.size)
    for exponent, array in zip(exponents, arrays.values(), strict=True):
        part = np.abs(array) ** exponent
        product *= part * np.sign(array) if exponent % 2 == 1 else part
    ratio = values / product
    if not (ratio > 0).all() and not (ratio < 0).all():
        return None
    powers = tuple((name, float(e)) for name, e in zip(arrays, exponents, strict=True) if e)
    return Product(float(np.mean(ratio)), powers)


def _entries(evidence: Evidence, sample: Sample, claimed: Array, true: Array) -> _Entries | None:
    """Where each row or each column of both Jacobians has one entry, the arrays' elements that belong to it."""
    tiny = 1e-9 * max(largest(claimed), largest(true))
    mine, theirs = np.abs(claimed) > tiny, np.abs(true) > tiny
    both = mine | theirs
    single = (both.sum(axis=1) <= 1).all() or (both.sum(axis=0) <= 1).all()
    if not single or not mine.any():
        return None
    rows, columns = np.nonzero(both)
    return _Entries(claimed[rows, columns], true[rows, columns], arrays_at(evidence, sample, rows, columns))


def arrays_at(evidence: Evidence, sample: Sample, rows: Array, columns: Array) -> dict[str, Array]:
    """Every array's element at entries (rows: elements of the argument, columns: of the output) of a Jacobian."""
    shape, found = sample.inputs[evidence.k].shape, {}
    for j, (name, array) in enumerate(zip(evidence.laboratory.names, sample.inputs, strict=True)):
        if array.dtype.kind != "f":
            continue
        spread = _spread(evidence, j, array, shape)
        if spread is not None:
            found[name] = spread.reshape(-1)[rows]
            continue
        if array.shape == shape:
            found[name] = array.reshape(-1)[rows]
        elif array.shape == sample.output.shape:
            found[name] = array.reshape(-1)[columns]
    found["y"] = sample.output.astype(np.float64).reshape(-1)[columns]
    return found


def _spread(evidence: Evidence, j: int, array: Array, shape: tuple[int, ...]) -> Array | None:
    """A smaller array whose named dimensions the argument has too, broadcast to it: gamma of (c,) to (n, c, h, w)."""
    signature = evidence.laboratory.specification.signature
    mine, theirs = signature.inputs[evidence.k], signature.inputs[j]
    if array.shape == shape or not theirs or "..." in mine or "..." in theirs or len(set(mine)) < len(mine):
        return None
    if not all(dim in mine for dim in theirs) or [d for d in mine if d in theirs] != list(theirs):
        return None
    index = tuple(slice(None) if dim in theirs else None for dim in mine)
    return np.broadcast_to(array[index], shape)
