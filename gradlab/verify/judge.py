"""The only place where a tolerance is decided: what a correct backward may be wrong by, and what follows from it.

Tolerances are derived from rounding and from the oracle's own error; none is chosen per operation and none grows with
the size of an array. Pure arithmetic on arrays, so that it can be tested by table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradlab.adapters.subject import Array

# An oracle's error estimate is itself an estimate; three of them are the bar.
ORACLE_BARS = 3.0

# Runs with every input moved by one ulp show the rounding that no backward can avoid; six runs see the largest of many
# roundings only in part. float32 has fewer bits to spare, and float64 judges the formula anyway.
SPREAD_FACTOR = {"float64": 10.0, "float32": 100.0}

# float32: errors below this part of the summed terms are rounding as far as one case can tell.
SINGLE_SLACK = 2e-4

# An answer counts as verified when the oracle's bars are below this part of the value; wider bars merely cover it.
SHARP = {"float64": 1e-8, "float32": 1e-4}
INFORMATIVE = 1e-2

# Differences of x + 1e8 lose eight digits and still tell a right gradient from a wrong one.
DECENT = 1e-3


@dataclass(frozen=True, slots=True)
class Scales:
    """Sizes in one case that rounding is proportional to.

    `upstream` = max |grad_output|, `output` = max |forward|, `weighed` = max |grad_output * forward|, `largest` =
    max |gradient| of the argument, `forward_error` = relative error of the forward itself in this dtype.
    """

    dtype: str
    upstream: float
    output: float
    weighed: float
    largest: float
    forward_error: float = 0.0

    @property
    def eps(self) -> float:
        """Distance from 1 to the next number of the dtype."""
        return float(np.finfo(self.dtype).eps)


def attainable(answer: Array, magnitude: Array, inputs: Array, scales: Scales) -> Array:
    """Error that rounding alone may leave in each element of a correct gradient.

    `magnitude` is the size of the terms that the element is summed from, `inputs` the element of the argument.
    """
    eps = scales.eps
    size = np.abs(np.where(np.isfinite(answer), answer, 0.0))
    # A few roundings of every term, and of a neighbour that shares an intermediate with this element.
    tolerance = 24 * eps * (magnitude + size) + 4 * eps * scales.largest
    # Terms of the size of the upstream gradient that cancel: a saturated softmax answers 0 +- eps * grad_output.
    tolerance = tolerance + 8 * eps * scales.upstream * min(1.0, scales.output)
    # The same, free of units: d tanh(1e4 x) cancels at the size of output / x.
    tolerance = tolerance + 8 * eps * scales.weighed / np.maximum(np.abs(inputs), 1e-6)
    if scales.forward_error > 100 * eps:
        # A backward cannot be asked to be better than the forward it belongs to.
        factor = 100 if scales.dtype == "float64" else 1000
        tolerance = tolerance + factor * scales.forward_error * np.maximum(magnitude, size)
    if scales.dtype == "float32":
        tolerance = tolerance + SINGLE_SLACK * np.maximum(magnitude, size)
    return np.asarray(tolerance + lost_below(scales.dtype))


def lost_below(dtype: str) -> float:
    """Numbers near the smallest normal one have lost digits before the backward sees them."""
    return 1e6 * float(np.finfo(dtype).tiny)


def indistinct(scales: Scales) -> float:
    """A miss that no measured scale explains and that still proves nothing.

    Where terms of the size of the upstream gradient cancel and the output happens to be near 0 as well (the loss of a
    saturated softmax: p - 1 in its last bit), neither the output nor the spread tells that there was anything to round;
    nor do they of a factor inside: softmax(100 x) cancels at 100 times the upstream.
    """
    return 256 * scales.eps * scales.upstream


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Judgement per element: `agrees` (sharp bars), `covered` (wide bars only), `differs`; none of them: no opinion.

    `ratio` is the miss in units of the tolerance; `verified` counts towards a verdict: what agrees, and what is covered
    by bars that are a small part of the value.
    """

    agrees: Array
    covered: Array
    differs: Array
    ratio: Array
    verified: Array


def compare(
    answer: Array,
    value: Array,
    error: Array,
    magnitude: Array,
    tolerance: Array,
    dtype: str,
    blur: Array | float = 0.0,
) -> Verdicts:
    """Compare gradients with an oracle: fail only where |answer - value| > tolerance + 3 oracle errors.

    A miss below `blur` is no proof either: it neither fails nor verifies.
    """
    finfo = np.finfo(dtype)
    with np.errstate(all="ignore"):
        size = np.fmax(magnitude, np.abs(value))
        # Where the true gradient leaves the range of the dtype, inf is no mistake.
        opinion = np.isfinite(value) & np.isfinite(error) & (size < float(finfo.max) / 4)
        bars = tolerance + ORACLE_BARS * error
        miss = np.abs(answer - value)
        inside = miss <= bars  # False for a NaN answer: it is judged as it is, never replaced
        sharp = ORACLE_BARS * error <= np.maximum(tolerance, SHARP[dtype] * size)
        informative = error <= INFORMATIVE * np.maximum(size, np.where(np.isfinite(answer), np.abs(answer), 0.0))
        informative |= ORACLE_BARS * error <= tolerance
        ratio = np.where(opinion & (miss != 0), miss / bars, 0.0)
        verified = opinion & inside & (sharp | (bars <= DECENT * np.abs(value)))
    return Verdicts(
        agrees=opinion & inside & sharp,
        covered=opinion & inside & ~sharp & informative,
        differs=opinion & ~inside & ((informative & ~(miss <= blur)) | ~np.isfinite(answer)),
        ratio=np.where(np.isnan(ratio), np.inf, ratio),
        verified=verified,
    )


def levels(verdicts: Verdicts) -> Array:
    """Rank for an oracle that may try again: 2 settled, 1 covered, 0 neither."""
    return np.asarray(np.where(verdicts.agrees, 2, np.where(verdicts.covered, 1, 0)))


def same(left: Array, right: Array, eps: float, factor: float, scale: float = 0.0) -> Array:
    """Whether two results of the same code may differ by rounding only, element by element.

    Equal infinities and NaNs in the same places count as the same. `scale` is the size of terms that may cancel.
    """
    with np.errstate(all="ignore"):
        size = np.abs(left) + np.abs(right)
        finite = size[np.isfinite(size)]
        largest = float(finite.max()) if finite.size else 0.0
        close = np.abs(left - right) <= factor * eps * (size + scale) + 8 * eps * largest
        return np.asarray(close | (left == right) | (np.isnan(left) & np.isnan(right)))
