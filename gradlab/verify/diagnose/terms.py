"""Hypotheses: a term of the sum is missing, doubled or one too many, seen in the Jacobian of a normalised axis."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.formulas import recognised
from gradlab.verify.diagnose.sample import Sample, largest

_TOLERANCE = 1e-6
_SHORTEST = 4  # an affine fit through three points or fewer proves nothing


def coupling_axes(
    jacobian: Array,
    shape: tuple[int, ...],
    output: tuple[int, ...] | None = None,
    shared: Mapping[int, int] | None = None,
) -> set[int]:
    """Axes of the argument along which an output depends on other entries than its own.

    `shared` maps those axes to the output's that mean the same; by default both have the same shape.
    """
    output = shape if output is None else output
    shared = {axis: axis for axis in range(len(shape))} if shared is None else shared
    rows, columns = np.nonzero(np.abs(jacobian) > 1e-9 * largest(jacobian))
    here, there = np.unravel_index(rows, shape or (1,)), np.unravel_index(columns, output or (1,))
    return {axis for axis, other in shared.items() if (here[axis] != there[other]).any()}


def coupling_term(evidence: Evidence) -> Diagnosis | None:
    """Off the diagonal, the claimed Jacobian is the true one times a number: 0 where the whole term is missing."""
    ratios: list[float] = []
    axes: set[int] = set()
    for sample, claimed, true in evidence.jacobians:
        shape = sample.inputs[evidence.k].shape
        if shape != sample.output.shape or not shape:
            return None
        off = ~np.eye(claimed.shape[0], dtype=bool)
        scale = float((true[off] ** 2).sum())
        if not scale:
            return None
        axes |= coupling_axes(true, shape)
        ratio = float((claimed[off] * true[off]).sum()) / scale
        if np.abs(claimed - ratio * true)[off].max() > _TOLERANCE * largest(true):
            return None
        ratios.append(ratio)
    if not ratios or not axes:
        return None
    where = " and ".join(evidence.axis(axis) for axis in sorted(axes))
    facts = evidence.facts(ratio=ratios)
    if max(map(abs, ratios)) < _TOLERANCE:
        text = (
            f"the off-diagonal terms are missing: each entry of {evidence.grad} uses its own grad_output only, and the "
            f"sum over {where} is left out ({evidence.fit()})"
        )
        return Diagnosis("missing term", text, f"add the term that sums grad_output over {where}", facts)
    quantities = [evidence.quantities(sample) for sample, _, _ in evidence.jacobians]
    names = set.intersection(*(set(case) for case in quantities))
    formula = recognised(ratios, [{name: case[name] for name in case if name in names} for case in quantities])
    if formula is None or np.allclose(ratios, 1, rtol=1e-6):
        return None
    text = f"the term that sums over {where} is {formula.text} times the correct one ({evidence.fit()})"
    remedy = f"multiply the sum over {where} by {formula.inverse}"
    return Diagnosis("missing term", text, remedy, {**facts, "formula": formula.text})


def residual_along_axis(evidence: Evidence) -> Diagnosis | None:
    """Along some axes the residual is constant, or affine in the input, or a multiple of the output."""
    # What is off by less is another constant (an eps) in a term that is there.
    if not all(largest(claimed - true) > 1e-3 * largest(true) for _, claimed, true in evidence.jacobians):
        return None
    ndims = {sample.inputs[evidence.k].ndim for sample, _, _ in evidence.jacobians}
    if len(ndims) != 1 or not evidence.jacobians:
        return None
    ndim = ndims.pop()
    for count in range(1, ndim + 1):
        for axes in itertools.combinations(range(ndim), count):
            for fits, sentence, remedy in _SHAPES:
                # Where the whole Jacobian has that shape, so has every error in it.
                if all(
                    fits(evidence, sample, claimed - true, true, axes) and not fits(evidence, sample, true, true, axes)
                    for sample, claimed, true in evidence.jacobians
                ):
                    where = " and ".join(evidence.axis(axis) for axis in axes)
                    words = {"grad": evidence.grad, "name": evidence.name, "where": where}
                    absent = fits is _centred and all(
                        _flat_beside_diagonal(evidence, *triple) for triple in evidence.jacobians
                    )
                    text = f"{sentence.format(**words)}{' is missing' if absent else ''} ({evidence.fit()})"
                    return Diagnosis("missing term", text, remedy.format(**words), evidence.facts(axes=list(axes)))
    return None


def _flat_beside_diagonal(evidence: Evidence, sample: Sample, claimed: Array, true: Array) -> bool:
    """For each output, all entries but its own are one number or 0: nothing in them depends on the input's values."""
    if claimed.shape[0] != claimed.shape[1] or claimed.shape[0] < _SHORTEST:
        return False
    for o, column in enumerate(claimed.T):
        others = np.delete(column, o)
        used = others[np.abs(others) > 1e-9 * largest(claimed)]
        if used.size and np.ptp(used) > _TOLERANCE * largest(claimed):
            return False
    return True


