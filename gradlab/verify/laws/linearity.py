"""Law "linearity": B(a g + b h) = a B(g) + b B(h), with signed, huge and tiny factors. Needs no oracle."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradlab.adapters.subject import Array
from gradlab.verify.judge import same
from gradlab.verify.spread import gradient_spread
from gradlab.verify.trial import Trial
from gradlab.verify.violation import Violation

LAW = "linearity"

# Exact powers of two: scaling by them rounds nothing, so that homogeneity holds almost bit by bit.
_EXPONENT = {"float64": 20, "float32": 16}
_ROUNDINGS = {"float64": 64, "float32": 2048}
# Sums do round: 100 y (g - <g, y>) of a nearly one-hot y is a few last bits of 100 g, which no nudge moves. Whatever is
# not linear in its upstream misses by far more.
_ADDITIVE = 4096
_SPREAD = 100.0


def linearity(trial: Trial) -> Iterator[Violation]:
    """Homogeneity by signed powers of two, then additivity against an unrelated upstream gradient."""
    if not trial.ran or not trial.forward_finite or not trial.output.size:
        return
    g, dtype = trial.grad_output, trial.grad_output.dtype
    exponent = _EXPONENT[trial.case.dtype]
    # The same memory layout for every call: only then does the order of summation stay the same.
    base = trial.again(trial.case.inputs, g)
    for factor in (-(2.0**exponent), 2.0**-exponent):
        scaled = g * dtype.type(factor)
        found = trial.again(trial.case.inputs, scaled)
        expected = [None if answer is None else answer * factor for answer in base]
        yield from _compare(trial, found, expected, scaled, f"B({factor:+.3g} g) is not {factor:+.3g} B(g)")
    if trial.case.hostile:
        # Sums round: a saturated attention at 1e5 cancels terms of any size. What is not linear shows in mild numbers.
        return
    size = float(np.abs(g).max()) or 1.0
    h = np.asarray(trial.rng.normal(size=g.shape) * size).astype(dtype)
    other = trial.again(trial.case.inputs, h)
    both = trial.again(trial.case.inputs, np.asarray(g + h))
    total = [None if a is None or b is None else a + b for a, b in zip(base, other, strict=True)]
    yield from _compare(trial, both, total, np.asarray(g + h), "B(g + h) is not B(g) + B(h)", parts=(*base, *other))


def _compare(
    trial: Trial,
    found: list[Array | None],
    expected: list[Array | None],
    grad_output: Array,
    claim: str,
    parts: tuple[Array | None, ...] = (),
) -> Iterator[Violation]:
    eps = float(np.finfo(trial.case.dtype).eps)
    roundings = _ADDITIVE if parts else _ROUNDINGS[trial.case.dtype]
    tiny = 1e6 * float(np.finfo(trial.case.dtype).tiny)
    for k, (left, right) in enumerate(zip(found, expected, strict=True)):
        # The scale of terms that may cancel inside one gradient; infinities say that the dtype's range has ended.
        if (
            left is None
            or right is None
            or not np.isfinite(right).all()
            or (not np.isfinite(left).all() and _huge(right, trial))
        ):
            continue
        size = max(
            (float(np.abs(part).max(initial=0.0)) for part in (parts[k :: len(found)]) if part is not None), default=0.0
        )
        bad = ~same(left, right, eps, roundings, size + _natural(trial, grad_output, k)) & (np.abs(left - right) > tiny)
        if bad.any():
            spread = gradient_spread(trial.caller.gradients, trial.case.inputs, grad_output, trial.params, trial.rng)[k]
            if spread is not None:
                bad &= ~(np.abs(left - right) <= _SPREAD * spread)
        if bad.any():
            j = int(np.flatnonzero(bad)[0])
            pair = float(left.reshape(-1)[j]), float(right.reshape(-1)[j])
            message = f"{claim} for {trial.name(k)}: {pair[0]:.9g} against {pair[1]:.9g}"
            yield Violation(LAW, trial.name(k), message, {"left": pair[0], "right": pair[1]})


def _huge(values: Array, trial: Trial) -> bool:
    return bool(np.abs(values).max(initial=0.0) > float(np.finfo(trial.case.dtype).max) / 1e8)


def _natural(trial: Trial, grad_output: Array, k: int) -> float:
    # Terms of a saturated softmax or an attention cancel at the size of upstream times output times input; those of
    # p - 1 at the size of the upstream, however small the loss.
    inputs = max((float(np.abs(x).max(initial=0.0)) for x in trial.case.inputs if x.dtype.kind == "f"), default=1.0)
    output = float(np.abs(trial.output).max(initial=0.0))
    return float(np.abs(grad_output).max(initial=0.0)) * max(1.0, min(output, 1e3)) * min(max(1.0, inputs), 1e3)
