"""Wrong backwards of the activations."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.zoo.operations.activations import (
    CUBIC,
    ELU,
    GELU,
    LEAKY_RELU,
    RELU,
    ROOT,
    SIGMOID,
    SILU,
    SOFTPLUS,
    TANH,
    logistic,
)
from benchmarks.zoo.registry import mutant, mutant_pair
from benchmarks.zoo.subject import Array


@mutant(RELU, "upstream")
def mask_from_upstream(g: Array, x: Array) -> Any:
    """Course classic: the mask is taken from the upstream gradient instead of the input."""
    return g * (g > 0)


@mutant(RELU, "upstream", fill={"x": 1.0})
def guided(g: Array, x: Array) -> Any:
    """Guided backpropagation left in from a visualisation: negative upstream is dropped too."""
    return g * (x > 0) * (g > 0)


@mutant(RELU, "value", fill={"x": 1e-5})
def dead_below_threshold(g: Array, x: Array) -> Any:
    """Compares with a small positive tolerance instead of zero."""
    return g * (x > 1e-4)


@mutant(RELU, "value", fill={"x": 7.0})
def relu6_mask(g: Array, x: Array) -> Any:
    """The backward of relu6 under the forward of relu."""
    return g * ((x > 0) & (x < 6))


@mutant(RELU, "value", fill={"x": 0.0})
def two_at_zero(g: Array, x: Array) -> Any:
    """Adds the masks of both sides, each of which includes zero."""
    return g * ((x >= 0).astype(x.dtype) + (x == 0))


@mutant(RELU, "value", fill={"x": 0.0})
def nan_at_zero(g: Array, x: Array) -> Any:
    """The mask is computed as y / x, which is 0 / 0 at the kink."""
    return g * np.maximum(x, 0) / x


@mutant(LEAKY_RELU, "parameter", params={"slope": 0.2})
def slope_hard_coded(g: Array, x: Array, slope: float = 0.01) -> Any:
    """The default slope is written out again in the backward."""
    return np.where(x > 0, g, 0.01 * g)


@mutant(LEAKY_RELU, "formula")
def slope_twice(g: Array, x: Array, slope: float = 0.01) -> Any:
    """The slope is applied to an array that already holds it."""
    return np.where(x > 0, g, slope * slope * g)


@mutant(LEAKY_RELU, "upstream")
def branch_from_upstream(g: Array, x: Array, slope: float = 0.01) -> Any:
    """Branches on the sign of the upstream."""
    return np.where(g > 0, g, slope * g)


@mutant(LEAKY_RELU, "parameter", params={"slope": 0.0})
def zero_slope_replaced(g: Array, x: Array, slope: float = 0.01) -> Any:
    """`slope or 0.01` takes a slope of zero for one that was not given."""
    return np.where(x > 0, g, (slope or 0.01) * g)


@mutant(SIGMOID, "formula")
def sigmoid_of_output(g: Array, x: Array) -> Any:
    """Course classic: takes the input for the saved output in y (1 - y)."""
    return g * x * (1 - x)


@mutant(SIGMOID, "formula")
def one_minus_missing(g: Array, x: Array) -> Any:
    """Only the first factor of the derivative."""
    return g * logistic(x)


@mutant(SIGMOID, "stability", fill={"x": -800.0})
def naive_exponential(g: Array, x: Array) -> Any:
    """exp(-x) / (1 + exp(-x))², inf / inf for large negative x, under a stable forward."""
    e = np.exp(-x)
    return g * e / (1 + e) ** 2


@mutant(SIGMOID, "value", fill={"x": 8.0})
def saturated_to_zero(g: Array, x: Array) -> Any:
    """Kernel shortcut: beyond 7 the slope is taken for zero."""
    y = logistic(x)
    return np.where(np.abs(x) > 7, 0, g * y * (1 - y))


@mutant(SIGMOID, "value", fill={"x": 30.0})
def clipped_output(g: Array, x: Array) -> Any:
    """The output is clipped to [1e-7, 1 - 1e-7] as in a cross-entropy."""
    y = np.clip(logistic(x), 1e-7, 1 - 1e-7)
    return g * y * (1 - y)


@mutant(TANH, "formula")
def square_missing(g: Array, x: Array) -> Any:
    """1 - y instead of 1 - y²."""
    return g * (1 - np.tanh(x))


@mutant(TANH, "formula")
def input_for_output(g: Array, x: Array) -> Any:
    """1 - x², right only near zero."""
    return g * (1 - x * x)


@mutant(TANH, "stability", fill={"x": 400.0})
def cosh_overflow(g: Array, x: Array) -> Any:
    """4 exp(2x) / (exp(2x) + 1)²: inf / inf for large x."""
    e = np.exp(2 * x)
    return g * 4 * e / (e + 1) ** 2


@mutant(TANH, "value", fill={"x": 6.0})
def cut_at_five(g: Array, x: Array) -> Any:
    """A fast approximation is constant beyond 5, and so is its slope."""
    y = np.tanh(x)
    return np.where(np.abs(x) > 5, 0, g * (1 - y * y))


@mutant(TANH, "value")
def taylor_slope(g: Array, x: Array) -> Any:
    """A rational approximation of the slope, good to three digits near zero."""
    return g / (1 + x * x * (1 + x * x / 3))


@mutant(GELU, "formula")
def second_term_missing(g: Array, x: Array) -> Any:
    """Product rule with one term: the path through the tanh is forgotten."""
    return g * 0.5 * (1 + np.tanh(ROOT * (x + CUBIC * x**3)))


@mutant(GELU, "formula")
def cubic_factor(g: Array, x: Array) -> Any:
    """Kernel issue: the 3 of the cube's derivative is missing."""
    t = np.tanh(ROOT * (x + CUBIC * x**3))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * ROOT * (1 + CUBIC * x**2))