def _slices(array: Array, axes: tuple[int, ...]) -> Array:
    """(slices, entries along the axes)."""
    moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
    length = int(np.prod([array.shape[axis] for axis in axes]))
    return moved.reshape(-1, length)


def _residuals(
    evidence: Evidence, sample: Sample, residual: Array, axes: tuple[int, ...]
) -> Iterator[tuple[Array, Array]]:
    """(residual, input) along the axes, for every output and every slice."""
    shape = sample.inputs[evidence.k].shape
    x = _slices(sample.inputs[evidence.k], axes)
    for column in residual.T:
        yield from zip(_slices(column.reshape(shape), axes), x, strict=True)


def _constant(evidence: Evidence, sample: Sample, residual: Array, true: Array, axes: tuple[int, ...]) -> bool:
    size, any_size = largest(residual), False
    for values, _ in _residuals(evidence, sample, residual, axes):
        if values.size < 3 or np.ptp(values) > _TOLERANCE * size:
            return False
        any_size |= bool(np.abs(values).max() > 1e-3 * size)
    return any_size


def _affine(evidence: Evidence, sample: Sample, residual: Array, true: Array, axes: tuple[int, ...]) -> bool:
    size, length = largest(residual), _slices(sample.inputs[evidence.k], axes).shape[1]
    if length < _SHORTEST:
        return False
    for values, x in _residuals(evidence, sample, residual, axes):
        basis = np.stack([np.ones(length), x], axis=1)
        solution = np.linalg.lstsq(basis, values, rcond=None)[0]
        if np.abs(basis @ solution - values).max() > _TOLERANCE * size:
            return False
    return True


def _centred(evidence: Evidence, sample: Sample, residual: Array, true: Array, axes: tuple[int, ...]) -> bool:
    size = largest(residual)
    return _affine(evidence, sample, residual, true, axes) and all(
        abs(values.sum()) < _TOLERANCE * size * values.size
        for values, _ in _residuals(evidence, sample, residual, axes)
    )


def _proportional(evidence: Evidence, sample: Sample, residual: Array, true: Array, axes: tuple[int, ...]) -> bool:
    """Every slice is a multiple of the same slice of the input, as in a projection on it."""
    size = largest(residual)
    for values, x in _residuals(evidence, sample, residual, axes):
        scale = float((x**2).sum())
        if values.size < 3 or not scale:
            return False
        if np.abs(values - float((values * x).sum()) / scale * x).max() > _TOLERANCE * size:
            return False
    return True


def _like_output(evidence: Evidence, sample: Sample, residual: Array, true: Array, axes: tuple[int, ...]) -> bool:
    shape, size = sample.inputs[evidence.k].shape, largest(residual)
    if sample.output.shape != shape:
        return False
    y = _slices(sample.output.astype(np.float64), axes)
    for column in residual.T:
        for values, out in zip(_slices(column.reshape(shape), axes), y, strict=True):
            scale = float((out**2).sum())
            if values.size < 3 or not scale:
                return False
            if np.abs(values - float((values * out).sum()) / scale * out).max() > _TOLERANCE * size:
                return False
    return True


Fits = Callable[[Evidence, Sample, Array, Array, tuple[int, ...]], bool]

_SHAPES: tuple[tuple[Fits, str, str], ...] = (
    (
        _constant,
        "{grad} is off by a term that is constant along {where}: the path through the mean",
        "check the term that averages or sums over {where}: it is missing, doubled or has the wrong factor",
    ),
    (
        _centred,
        "{grad} is off by a multiple of {name} - mean({name}) along {where}: the path through the variance",
        "the term through the variance is x_hat * mean(grad_output * x_hat) over {where}: add it or check it",
    ),
    (
        _proportional,
        "{grad} is off by a multiple of {name} along {where}: the projection on {name} (the path through its norm)",
        "check the term that projects grad_output on {name} over {where}: it is missing or has the wrong factor",
    ),
    (
        _like_output,
        "{grad} is off by a multiple of the output along {where}",
        "check the term output * sum(grad_output * ...) over {where}: it is missing or has the wrong factor",
    ),
    (
        _affine,
        "{grad} is off by a + b * {name} along {where}: the paths through the mean and the variance",
        "add the terms through the mean and the variance over {where}: these statistics depend on {name}",
    ),
)


def no_statistics(evidence: Evidence) -> Diagnosis | None:
    """The claimed Jacobian lacks a coupling that the true one has, whatever else is wrong."""
    claims: set[int] = set()
    truths: set[int] = set()
    for sample, claimed, true in evidence.jacobians:
        shape = sample.inputs[evidence.k].shape
        if shape != sample.output.shape or not shape:
            return None
        claims |= coupling_axes(claimed, shape)
        truths |= coupling_axes(true, shape)
    missing = truths - claims
    if not evidence.jacobians or not missing or claims - truths:
        return None
    where = " and ".join(evidence.axis(axis) for axis in sorted(missing))
    text = f"no entry of {evidence.grad} uses grad_output of other entries along {where}, as it should"
    remedy = f"add the terms that sum over {where}"
    return Diagnosis("missing term", f"{text} ({evidence.fit()})", remedy, evidence.facts(axes=sorted(missing)))
