"""How much the forward's own rounding blurs each output: measured, because the error of a difference hangs on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.draws import signs


@dataclass(frozen=True, slots=True)
class Noise:
    """Per output: its rounding, and whether it varies within the smallest steps by more than rounding explains."""

    rounding: Array
    wild: Array


# Beyond a few roundings of a float64 hidden inside.
_ROUNDING = 2.0**-46


def output_noise(
    evaluate: Callable[[Sequence[Array]], Array],
    point: Sequence[Array],
    scales: Sequence[Array | None],
    output: Array,
    rng: np.random.Generator,
    extended: bool,
    exponents: tuple[int, ...] = (),
) -> Noise:
    """Rounding error per output at the point, from fourth differences over steps too small for real curvature.

    `exponents` are those of the steps, relative to each number's scale. One sample can be ten times too small: outputs
    share the median relative noise, and never go below 2 eps.
    """
    eps = np.finfo(output.dtype).eps
    size = np.abs(output)
    # The second, larger step sees a float64 rounding hidden inside a forward that returns longdouble.
    exponents = exponents or ((-54, -40) if extended else (-40, -30))
    noise = 2 * eps * size
    still, wild = True, np.zeros(output.size, dtype=bool)
    for exponent in exponents:
        # At a kink a fourth difference is as large as its step. Smallest steps apart, equal numbers move together.
        apart = extended and exponent == exponents[0]
        pairs = zip(point, scales, strict=True)
        moves = [None if v is None else _move(x, v, rng) if apart else _equal_move(x, v) for x, v in pairs]
        # To one side: around a number of few digits the roundings on both sides are opposite and cancel.
        samples = [_at(evaluate, point, moves, k * 2.0**exponent) for k in (1, 2, 3, 4)]
        fourth = output - 4 * samples[0] + 6 * samples[1] - 4 * samples[2] + samples[3]
        still = still and all(np.array_equal(sample, output) for sample in samples)
        noise = np.fmax(noise, np.abs(fourth) / 8)
        wild = noise > _ROUNDING * size
    if still and extended:
        noise = np.fmax(noise, _hidden_rounding(evaluate, point, moves, output))
    positive = np.isfinite(noise) & (size > 0) & np.isfinite(size) & ~wild
    if positive.any():
        noise = np.fmax(noise, np.median(noise[positive] / size[positive]) * size)
    return Noise(np.asarray(noise), np.asarray(wild))


def _move(array: Array, scale: Array, rng: np.random.Generator) -> Array:
    # Short mantissas, for exact sums, but no two alike: equal moves of opposite sign leave a median where it was, and
    # an output that does not move at all looks like one that was rounded.
    sizes = rng.integers(33, 64, size=array.shape) / 64 * signs(rng, array.shape)
    # Zeros stay: they may be the edge of a domain or a kink.
    return np.asarray(np.where(array == 0, 0.0, sizes * scale.reshape(array.shape)))


def _equal_move(array: Array, scale: Array) -> Array:
    # The same, read off the digits of each number: wherever it stands, in whichever argument, it moves alike. Odd in
    # the 14th digit, below float64's last one: a float64 hidden inside would round even steps all in the same way.
    digits = np.frexp(array.astype(np.float64))[0]
    size, sign = np.modf(digits * 1e4)[0] ** 2, np.modf(digits * 1e6)[0] ** 2
    sizes = (2 * np.floor(4096 + 4095 * size) + 1) / 16384 * np.where(sign < 0.25, -1.0, 1.0)
    return np.asarray(np.where(array == 0, 0.0, sizes * scale.reshape(array.shape)))


def _at(
    evaluate: Callable[[Sequence[Array]], Array], point: Sequence[Array], moves: Sequence[Array | None], step: float
) -> Array:
    moved: list[Array] = [
        x if v is None else np.asarray(x + x.dtype.type(step) * v) for x, v in zip(point, moves, strict=True)
    ]
    return evaluate(moved)


def _hidden_rounding(
    evaluate: Callable[[Sequence[Array]], Array],
    point: Sequence[Array],
    moves: Sequence[Array | None],
    output: Array,
) -> Array:
    # No output moves at all: the forward rounds its inputs to float32 or coarser, and the first jump is the noise.
    # 2**-21 is not enough for tanh near 3 in float32, which needs 2**-17.
    for exponent in (-25, -21, -17, -13):
        jump = np.abs(_at(evaluate, point, moves, 2.0**exponent) - output)
        if (jump > 0).any():
            return np.asarray(jump)
    return np.zeros(output.size, dtype=output.dtype)