@mutant(GELU, "value", fill={"x": 2.5}, least=1e-4)
def erf_slope(g: Array, x: Array) -> Any:
    """The slope of the other GELU, the one with erf: agrees to three digits."""
    # Constants of Abramowitz and Stegun 7.1.26; the mistake is the function, not its accuracy.
    t = 1 / (1 + 0.3275911 * np.abs(x) / np.sqrt(2.0))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    bell = np.exp(-x * x / 2)
    tail = 0.5 * series * bell
    return g * (np.where(x > 0, 1 - tail, tail) + x * bell / np.sqrt(2 * np.pi)).astype(x.dtype)


@mutant(GELU, "value", least=1e-7)
def rounded_constant(g: Array, x: Array) -> Any:
    """sqrt(2 / pi) typed in with four digits."""
    t = np.tanh(0.7979 * (x + CUBIC * x**3))
    return g * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * 0.7979 * (1 + 3 * CUBIC * x**2))


@mutant(SILU, "formula")
def product_rule(g: Array, x: Array) -> Any:
    """Only x times the slope of the sigmoid."""
    s = logistic(x)
    return g * x * s * (1 - s)


@mutant(SILU, "formula")
def sign_of_second_term(g: Array, x: Array) -> Any:
    """s (1 - x (1 - s)): a sign."""
    s = logistic(x)
    return g * s * (1 - x * (1 - s))


@mutant(SILU, "value", fill={"x": -6.0})
def zero_for_negative(g: Array, x: Array) -> Any:
    """Takes the function for a relu below -5."""
    s = logistic(x)
    return np.where(x < -5, 0, g * s * (1 + x * (1 - s)))


@mutant(SOFTPLUS, "value", fill={"x": 15.0}, least=1e-8)
def threshold_low(g: Array, x: Array) -> Any:
    """Linear beyond a threshold of 10 in the backward, nowhere in the forward."""
    return g * np.where(x > 10, 1, logistic(x))


@mutant(SOFTPLUS, "stability", fill={"x": 800.0})
def ratio_of_exponentials(g: Array, x: Array) -> Any:
    """exp(x) / (1 + exp(x)): inf / inf."""
    e = np.exp(x)
    return g * e / (1 + e)


@mutant(SOFTPLUS, "formula")
def negative_argument(g: Array, x: Array) -> Any:
    """The sigmoid of -x."""
    return g * logistic(-x)


@mutant_pair(SOFTPLUS, "stability", fill={"x": 800.0}, scenario="forward")
def naive_forward() -> Any:
    """log(1 + exp(x)) as the book writes it, infinite from 710 on."""
    return (lambda x: np.log(1 + np.exp(x))), SOFTPLUS.backward


@mutant(ELU, "formula")
def minus_one_kept(g: Array, x: Array, alpha: float = 1.0) -> Any:
    """The slope of the negative side keeps the -1 of the function."""
    return g * np.where(x > 0, 1, alpha * np.expm1(np.minimum(x, 0)))


@mutant(ELU, "parameter", params={"alpha": 2.0})
def alpha_from_output(g: Array, x: Array, alpha: float = 1.0) -> Any:
    """y + 1 instead of y + alpha: right for the default alpha."""
    return g * np.where(x > 0, 1, alpha * np.expm1(np.minimum(x, 0)) + 1)


@mutant(ELU, "stability", fill={"x": 800.0})
def unclamped_exponential(g: Array, x: Array, alpha: float = 1.0) -> Any:
    """Mask times both branches: 0 times inf for large x."""
    right = (x > 0).astype(x.dtype)
    return g * (right + (1 - right) * alpha * np.exp(x))
