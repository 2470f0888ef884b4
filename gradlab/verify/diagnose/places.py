"""Hypotheses: the right numbers at the wrong places, or wrong at certain places only."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.diagnose.diagnosis import Diagnosis
from gradlab.verify.diagnose.evidence import Evidence
from gradlab.verify.diagnose.sample import close, largest

Move = Callable[[Array], Array]


def moved(evidence: Evidence) -> Diagnosis | None:
    """The answer is the truth rolled, shifted or flipped along an axis."""
    ndim = min(truth.ndim for _, _, truth in evidence.pairs)
    for axis in range(-1, -ndim - 1, -1):
        for text, move in _moves(axis):
            turned: list[Array | None] = [move(truth) for _, _, truth in evidence.pairs]
            if evidence.all_close(turned) and not evidence.all_close([truth for _, _, truth in evidence.pairs]):
                where = evidence.axis(axis + evidence.pairs[0][2].ndim)
                text = f"{evidence.grad} is the correct gradient {text} along {where} ({evidence.fit()})"
                return Diagnosis("shifted", text, f"check the indices along {where}", evidence.facts())
    return None


def _moves(axis: int) -> Iterator[tuple[str, Move]]:
    yield "flipped", partial(np.flip, axis=axis)
    for step in (1, -1, 2, -2):
        direction = "forward" if step > 0 else "back"
        yield f"rolled {direction} by {abs(step)}", partial(np.roll, shift=step, axis=axis)
        yield f"shifted {direction} by {abs(step)}", partial(shifted, step=step, axis=axis)
    for step in (1, -1):
        yield f"shifted by {abs(step)} with its edge repeated", partial(shifted, step=step, axis=axis, edge=True)


def shifted(array: Array, step: int, axis: int, *, edge: bool = False) -> Array:
    """Rolled, with zeros (or the first entry of `array`) where entries came around."""
    result = np.roll(array, step, axis)
    count = array.shape[axis]
    rows = np.arange(min(abs(step), count)) if step > 0 else np.arange(max(count + step, 0), count)
    index: list[slice | Array] = [slice(None)] * array.ndim
    index[axis] = rows
    keep: list[slice | int] = [slice(None)] * array.ndim
    if edge and count:
        keep[axis] = slice(0, 1) if step > 0 else slice(count - 1, count)
        result[tuple(index)] = array[tuple(keep)]
    else:
        result[tuple(index)] = 0
    return result


def neighbours(evidence: Evidence) -> Diagnosis | None:
    """Each upstream element goes to a neighbour of the element that it belongs to."""
    if not evidence.jacobians:
        return None
    for word, side in (("input", 0), ("output", 1)):
        shapes = [(s.inputs[evidence.k] if side == 0 else s.output).shape for s, _, _ in evidence.jacobians]
        ndim = min(map(len, shapes))
        for axis in range(-1, -ndim - 1, -1):
            for text, move in _moves(axis):
                fits = True
                for (_, claimed, true), shape in zip(evidence.jacobians, shapes, strict=True):
                    mine, theirs = (claimed.T, true.T) if side == 0 else (claimed, true)
                    turned = np.stack([move(row.reshape(shape)).reshape(-1) for row in theirs])
                    fits = fits and close(turned, mine) and not close(theirs, mine)
                    if not fits:
                        break
                if fits:
                    where = evidence.axis(axis + len(shapes[0]), None if side == 0 else -1)
                    verb = "writes to" if side == 0 else "reads grad_output at"
                    text = f"{evidence.grad} {verb} a place that is {text} along {where} of the {word}"
                    remedy = f"check the indices along {where}"
                    return Diagnosis("shifted", f"{text} ({evidence.fit()})", remedy, evidence.facts())
    return None


def permuted(evidence: Evidence) -> Diagnosis | None:
    """The same numbers in another order."""
    for _, answer, truth in evidence.pairs:
        distinct = np.unique(np.round(truth / (largest(truth) or 1), 9)).size
        if truth.size < 4 or distinct < max(4, truth.size // 2) or np.isnan(truth).any():
            return None
        size = evidence.tolerance * largest(truth)
        if np.abs(np.sort(answer, axis=None) - np.sort(truth, axis=None)).max() > size:
            return None
        if np.abs(answer - truth).max() < 1e-3 * largest(truth):
            return None
    if not evidence.pairs:
        return None
    if all(_reordered(answer, truth) for _, answer, truth in evidence.pairs):
        text = f"{evidence.grad} is the correct gradient with its axes exchanged before a reshape ({evidence.fit()})"
        return Diagnosis("transposed", text, "transpose the axes before the reshape", evidence.facts())
    text = f"{evidence.grad} has the correct numbers in another order ({evidence.fit()})"
    return Diagnosis("shifted", text, "check the indices: every entry has its number, none its place", evidence.facts())


def _reordered(answer: Array, truth: Array) -> bool:
    """A reshape without the transposition that belongs to it."""
    return any(
        close(truth.transpose(order).reshape(truth.shape), answer)
        for order in itertools.permutations(range(truth.ndim))
        if order != tuple(range(truth.ndim)) and truth.ndim <= 4
    )


def one_place(evidence: Evidence) -> Diagnosis | None:
    """Wrong at the same indices in every draw, and only there: an end, a border, a block."""
    common: set[tuple[int, str]] | None = None
    informative = 0
    for sample in evidence.samples:
        wrong, truth = sample.wrong(evidence.k), sample.truth(evidence.k)
        if wrong is None or truth is None or not wrong.any() or wrong.all():
            return None
        informative += int(wrong.sum())
        here = set(places(wrong, relevant=truth != 0))
        if wrong.ndim > 1:
            flat = places(wrong.reshape(-1), relevant=(truth != 0).reshape(-1))
            here |= {(_FLAT, place) for _, place in flat if place.startswith("indices")}
        common = here if common is None else common & here
    if not common or len(evidence.samples) < 2 or informative < 2:
        return None
    axis, place = min(common, key=lambda item: (_RANK.index(item[1].split()[0]), item[0]))
    zero = all(
        not np.abs(sample.answers[evidence.k][sample.wrong(evidence.k)]).any()  # type: ignore[index]
        for sample in evidence.samples
    )
    where = f"{place} of " + ("the flattened array" if axis == _FLAT else evidence.axis(axis))
    text = f"{evidence.grad} is {'zero' if zero else 'wrong'} only at {where} ({evidence.fit()})"
    return Diagnosis("one place", text, f"check the bounds of loops and slices at {where}", evidence.facts(axis=axis))


_FLAT = 99  # stands for the axis of the flattened array

_RANK = ("index", "the", "both", "indices")


def places(wrong: Array, relevant: Array | None = None) -> Iterator[tuple[int, str]]:
    """Ways to say which indices are wrong, where all wrong elements share an index and no right one has it."""
    for axis, size in enumerate(wrong.shape):
        if size < 2:
            continue
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        everywhere = (wrong | ~relevant).all(axis=others) if relevant is not None else wrong.all(axis=others)
        somewhere = wrong.any(axis=others)
        if not somewhere.any() or (somewhere & ~everywhere).any():
            continue
        indices = np.flatnonzero(somewhere)
        if indices.size == size:
            continue
        if indices.size == 1:
            if indices[0] == 0:
                yield axis, "index 0"
            if indices[0] == size - 1:
                yield axis, "the last index"
            yield axis, f"index {indices[0]}"
        elif indices.tolist() == [0, size - 1] and size > 3:
            yield axis, "both ends"
        elif np.array_equal(indices, np.arange(indices[0], size)):
            yield axis, f"indices >= {indices[0]}"
            yield axis, f"the last {indices.size} indices"
        elif indices[0] == 0 and np.array_equal(indices, np.arange(indices.size)):
            yield axis, f"indices < {indices.size}"
