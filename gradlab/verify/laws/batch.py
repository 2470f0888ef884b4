"""Law "batch": permuting the samples permutes the gradients; independent samples may be split as one likes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.operation import ELLIPSIS
from gradlab.verify.judge import SPREAD_FACTOR, same
from gradlab.verify.laws.smoothness import rough_at
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "batch"

# Other rows may be summed in another order, by another routine of the linear-algebra library.
_ROUNDINGS = {"float64": 256, "float32": 256}

Answers = Sequence[Array | None]


def batch(trial: Trial) -> Iterator[Violation]:
    """Needs no oracle: two runs of the code under test are compared."""
    extras = trial.specification.extras
    size = trial.case.sizes.get(extras.batch or "", 0)
    if extras.batch is None or not trial.ran or not trial.forward_finite or size < 2 or not trial.output.size:
        return
    found = list(_permuted(trial, size))
    yield from found
    if extras.per_sample and not found:
        yield from _split(trial, size)


def axes(dims: tuple[str, ...], ndim: int, name: str) -> tuple[int, ...]:
    """The axes of an array that a dimension names; `...` may stand for any number of leading ones."""
    leading = ndim - len(dims) + 1 if ELLIPSIS in dims else 0
    named = [dim for dim in dims if dim != ELLIPSIS]
    return tuple(leading + k for k, dim in enumerate(named) if dim == name)


def _taken(trial: Trial, array: Array, dims: tuple[str, ...], rows: Array) -> Array:
    for axis in axes(dims, array.ndim, str(trial.specification.extras.batch)):
        array = np.take(array, rows, axis=axis)
    return np.array(array, order="C")


def _part(trial: Trial, rows: Array) -> tuple[list[Array], Array]:
    """Inputs and upstream gradient of some samples, in a given order."""
    signature = trial.specification.signature
    assert signature.output is not None
    pairs = zip(trial.case.inputs, signature.inputs, strict=True)
    return [_taken(trial, array, dims, rows) for array, dims in pairs], _taken(
        trial, trial.grad_output, signature.output, rows
    )


def _permuted(trial: Trial, size: int) -> Iterator[Violation]:
    order = trial.rng.permutation(size)
    if (order == np.arange(size)).all():
        order = order[::-1]
    inputs, grad_output = _part(trial, order)
    name = trial.specification.extras.batch
    found = trial.again(inputs, grad_output)
    signature = trial.specification.signature
    expected = [
        None if answer is None else _taken(trial, answer, dims, order)
        for answer, dims in zip(trial.answers, signature.inputs, strict=True)
    ]
    origin = [
        _taken(trial, np.arange(answer.size).reshape(answer.shape), dims, order) if answer is not None else None
        for answer, dims in zip(trial.answers, signature.inputs, strict=True)
    ]
    yield from _compare(trial, found, expected, origin, f"samples permuted along {name}")


def _split(trial: Trial, size: int) -> Iterator[Violation]:
    cut = int(trial.rng.integers(1, size))
    name, specification = str(trial.specification.extras.batch), trial.specification
    low, _ = specification.range_of(name)
    parts = [np.arange(cut), np.arange(cut, size)]
    for rows in parts:
        sizes = {**trial.case.sizes, name: rows.size}
        if rows.size < low or (specification.where is not None and not specification.where(sizes, trial.params)):
            return
    runs = [trial.again(*_part(trial, rows)) for rows in parts]
    expected: list[Array | None] = []
    for k, dims in enumerate(specification.signature.inputs):
        pair = [run[k] for run in runs]
        if pair[0] is None or pair[1] is None:
            expected.append(None)
            continue
        own = axes(dims, pair[0].ndim, name)
        # An argument that holds pairs of samples is no matter of rows.
        whole = np.concatenate((pair[0], pair[1]), axis=own[0]) if len(own) == 1 else pair[0] + pair[1]
        expected.append(None if len(own) > 1 else np.asarray(whole))
    origin = [None if answer is None else np.arange(answer.size).reshape(answer.shape) for answer in trial.answers]
    yield from _compare(trial, trial.answers, expected, origin, f"{name}={size} against {cut} and {size - cut} samples")


def _compare(trial: Trial, found: Answers, expected: Answers, origin: Answers, how: str) -> Iterator[Violation]:
    eps, dtype = float(np.finfo(trial.case.dtype).eps), trial.case.dtype
    for k, (left, right) in enumerate(zip(found, expected, strict=True)):
        where = origin[k]
        if left is None or right is None or where is None or left.shape != right.shape or not left.size:
            continue
        scales = trial.scales(k)
        bad = ~same(left, right, eps, _ROUNDINGS[dtype], scales.largest + scales.upstream)
        spread = trial.spread[k] if bad.any() else None
        if spread is not None:
            moved = spread.reshape(-1)[where.reshape(-1)].reshape(left.shape)
            bad &= ~(np.abs(left - right) <= 2 * SPREAD_FACTOR[dtype] * moved)
        trial.tally.compared(LAW, np.zeros(int((~bad).sum())))
        for j in np.flatnonzero(bad)[:4]:
            element = int(where.reshape(-1)[j])
            if rough_at(trial, k, element):
                continue
            pair = float(left.reshape(-1)[j]), float(right.reshape(-1)[j])
            index = [int(i) for i in np.unravel_index(element, trial.inputs[k].shape)]
            claim = f"{how}: grad {trial.name(k)}{index or ''} is {pair[0]:.9g}, expected {pair[1]:.9g}"
            evidence = {"index": tuple(index), "found": pair[0], "expected": pair[1]}
            yield Violation(LAW, trial.name(k), claim, evidence, provisional=dtype == "float32")
            break
