"""How a wrong backward differs from the correct one on its witness."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.sampling import Case, copies, legal, sample
from benchmarks.zoo.subject import Mutant, Subject, Witness


def _listed(gradients: Any) -> list[Any]:
    return list(gradients) if isinstance(gradients, tuple | list) else [gradients]


def between(right: Any, wrong: Any, least: float) -> str | None:
    """The first difference between what two backwards returned; None where there is none."""
    if isinstance(right, tuple) and not isinstance(wrong, tuple):
        return f"returned {type(wrong).__name__} for a tuple"
    rights, wrongs = _listed(right), _listed(wrong)
    if len(rights) != len(wrongs):
        return f"{len(wrongs)} gradients for {len(rights)} arguments"
    for k, (a, b) in enumerate(zip(rights, wrongs, strict=True)):
        if a is None or b is None:
            if a is not b:
                return f"gradient {k} is None in one of them"
            continue
        if isinstance(b, list | dict):
            return f"gradient {k} is a {type(b).__name__}"
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape or a.dtype != b.dtype:
            return f"gradient {k}: {b.dtype}{b.shape} for {a.dtype}{a.shape}"
        if not np.isfinite(a).all():
            return None  # such a case proves nothing
        if not np.isfinite(b).all():
            return f"gradient {k} is not finite"
        miss, scale = np.abs(a - b).max(initial=0), np.abs(a).max(initial=0)
        if miss > least * scale and miss > 0:
            return f"gradient {k} off by {miss / scale if scale else np.inf:.1e}"
    return None


def _call(subject: Subject, case: Case, *, forward: bool = True) -> tuple[Any, str | None]:
    """The gradients, and what the call did to the arrays it was given."""
    arrays = [case.grad_output, *case.inputs]
    before = copies(arrays)
    if forward:
        subject.forward(*case.inputs, **case.params)
    gradients = subject.backward(*arrays, **case.params)
    for name, old, new in zip(("grad_output", *subject.names), before, arrays, strict=True):
        if not np.array_equal(old, new, equal_nan=True):
            return gradients, f"edited {name}"
    return gradients, None


def _own(case: Case) -> Case:
    """The same case with arrays of its own in the same layout, so that an edit harms nobody else."""

    def twin(value: Any) -> Any:
        if 0 in value.strides or any(step < 0 for step in value.strides) or not value.flags.forc:
            return value  # laid out on purpose; the mutants that edit have contiguous witnesses
        return value.copy(order="K")

    return Case(case.dims, [twin(value) for value in case.inputs], twin(case.grad_output), case.params)


def observed(mutant: Mutant, seed: int = 0) -> str | None:
    """What the witness shows; None where the mutant behaves like the correct backward. Raises if it is not legal."""
    witness, subject, wrong = mutant.witness, mutant.subject, mutant.build()
    first, other = sample(subject, witness, seed), sample(subject, witness, seed + 100)
    if not legal(subject, first) or witness.dtype not in subject.dtypes:
        raise ValueError(f"the witness of {mutant.name} is not legal: {first.dims}, {first.params}")
    with np.errstate(all="ignore"):
        if witness.scenario == "forward":
            right = subject.forward(*first.inputs, **first.params)
            return between(right, wrong.forward(*first.inputs, **first.params), witness.least)
        right, _ = _call(subject, first)
        try:
            return _scenario(wrong, witness, right, first, other)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            return f"raised {type(error).__name__}"


def _scenario(wrong: Subject, witness: Witness, right: Any, first: Case, other: Case) -> str | None:
    if witness.scenario == "interleave":
        wrong.forward(*first.inputs, **first.params)
        wrong.forward(*other.inputs, **other.params)
        _call(wrong, _own(other), forward=False)
        return between(right, _call(wrong, _own(first), forward=False)[0], witness.least)
    gradients, edited = _call(wrong, _own(first))
    if witness.scenario == "repeat":
        gradients, edited = _call(wrong, _own(first))
    if witness.scenario == "overwrite":
        kept = [None if d is None else np.array(d) for d in _listed(gradients)]
        _call(wrong, _own(other))
        after = tuple(_listed(gradients))
        return "overwritten by the next call" if between(tuple(kept), after, 0.0) else None
    return edited or between(right, gradients, witness.least)
