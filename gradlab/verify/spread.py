"""Rounding that no backward can avoid, measured: how far the gradient moves when its inputs move by one ulp."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.calls import Caller
from gradlab.verify.draws import signs

_RUNS = 6


def nudged(arrays: Sequence[Array], rng: np.random.Generator, *, together: bool) -> list[Array]:
    """Every nonzero float moved by -1, 0 or 1 ulp (half an ulp does not exist in the same dtype).

    `together` moves equal numbers equally, across arguments as well: ties survive. Otherwise the spread at a tie is the
    whole gradient and would hide every bug there.
    """
    moves: dict[float, int] = {}
    result = []
    for array in arrays:
        if array.dtype.kind != "f" or not array.size:
            result.append(array)
            continue
        if together:
            kinds, inverse = np.unique(array, return_inverse=True)
            drawn = rng.integers(-1, 2, size=kinds.size).tolist()
            pairs = zip(kinds.tolist(), drawn, strict=True)
            steps = np.array([moves.setdefault(kind, step) for kind, step in pairs])
            step = steps[inverse].reshape(array.shape)
        else:
            step = rng.integers(-1, 2, size=array.shape)
        target = np.where(step > 0, np.inf, -np.inf).astype(array.dtype)
        moved = np.nextafter(array, target)
        result.append(np.asarray(np.where((step == 0) | (array == 0), array, moved)))
    return result


def stretched(arrays: Sequence[Array], rng: np.random.Generator, relative: float) -> list[Array]:
    """Every float moved up or down by a part `relative` of itself."""
    result = []
    for array in arrays:
        if array.dtype.kind == "f":
            units = relative * signs(rng, array.shape)
            array = np.asarray(array + array * units.astype(array.dtype))
        result.append(array)
    return result


# Moves larger than an ulp, their change divided by their size. Two numbers normalised by their own mean and deviation
# are +-1 whatever happens to their last bits, yet their mean is rounded: only a move as large as their difference shows
# what that costs. Smaller ones than 2**12 ulp would break ties and hide the bugs there behind the jump; larger ones
# than 1/64 leave the neighbourhood.
_FIRST_REACH, _WIDEST = 12, 2.0**-6


def _reaches(eps: float) -> list[float]:
    exponents = range(_FIRST_REACH, int(np.log2(_WIDEST / eps)) + 1, 4)
    return [2.0**k for k in exponents for _ in range(2)]


Gradients = Callable[[Sequence[Array], Array, dict[str, Any]], "list[Array | None] | None"]


def gradient_spread(
    gradients: Gradients,
    inputs: Sequence[Array],
    grad_output: Array,
    params: dict[str, Any],
    rng: np.random.Generator,
) -> list[Array | None]:
    """Largest change of each gradient element, per ulp of the inputs and of the upstream gradient.

    Half of the one-ulp runs keep ties. It is measured for a generic upstream of the same size as well: with one-hot or
    small integer upstreams the rounding of a gradient can be zero by luck. In float64 what the code loses in float32
    joins it, digit for digit: some roundings stand still under every move.
    """
    size = float(np.abs(grad_output).max()) if grad_output.size else 0.0
    generic = np.asarray(size * rng.normal(size=grad_output.shape)).astype(grad_output.dtype)
    eps = float(np.finfo(grad_output.dtype).eps)
    spread: list[Array | None] = [None] * len(inputs)
    for upstream in (grad_output, generic):
        base = gradients(inputs, upstream, params)
        if base is None:
            return spread
        runs = [(nudged([*inputs, upstream], rng, together=run % 2 == 0), 1.0) for run in range(_RUNS)]
        runs += [([*stretched(inputs, rng, reach * eps), upstream], reach) for reach in _reaches(eps)]
        for moved, reach in runs:
            for k, gradient in enumerate(gradients(moved[:-1], moved[-1], params) or ()):
                spread[k] = _wider(spread[k], gradient, base[k], reach)
    if grad_output.dtype == np.float64:
        spread = widest(spread, _single(gradients, inputs, generic, params))
    return spread


def widest(left: Sequence[Array | None], right: Sequence[Array | None]) -> list[Array | None]:
    """The larger of two spreads, element by element; what only one of them has measured counts."""
    pairs = zip(left, right, strict=True)
    return [b if a is None else a if b is None else np.maximum(a, b) for a, b in pairs]


def _wider(spread: Array | None, moved: Array | None, base: Array | None, reach: float) -> Array | None:
    if moved is None or base is None:
        return spread
    change = np.abs(moved - base).astype(np.float64) / reach
    change = np.where(np.isfinite(change), change, 0.0)
    return change if spread is None else np.maximum(spread, change)


def rescaled_spread(
    gradients: Gradients,
    inputs: Sequence[Array],
    grad_output: Array,
    params: dict[str, Any],
    rng: np.random.Generator,
) -> list[Array | None]:
    """Largest change of B(c g) / c for factors c from 1 to 2, of a backward that is known to be linear.

    In g - <p, g> with p within 1e-14 of one-hot, a few last bits of g are left; they are lost in the same way whatever
    the last bits of p and g are, and in another way where g has other digits.
    """
    spread: list[Array | None] = [None] * len(inputs)
    base = gradients(inputs, grad_output, params)
    if base is None:
        return spread
    for _ in range(_RUNS):
        factor = grad_output.dtype.type(rng.uniform(1.0, 2.0))
        for k, gradient in enumerate(gradients(inputs, grad_output * factor, params) or ()):
            scaled = None if gradient is None else gradient / float(factor)
            spread[k] = _wider(spread[k], scaled, base[k], 1.0)
    return spread


def _single(
    gradients: Gradients, inputs: Sequence[Array], grad_output: Array, params: dict[str, Any]
) -> list[Array | None]:
    """What the same code loses of the same numbers in float32, in units of float64: one sample of its rounding.

    (145541 + 0.35) - 145541 is off by the same part of the last digit of 145541 wherever on its grid that number is
    moved to; no move shows it. An element that float32 happens to get right takes a tenth of the largest loss.
    """
    single = [array.astype(np.float32) if array.dtype.kind == "f" else array for array in (*inputs, grad_output)]
    double = [array.astype(np.float64) if array.dtype.kind == "f" else array for array in single]
    found, exact = gradients(single[:-1], single[-1], params), gradients(double[:-1], double[-1], params)
    if found is None or exact is None:
        return [None] * len(inputs)
    units = float(np.finfo(np.float32).eps / np.finfo(np.float64).eps)
    losses = [_wider(None, left, right, units) for left, right in zip(found, exact, strict=True)]
    return [None if loss is None else np.maximum(loss, 0.1 * loss.max(initial=0.0)) for loss in losses]


def output_spread(
    caller: Caller, inputs: Sequence[Array], output: Array, params: dict[str, Any], rng: np.random.Generator, like: str
) -> Array:
    """Largest change of the output per ulp (of dtype `like`) of the inputs, in whatever dtype forward then runs.

    An element that no move happened to touch takes a tenth of the largest change.
    """
    eps = float(np.finfo(like).eps)
    spread: Array | None = np.zeros(output.shape)
    for reach in [1.0] * _RUNS + _reaches(eps):
        found = caller.forward(stretched(inputs, rng, reach * eps), params).output
        if found.shape == output.shape:
            spread = _wider(spread, found, output, reach)
    assert spread is not None
    return np.asarray(np.maximum(spread, 0.1 * spread.max(initial=0.0)))
